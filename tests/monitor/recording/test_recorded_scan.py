"""monitor.scan: what it records is what the timesteps of `lax.scan` say."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import PackedOutcomes, outcome, read_episodes, record, scan
from jaxenvs.monitor.recording.packed_ends import packed_ends
from jaxenvs.wrappers import EpisodeStatistics, NormalizeReward, ScaleReward
from tests.monitor.recording.replaying import check_replays

LANES, BLOCKS = 5, 3
KEY = jaxenvs.random.key(0)
CART = jaxenvs.make("CartPole-v1", max_episode_steps=16)
SHORT = jaxenvs.make("CartPole-v1", max_episode_steps=3)
"""Several of its episodes end within eight steps."""
COLUMNS = "seed", "lane", "episode_return", "length", "terminated", "truncated", "env_steps"


def begin(env, lanes=LANES, key=KEY):
    return jax.jit(jax.vmap(env.reset))(jax.random.split(key, lanes))[0]


def actions_of(env, *shape):
    keys = jax.random.split(jaxenvs.random.key(1), int(np.prod(shape)))
    actions = jax.jit(jax.vmap(env.action_space.sample))(keys)
    return actions.reshape(*shape, *actions.shape[1:])


@partial(jax.jit, static_argnames="how")
def play(env, state, actions, how):
    def step(state, action):
        state, timestep = jax.vmap(env.step)(state, action)
        return state, outcome(timestep)

    return scan(jax.vmap(env.step), state, actions) if how == "scan" else jax.lax.scan(step, state, actions)


def recorded(path, env, how, steps):
    state = begin(env)
    with record(env, path) as recorder:
        for actions in actions_of(env, BLOCKS, steps, LANES):
            state, outcomes = play(env, state, actions, how)
            recorder.add(outcomes)
    return read_episodes(path), outcomes


def by_lane(episodes):
    order = np.lexsort((episodes["env_steps"], episodes["lane"], episodes["seed"]))
    return {name: episodes[name][order].tolist() for name in COLUMNS}


def mixed_rewards(timestep):
    return timestep.replace(reward=jnp.where(timestep.terminated, 1.0, -1.0))


ENVS = {
    "one reward": CART,
    "several ends in a window": SHORT,
    "two rewards": jaxenvs.make("MountainCar-v0", max_episode_steps=20),
    "two rewards, both there": jaxenvs.make("FrozenLake-v1"),
    "two rewards that are not whole": ScaleReward(SHORT, reward_scale=0.1),
    "other rewards": jaxenvs.make("Pendulum-v1", max_episode_steps=7),
}


@pytest.mark.parametrize("steps", [16, 10, 7], ids="{} steps".format)
@pytest.mark.parametrize("name", ENVS)
def test_the_episodes_are_those_of_lax_scan(tmp_path, name, steps):
    env = jaxenvs.AutoReset(ENVS[name])
    expected, _ = recorded(tmp_path / "expected", env, "lax", steps)
    episodes, outcomes = recorded(tmp_path / "run", env, "scan", steps)
    assert isinstance(outcomes, PackedOutcomes) and len(expected["lane"]) >= LANES
    assert by_lane(episodes) == by_lane(expected)
    assert episodes["episode"].tolist() == list(range(len(episodes["lane"])))
    assert (np.diff(episodes["seconds"]) >= 0).all()
    windows = -(-episodes["env_steps"] // LANES // outcomes.steps)
    assert (np.diff(windows) >= 0).all()


def kept(step, state, xs):
    _, outcomes = jax.eval_shape(partial(scan, step), state, xs)
    return outcomes.rewards, None if outcomes.reward is None else (outcomes.reward.shape, str(outcomes.reward.dtype))


def test_rewards_are_kept_as_floats_only_if_there_may_be_more_than_two():
    cart, pendulum = map(jaxenvs.AutoReset, (CART, ENVS["other rewards"]))
    cases = {name: (env, jax.vmap(env.step)) for name, env in (("cart", cart), ("pendulum", pendulum))}
    found = {name: kept(step, begin(env), actions_of(env, 16, LANES)) for name, (env, step) in cases.items()}
    assert found == {"cart": ((0.0, 1.0), ((2, LANES), "uint8")), "pendulum": (None, ((16, LANES), "float32"))}

    def changed(reward):
        def step(state, action):
            state, timestep = jax.vmap(cart.step)(state, action)
            return state, timestep.replace(reward=reward(timestep, state))

        return kept(step, begin(cart), actions_of(cart, 16, LANES))

    lanes = jnp.zeros(LANES)
    assert changed(lambda timestep, state: lanes - 1.0) == ((-1.0, -1.0), None)
    assert changed(lambda timestep, state: jnp.where(timestep.terminated, -7.0, lanes)) == (
        (0.0, -7.0),
        ((2, LANES), "uint8"),
    )
    assert changed(lambda timestep, state: jnp.arange(5.0))[0] is None
    assert (
        changed(lambda timestep, state: jnp.where(timestep.terminated, 1.0, jnp.where(timestep.truncated, 2.0, lanes)))[
            0
        ]
        is None
    )
    assert changed(lambda timestep, state: timestep.observation[:, 0])[0] is None
    given = jax.jit(lambda value: changed(lambda timestep, state: lanes + value)[0] or 0)
    assert given(1.0) == 0


def test_a_reward_that_changes_in_the_middle_is_added_from_there(tmp_path):
    env = jaxenvs.AutoReset(CART)

    @partial(jax.jit, static_argnames="how")
    def rewarded(state, actions, since, how):
        def step(state, x):
            state, timestep = jax.vmap(env.step)(state, x[0])
            timestep = timestep.replace(reward=jnp.where(jnp.broadcast_to(x[1] >= since, (LANES,)), 0.0, 1.0))
            return state, timestep if how == "scan" else outcome(timestep)

        return (scan if how == "scan" else jax.lax.scan)(step, state, (actions, jnp.arange(len(actions))))

    found = {}
    for how in ("lax", "scan"):
        state = begin(env)
        with record(env, tmp_path / how) as recorder:
            for actions, since in zip(actions_of(env, 4, 16, LANES), (99, 99, 5, 99)):
                state, outcomes = rewarded(state, actions, since, how)
                recorder.add(outcomes)
        found[how] = by_lane(read_episodes(tmp_path / how))
    assert found["scan"] == found["lax"] and found["scan"]["episode_return"] != found["scan"]["length"]


def test_further_outputs_and_counts_and_single_environments(tmp_path):
    env = jaxenvs.AutoReset(CART)

    def step(state, action):
        state, timestep = jax.vmap(env.step)(state, action)
        return state, (timestep, {"action": action})

    actions = actions_of(env, 24, LANES)
    state, (outcomes, more) = jax.jit(partial(scan, step))(begin(env), actions)
    assert isinstance(outcomes, PackedOutcomes) and more["action"].tolist() == actions.tolist()
    assert jax.tree.map(np.asarray, state.inner).elapsed.shape == (LANES,)
    statistics = EpisodeStatistics(env)
    assert jaxenvs.monitor.Endings is type(play(statistics, begin(statistics), actions, "scan")[1])
    first = jax.tree.map(lambda x: x[0], begin(env))
    with record(env, tmp_path / "single") as recorder:
        recorder.add(scan(env.step, first, actions[:, 0])[1])
        recorder.flush()
        single = read_episodes(recorder.run)
    with record(env, tmp_path / "lanes") as recorder:
        recorder.add(outcomes)
    lanes = read_episodes(recorder.run)
    assert single["length"].tolist() == lanes["length"][lanes["lane"] == 0].tolist() != []
    state, outcomes = scan(lambda state, x: env.step(state, jnp.int32(1)), first, length=8)
    assert outcomes.terminated.shape == (1,)
    with pytest.raises(InvalidField, match="pass `length`"):
        scan(env.step, first)
    with pytest.raises(InvalidField, match="must return"):
        scan(lambda state, x: (state, x), first, actions)


def test_several_seeds_and_replays(tmp_path):
    env = jaxenvs.AutoReset(CART)
    starts = jax.vmap(lambda key: begin(env, key=key))(jax.random.split(KEY, 2))
    actions = actions_of(env, BLOCKS, 2, 24, LANES)
    for replays in (False, True):
        state, path = starts, tmp_path / str(replays)
        with record(env, path, start=state if replays else None) as recorder:
            for block in actions:
                state, outcomes = jax.jit(jax.vmap(partial(scan, jax.vmap(env.step))))(state, block)
                assert outcomes.terminated.shape == (2, 3, LANES)
                recorder.add(outcomes, block if replays else None)
    assert by_lane(read_episodes(tmp_path / "True")) == by_lane(read_episodes(tmp_path / "False"))
    assert set(read_episodes(tmp_path / "False")["seed"]) == {0, 1}
    assert check_replays(recorder.run, CART) == len(read_episodes(tmp_path / "True")["lane"]) > 10


def test_rewards_that_depend_on_all_before_are_added_one_by_one(tmp_path):
    env = NormalizeReward(jaxenvs.AutoReset(CART))
    expected, _ = recorded(tmp_path / "expected", env, "lax", 16)
    episodes, _ = recorded(tmp_path / "run", env, "scan", 16)
    assert by_lane(episodes) == by_lane(expected)


@pytest.mark.parametrize("elapsed", [0, 70_000], ids=["", "long episodes before"])
@pytest.mark.parametrize("chance", [0.0, 0.01, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("steps", [8, 3])
def test_ends_in_windows_are_those_of_single_steps(chance, steps, elapsed):
    draw = np.random.default_rng(0)
    terminated, truncated = draw.random((2, 4 * steps, 300)) < chance
    truncated &= draw.random(truncated.shape) < 0.3
    counted = np.full(300, elapsed) + np.arange(300)
    expected, now = [], counted.copy()
    for step, flags in enumerate(zip(terminated, truncated)):
        now += 1
        for lane in np.flatnonzero(flags[0] | flags[1]):
            expected.append((step // steps, lane, step, now[lane], flags[0][lane], flags[1][lane]))
            now[lane] = 0

    def packed(flags):
        return np.packbits(flags.reshape(4, steps, 300), axis=1, bitorder="little")[:, 0]

    ends = packed_ends(packed(terminated), packed(truncated), steps, counted)
    flags = (np.broadcast_to(flag, len(ends)) for flag in (ends.terminated, ends.truncated))
    window = np.repeat(np.arange(4), ends.window)
    assert list(zip(window, ends.lane, ends.step, ends.length, *flags)) == sorted(expected)
    assert counted.tolist() == now.tolist()
