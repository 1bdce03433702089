"""The grid worlds and Taxi against Gymnasium's tables of transitions, exhaustively; and `step` against the table."""

import functools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.toy_text._tabular import TabularState
from jaxenvs.envs.toy_text.cliff_walking import CliffWalking
from jaxenvs.envs.toy_text.frozen_lake import FrozenLake
from jaxenvs.envs.toy_text.taxi import Taxi, TaxiState
from tests.parity.differences import record
from tests.parity.rows_toy_text import ROWS

# The probability that a correct implementation fails a test; the seeds are fixed, so results do not change.
ALPHA = 1e-4

TOLERANCE = {row.id: row.tolerance for row in ROWS}

OBLONG = ("SFFFFG", "FHFSFH", "FFFHFF")
ROUND_THE_GOAL = ("SFFF", "FFGF", "FFFF")
SCHEDULE = (5.0, -3.0, -0.25)

CASES = {
    "lake": (FrozenLake, {}, "FrozenLake-v1"),
    "lake 8x8": (FrozenLake, {"map_name": "8x8"}, "FrozenLake-v1"),
    "lake not slippery": (FrozenLake, {"is_slippery": False}, "FrozenLake-v1"),
    "lake not slippery, rewards": (FrozenLake, {"is_slippery": False, "reward_schedule": SCHEDULE}, "FrozenLake-v1"),
    "lake rewards": (FrozenLake, {"reward_schedule": SCHEDULE, "success_rate": 0.7}, "FrozenLake-v1"),
    "lake never slips": (FrozenLake, {"success_rate": 1.0}, "FrozenLake-v1"),
    "lake always slips": (FrozenLake, {"success_rate": 0.0}, "FrozenLake-v1"),
    "lake oblong": (FrozenLake, {"desc": OBLONG, "reward_schedule": SCHEDULE}, "FrozenLake-v1"),
    "lake goal inside": (FrozenLake, {"desc": ROUND_THE_GOAL, "success_rate": 0.5}, "FrozenLake-v1"),
    "lake random map": (FrozenLake, {"desc": FrozenLake.random_map(3, size=6, p=0.7)}, "FrozenLake-v1"),
    "lake of one row": (FrozenLake, {"desc": ("FSFG",)}, "FrozenLake-v1"),
    "cliff": (CliffWalking, {}, "CliffWalking-v1"),
    "cliff slippery": (CliffWalking, {"is_slippery": True}, "CliffWalking-v1"),
    "taxi": (Taxi, {}, "Taxi-v4"),
    "taxi in rain": (Taxi, {"is_rainy": True}, "Taxi-v4"),
    "taxi in heavy rain": (Taxi, {"is_rainy": True, "rainy_probability": 0.25}, "Taxi-v4"),
}
OWN_IDS = {
    "lake": "FrozenLake-v1",
    "lake 8x8": "FrozenLake8x8-v1",
    "cliff": "CliffWalking-v1",
    "cliff slippery": "CliffWalkingSlippery-v1",
    "taxi": "Taxi-v4",
}
"""The cases that are an id with the fields that it has in the catalog."""


@functools.lru_cache
def build(case):
    """Our environment, Gymnasium's, and our table."""
    cls, fields, id = CASES[case]
    theirs = {name: list(value) if name == "desc" else value for name, value in fields.items()}
    env = cls(**fields)
    return env, gymnasium.make(id, **theirs).unwrapped, env.transition_table()


def branches_of(table, state, action):
    columns = (table.probability, table.next_state, table.reward, table.terminated)
    rows = zip(*(column[state, action].tolist() for column in columns))
    return sorted((round(p, 12), s, r, t) for p, s, r, t in rows if p > 0)


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_gymnasiums(case):
    env, reference, table = build(case)
    states, actions = env.observation_space.n, env.action_space.n
    assert table.probability.shape[:2] == (states, actions) == (reference.observation_space.n, reference.action_space.n)
    for state in range(states):
        for action in range(actions):
            theirs = sorted(
                (round(float(p), 12), int(s), float(r), bool(t)) for p, s, r, t in reference.P[state][action] if p > 0
            )
            assert branches_of(table, state, action) == theirs, (state, action)


@pytest.mark.parametrize("case", CASES)
def test_p_is_gymnasiums_dictionary(case):
    """Also in the same order; but Gymnasium lists branches that are never taken."""
    env, reference, _ = build(case)
    theirs = {
        state: {action: [tuple(branch) for branch in branches if branch[0] > 0] for action, branches in actions.items()}
        for state, actions in reference.P.items()
    }
    assert theirs == env.P


def test_p_holds_pythons_numbers():
    branch = FrozenLake().P[0][0][0]
    assert [type(value) for value in branch] == [float, int, float, bool]


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_a_model(case):
    _, reference, table = build(case)
    np.testing.assert_allclose(table.probability.sum(-1), 1.0, atol=1e-12)  # rounding of three float64 terms
    np.testing.assert_allclose(table.start, reference.initial_state_distrib, atol=1e-15)  # one float64 rounding
    assert table.next_state.dtype == np.int32
    assert table.terminated.dtype == bool


@jax.jit
def step_all(env, index, action, keys):
    """Steps from every state and action with every key: timesteps (pairs, keys)."""

    def step(index, action, key):
        key = key if env_samples(env) else None
        if isinstance(env, Taxi):
            state = TaxiState(index=index, fickle=jnp.zeros((), bool), key=key)
        else:
            state = TabularState(index=index, key=key)
        return env.step(state, action)[1]

    return jax.vmap(jax.vmap(step, (None, None, 0)))(index, action, keys)


