"""Toy text: features of the environments other than their transitions."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.toy_text._chance import draw_digits
from jaxenvs.envs.toy_text._tabular import TabularState
from jaxenvs.envs.toy_text.blackjack import Blackjack, deal_hand
from jaxenvs.envs.toy_text.cliff_walking import CliffWalking
from jaxenvs.envs.toy_text.frozen_lake import FrozenLake
from jaxenvs.envs.toy_text.taxi import Taxi, TaxiState
from jaxenvs.random import draw_below

IDS = ["Blackjack-v1", "FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4"]


@pytest.mark.parametrize("id", IDS)
def test_the_spec_is_gymnasiums(id):
    ours, theirs = jaxenvs.spec(id), gymnasium.spec(id)
    assert (ours.max_episode_steps, ours.reward_threshold) == (theirs.max_episode_steps, theirs.reward_threshold)
    env, reference = jaxenvs.unwrap(jaxenvs.make(id)), theirs.make().unwrapped
    assert env.observation_space.to_gymnasium() == reference.observation_space
    assert env.action_space.to_gymnasium() == reference.action_space
    for name, value in theirs.kwargs.items():
        assert getattr(env, name) == value


# ---------------------------------------------------------------- planning on the table


def optimal_values(table, discount):
    """Optimal state values and a greedy policy, by value iteration on the host."""
    values = np.zeros(len(table.start))
    for _ in range(5_000):
        onward = np.where(table.terminated, 0.0, values[table.next_state])
        returns = (table.probability * (table.reward + discount * onward)).sum(-1)
        if np.abs(returns.max(-1) - values).max() < 1e-12:
            break
        values = returns.max(-1)
    return values, returns.argmax(-1)


@jax.jit
def returns_of(env, policy, keys):
    """Undiscounted returns of at most 300 steps, one per key."""

    def episode(key):
        def step(carry, _):
            state, observation, running = carry
            state, timestep = env.step(state, policy.at[observation].get(mode="clip"))
            return (state, timestep.observation, running & ~timestep.terminated), jnp.where(
                running, timestep.reward, 0.0
            )

        state, timestep = env.reset(key)
        carry = state, timestep.observation, jnp.ones((), bool)
        return jax.lax.scan(step, carry, None, length=300)[1].sum()

    return jax.vmap(episode)(keys)


@pytest.mark.parametrize(
    ("env", "discount", "value", "expected_return"),
    [
        # The chance of ever reaching the goal, with the best care.
        (FrozenLake(), 1.0, 14 / 17, 14 / 17),
        # Six steps, the last of which is paid. Without a discount, any detour would be as good.
        (FrozenLake(is_slippery=False), 0.9, 0.9**5, 1.0),
        (CliffWalking(), 1.0, -13.0, -13.0),
    ],
    ids=["lake", "lake not slippery", "cliff"],
)
def test_value_iteration_finds_the_known_optimum_and_rollouts_achieve_it(env, discount, value, expected_return):
    table = env.transition_table()
    values, policy = optimal_values(table, discount)
    assert table.start @ values == pytest.approx(value, abs=1e-6)  # value iteration stops at 1e-12 a sweep
    keys = jax.random.split(jaxenvs.random.key(50), 4_000)
    returns = np.asarray(returns_of(env, jnp.asarray(policy, jnp.int32), keys))
    # Four standard errors, and the episodes on the slippery lake, under 2 in 1,000, that outlast 300 steps.
    tolerance = 4 * float(returns.std()) / 4_000**0.5 + 0.002 * env.is_slippery
    assert float(returns.mean()) == pytest.approx(expected_return, abs=tolerance)


def test_the_optimal_taxi_delivers():
    env = Taxi()
    table = env.transition_table()
    values, policy = optimal_values(table, 1.0)
    returns = np.asarray(
        returns_of(env, jnp.asarray(policy, jnp.int32), jax.random.split(jaxenvs.random.key(51), 3_000))
    )
    four_errors = 4 * float(returns.std()) / 3_000**0.5
    assert float(returns.mean()) == pytest.approx(float(table.start @ values), abs=four_errors)
    assert returns.min() > 0


def test_a_fickle_passenger_has_no_table():
    with pytest.raises(jaxenvs.errors.InvalidField, match="fickle_passenger=False"):
        Taxi(fickle_passenger=True).transition_table()


# ---------------------------------------------------------------- fields


@pytest.mark.parametrize("size", [2, 5, 8])
def test_random_maps_can_be_solved_and_depend_on_the_seed_alone(size):
    tiles = FrozenLake.random_map(7, size=size, p=0.7)
    assert tiles == FrozenLake.random_map(jaxenvs.random.key(7), size=size, p=0.7)
    assert (len(tiles), {len(row) for row in tiles}) == (size, {size})
    assert (tiles[0][0], tiles[-1][-1]) == ("S", "G")
    env = FrozenLake(desc=tiles, is_slippery=False)
    values, _ = optimal_values(env.transition_table(), 1.0)
    assert values[0] == 1.0
    if size > 2:
        assert len({FrozenLake.random_map(seed, size=size, p=0.7) for seed in range(5)}) > 1


def test_random_maps_have_holes_as_often_as_asked():
    tiles = "".join("".join(FrozenLake.random_map(seed, size=20, p=0.9)) for seed in range(20))
    # 398 free tiles on each of 20 maps; nearly all maps at p = 0.9 can be solved, so the choice hardly shifts p.
    assert tiles.count("H") / (398 * 20) == pytest.approx(0.1, abs=4 * (0.09 / 7960) ** 0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FrozenLake(map_name=None), r"FrozenLake\.random_map\(seed\)"),
        (lambda: FrozenLake(map_name="8x9"), "Did you mean: `8x8`"),
        (lambda: FrozenLake(desc=["SF", "FX"]), "got 'X'"),
        (lambda: FrozenLake(desc=["SFF", "FG"]), "the same length"),
        (lambda: FrozenLake(desc=["FF", "FG"]), "needs a start tile"),
        (lambda: FrozenLake(desc="SFFG"), "is a list of rows"),
        (lambda: FrozenLake(desc=[]), "is a list of rows"),
        (lambda: FrozenLake(success_rate=1.5), "`success_rate` must be a probability, from 0 to 1, got 1.5"),
        (lambda: FrozenLake(reward_schedule=(1.0, 0.0)), "`reward_schedule` must be 3 numbers"),
        (lambda: FrozenLake.random_map(0, size=1), "size >= 2"),
        (lambda: FrozenLake.random_map(0, p=0.0), "0 < p <= 1"),
        (lambda: FrozenLake.random_map(0, size=40, p=0.05), "Raise `p`"),
        (lambda: Taxi(rainy_probability=-0.1), "`rainy_probability` must be a probability"),
        (lambda: Taxi(fickle_probability=2), "`fickle_probability` must be a probability"),
    ],
)
def test_fields_that_make_no_sense_are_refused(make, message):
    with pytest.raises(jaxenvs.errors.InvalidField, match=message):
        make()


def test_a_map_may_be_given_as_a_list():
    env = jaxenvs.make("FrozenLake-v1", desc=["SFF", "HFG"])
    assert jaxenvs.unwrap(env).tiles == ("SFF", "HFG")
    assert env.observation_space.n == 6
    assert hash(jax.tree.structure(env)) == hash(jax.tree.structure(jaxenvs.make("FrozenLake-v1", desc=("SFF", "HFG"))))


@pytest.mark.parametrize(
    "desc",
    [
        gymnasium.make("FrozenLake-v1", desc=["SFF", "HFG"]).unwrapped.desc,
        np.array([["S", "F", "F"], ["H", "F", "G"]]),
        np.array(["SFF", "HFG"]),
        [b"SFF", b"HFG"],
        [["S", "F", "F"], ["H", "F", "G"]],
        ("SFF", "HFG"),
    ],
    ids=["Gymnasium's", "letters", "rows", "bytes", "lists", "strings"],
)
def test_a_map_in_any_form_of_gymnasiums(desc):
    env = FrozenLake(desc=desc)
    assert env.desc == ("SFF", "HFG")
    assert env == FrozenLake(desc=("SFF", "HFG"))


def test_a_state_has_a_key_only_where_its_transition_samples():
    key = jaxenvs.random.key(0)
    for env in (FrozenLake(is_slippery=False), CliffWalking(), Taxi()):
        assert env.reset(key)[0].key is None
    for env in (
        FrozenLake(),
        CliffWalking(is_slippery=True),
        Taxi(is_rainy=True),
        Taxi(fickle_passenger=True),
        Blackjack(),
    ):
        assert env.reset(key)[0].key is not None


def test_a_batch_of_success_rates_and_rewards_steps():
    rates = jnp.asarray([0.0, 1.0], jnp.float32)
    goals = jnp.asarray([3.0, 4.0], jnp.float32)
    envs = jax.vmap(lambda rate, goal: FrozenLake(success_rate=rate, reward_schedule=(goal, 0.0, 0.0)))(rates, goals)
    state = TabularState(index=jnp.asarray([14, 14], jnp.int32), key=jax.random.split(jaxenvs.random.key(1), 2))
    right = jnp.asarray([2, 2], jnp.int32)
    _, timestep = jax.vmap(lambda env, s, a: env.step(s, a))(envs, state, right)
    np.testing.assert_array_equal(timestep.reward, [0.0, 4.0])
    np.testing.assert_array_equal(timestep.info["prob"], [0.5, 1.0])


@pytest.mark.parametrize("n", [1, 2, 3, 300, 2**16])
def test_draw_below_covers_its_range(n):
    drawn = np.asarray(draw_below(jaxenvs.random.key(2), n, (50 * min(n, 300),)))
    assert drawn.dtype == np.int32
    assert drawn.min() >= 0
    assert drawn.max() < n
    if n <= 300:
        assert set(drawn.tolist()) == set(range(n)) or n == 300


def test_draws_refuse_a_range_in_which_they_would_overflow():
    with pytest.raises(ValueError, match="from 1 to 65536"):
        draw_below(jaxenvs.random.key(0), 2**16 + 1)
    with pytest.raises(ValueError, match="from 1 to 16"):
        draw_digits(jaxenvs.random.key(0), 17, 1)


# ---------------------------------------------------------------- text and pictures


@pytest.mark.parametrize(
    ("env", "id", "fields"),
    [
        (FrozenLake(), "FrozenLake-v1", {}),
        (FrozenLake(desc=("SFFF", "FHFG")), "FrozenLake-v1", {"desc": ["SFFF", "FHFG"]}),
        (CliffWalking(), "CliffWalking-v1", {}),
        (Taxi(), "Taxi-v4", {}),
    ],
    ids=["lake", "lake of another shape", "cliff", "taxi"],
)
def test_the_text_is_gymnasiums_after_reset(env, id, fields):
    reference = gymnasium.make(id, render_mode="ansi", **fields).unwrapped
    reference.reset(seed=0)
    for index in range(env.observation_space.n):
        reference.s = index
        if isinstance(env, Taxi):
            state = TaxiState(index=np.asarray(index, np.int32), fickle=np.asarray(False), key=None)
        else:
            state = TabularState(index=np.asarray(index, np.int32), key=None)
        assert env.render_text(state) == reference.render()


def test_blackjack_text_hides_the_dealers_card_until_it_is_revealed():
    env = Blackjack()
    state, _ = env.reset(jaxenvs.random.key(0))
    state = state.replace(player=deal_hand([1, 6]), dealer=deal_hand([13, 7]))
    assert env.render_text(state) == "Dealer: K ??\nPlayer: A 6 (17, usable ace)\n"
    state, _ = env.step(state, jnp.zeros((), jnp.int32))
    assert env.render_text(state) == "Dealer: K 7 (17)\nPlayer: A 6 (17, usable ace)\n"
    state = state.replace(player=deal_hand([10, 12, 2]))
    assert env.render_text(state).endswith("Player: 10 Q 2 (22, bust)\n")
    assert env.render_text(state.replace(player=deal_hand([1] * 10))).endswith(" A ... (20, usable ace)\n")


@pytest.mark.parametrize(
    ("env", "shape"),
    [
        (Blackjack(), (376, 384, 3)),
        pytest.param(FrozenLake(), (256, 256, 3), marks=pytest.mark.slow),
        (FrozenLake(desc=("SFFFFFFFFFG", "FFFFFFFFFFF")), (92, 506, 3)),
        (CliffWalking(), (256, 768, 3)),
        (Taxi(), (456, 536, 3)),
    ],
    ids=["blackjack", "lake", "lake of another shape", "cliff", "taxi"],
)
def test_pictures_differ_between_states_and_are_the_same_in_a_batch(env, shape):
    states = jax.jit(jax.vmap(lambda key: env.reset(key)[0]))(jax.random.split(jaxenvs.random.key(60), 3))
    if isinstance(states, TabularState):
        states = states.replace(index=jnp.asarray([0, 1, 2], jnp.int32))
    frames = np.asarray(jax.jit(jax.vmap(env.render))(states))
    assert frames.shape == (3, *shape)
    assert frames.dtype == np.uint8
    assert (frames[0] != frames[1]).any()
    assert (frames[1] != frames[2]).any()
    alone = jax.jit(env.render)(jax.tree.map(lambda x: x[1], states))
    np.testing.assert_array_equal(alone, frames[1])