def env_samples(env):
    return env.is_rainy if isinstance(env, Taxi) else env.is_slippery


def sample(case, count):
    """Samples of (next state, reward, terminated, prob), each (states, actions, count)."""
    env, _, table = build(case)
    shape = table.probability.shape[:2]
    count = count if env_samples(env) else 1
    index, action = (x.reshape(-1).astype(np.int32) for x in np.indices(shape))
    keys = jax.random.split(jaxenvs.random.key(20), (index.size, count))
    timestep = step_all(env, jnp.asarray(index), jnp.asarray(action), keys)
    arrays = timestep.observation, timestep.reward, timestep.terminated, timestep.info["prob"]
    return [np.asarray(x).reshape(*shape, count) for x in arrays]


@pytest.mark.measures_parity
@pytest.mark.parametrize("case", CASES)
def test_step_follows_the_table(case):
    env, _, table = build(case)
    outcome = sample(case, 500)
    next_state, reward, terminated, prob = (x[..., None] for x in outcome)
    possible = table.probability > 0
    matches = (
        possible[:, :, None]
        & (next_state == table.next_state[:, :, None])
        & (reward == table.reward[:, :, None].astype(np.float32))
        & (terminated == table.terminated[:, :, None])
        & (np.abs(prob - table.probability[:, :, None]) <= TOLERANCE[CASES[case][2]])
    )
    assert matches.any(-1).all(), "a step went down a branch that is not in the table"
    if case in OWN_IDS:
        record(OWN_IDS[case], np.where(matches, np.abs(prob - table.probability[:, :, None]), np.inf).min(-1))
    # Branches with the same outcome, rounding of the probabilities apart, count as the first of them.
    columns = np.stack([table.probability.round(12), table.next_state, table.reward, table.terminated], -1)
    same = (columns[:, :, :, None] == columns[:, :, None]).all(-1)
    first = same.argmax(-1)
    taken = matches.argmax(-1)
    width = table.probability.shape[-1]
    observed = np.stack([(taken == b).sum(-1) for b in range(width)], -1)
    chance = np.stack([np.where(first == b, table.probability, 0.0).sum(-1) for b in range(width)], -1)
    assert ((observed > 0) == (chance > 0)).all(), "a branch of the table was never taken"
    if not env_samples(env):
        return
    count = outcome[0].shape[-1]
    expected = count * chance
    squares = np.where(expected > 0, (observed - expected) ** 2 / np.where(expected > 0, expected, 1.0), 0.0)
    freedom = (chance > 0).sum(-1) - 1
    assert scipy.stats.chi2.sf(squares.sum(), freedom.sum()) > ALPHA if freedom.sum() else squares.sum() < 1e-9
    worst = scipy.stats.chi2.sf(squares.sum(-1), np.maximum(freedom, 1)).min()
    assert worst > ALPHA / freedom.size


@pytest.mark.parametrize("case", ["lake rewards", "lake not slippery, rewards", "lake oblong"])
def test_holes_and_goal_absorb_without_reward(case):
    env, reference, _ = build(case)
    next_state, reward, terminated, prob = sample(case, 500)
    letters = np.array(list("".join(env.tiles)))
    ends = np.isin(letters, ["H", "G"])
    assert ends.any()
    assert (next_state[ends] == np.flatnonzero(ends)[:, None, None]).all()
    assert (reward[ends] == 0).all()
    assert terminated[ends].all()
    assert (prob[ends] == 1).all()
    assert reference.P[int(np.flatnonzero(ends)[0])][0] == [(1.0, int(np.flatnonzero(ends)[0]), 0, True)]


@pytest.mark.parametrize(
    ("cell", "action"), [((1, 1), 2), ((1, 3), 0), ((0, 2), 1), ((2, 2), 3)], ids=["left", "right", "above", "below"]
)
def test_the_goal_is_entered_from_every_side(cell, action):
    env = FrozenLake(desc=ROUND_THE_GOAL, is_slippery=False)
    state = TabularState(index=jnp.asarray(cell[0] * 4 + cell[1], jnp.int32), key=None)
    state, timestep = env.step(state, jnp.asarray(action, jnp.int32))
    assert int(state.index) == int(timestep.observation) == 6
    assert float(timestep.reward) == 1.0
    assert bool(timestep.terminated)


def starts_of(env, count):
    keys = jax.random.split(jaxenvs.random.key(21), count)
    _, timestep = jax.jit(jax.vmap(env.reset))(keys)
    return timestep


@pytest.mark.parametrize(
    "env",
    [
        FrozenLake(desc=OBLONG),
        FrozenLake(desc=("SSSSS", "FFFFG"), is_slippery=False),
        FrozenLake(),
        CliffWalking(),
        Taxi(),
        Taxi(is_rainy=True, fickle_passenger=True),
    ],
    ids=["two starts", "five starts", "one start", "cliff", "taxi", "taxi with chance"],
)
def test_starts_are_spread_as_the_table_says(env):
    timestep = starts_of(env, 60_000)
    start = (
        env.replace(fickle_passenger=False).transition_table().start
        if isinstance(env, Taxi)
        else env.transition_table().start
    )
    observed = np.bincount(np.asarray(timestep.observation), minlength=start.size)
    assert observed[start == 0].sum() == 0
    if (start > 0).sum() > 1:
        assert scipy.stats.chisquare(observed[start > 0], 60_000 * start[start > 0]).pvalue > ALPHA
    assert (np.asarray(timestep.info["prob"]) == 1).all()
    assert not np.asarray(timestep.terminated).any()
