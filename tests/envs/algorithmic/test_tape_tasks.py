"""What the parity tests of the algorithmic tasks do not show: solutions, levels that are carried on, bad fields."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
from jaxenvs.envs.algorithmic.copy import Copy
from jaxenvs.envs.algorithmic.duplicated_input import DuplicatedInput
from jaxenvs.envs.algorithmic.reversed_addition import ReversedAddition
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers import DomainRandomize, FrameStack

KEY = jaxenvs.random.key(0)


def copying(observation, key=None):
    """Solves Copy: read, write, go right."""
    return jnp.int32(1), jnp.int32(1), jnp.minimum(observation, 4)


def played(env, steps, lanes=3):
    """Levels and rewards of lanes that play `copying`, of shape (steps, lanes)."""

    def step(carry, _):
        states, observations = carry
        states, timesteps = jax.vmap(env.step)(states, jax.vmap(copying)(observations))
        return (states, timesteps.observation), (timesteps.info["level"], timesteps.reward, timesteps.done)

    states, timesteps = jax.vmap(env.reset)(jax.random.split(KEY, lanes))
    return jax.jit(lambda carry: jax.lax.scan(step, carry, None, length=steps))((states, timesteps.observation))[1]


@pytest.mark.parametrize("method", ["select", "cond", "chunked"])
def test_the_level_rises_with_success_and_each_lane_has_its_own(method):
    env = jaxenvs.AutoReset(jaxenvs.make("Copy-v0"), method=method, reset_info=True)
    levels, rewards, dones = played(env, 150)
    assert (rewards == 1).all()
    for lane in range(3):
        counted = np.cumsum(np.asarray(dones[:, lane]))
        np.testing.assert_array_equal(levels[:, lane], 2 + counted // 10)
    assert len({int(dones[:, lane].sum()) for lane in range(3)}) > 1


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda env: FrameStack(env, 1), id="FrameStack", marks=pytest.mark.slow),
        pytest.param(lambda env: DomainRandomize(env, lambda key, base: base), id="DomainRandomize"),
        pytest.param(lambda env: jaxenvs.TimeLimit(env, max_episode_steps=150), id="TimeLimit", marks=pytest.mark.slow),
    ],
)
def test_wrappers_hand_it_on(wrap):
    env = jaxenvs.AutoReset(wrap(Copy(level=28, streak=9)), reset_info=True)
    state, timestep = env.reset(KEY)
    step, levels = jax.jit(env.step), []
    for _ in range(100):
        action = copying(jnp.ravel(timestep.observation)[-1])
        state, timestep = step(state, action)
        levels.append(int(timestep.info["level"]))
    assert levels[0] == 28 and levels[-1] == 29


def test_it_stays_below_its_greatest():
    env = Copy(level=30, streak=9)
    state, _ = env.reset(KEY)
    after = env.after_episode(state.replace(total=state.target_length.astype(jnp.float32)))
    assert (int(after.level), int(after.streak)) == (30, 10)
    again = after.reset(KEY)[0]
    assert int(after.after_episode(again.replace(total=jnp.float32(-0.5))).streak) == 0


@pytest.mark.parametrize("name", ["GymnasiumEnv", pytest.param("DmEnvironment", marks=pytest.mark.neighbours)])
def test_adapters_of_one_environment_carry_it(name):
    env = getattr(adapters, name)("Copy-v0", level=7, streak=9)
    for episode in range(2):
        if isinstance(env, GymnasiumEnv):
            observation, info = env.reset(seed=3 if episode == 0 else None)
        else:
            observation, info = env.reset().observation, env.info
        assert info["level"] == 7 + episode
        for _ in range(60):
            action = tuple(np.int64(x) for x in copying(observation))
            step = env.step(action)
            observation = step[0] if isinstance(env, GymnasiumEnv) else step.observation
            if step[2] if isinstance(env, GymnasiumEnv) else step.last():
                break
    if isinstance(env, GymnasiumEnv):
        assert env.reset(seed=3)[1]["level"] == 7  # a seed starts from the beginning


def test_the_adapter_of_many_carries_it_in_each():
    envs = GymnasiumVectorEnv("Copy-v0", num_envs=2, level=7, streak=9)
    observations, infos = envs.reset(seed=0)
    for _ in range(14):
        actions = tuple(np.stack(x) for x in zip(*(map(int, copying(o)) for o in observations), strict=True))
        observations, _, _, _, infos = envs.step(actions)
    assert infos["level"].tolist() == [8, 8]


def test_sums_carry():
    env = ReversedAddition(base=3, rows=3)
    grid = np.full((32, 3), 3, np.int32)
    grid[:2] = [[2, 2, 2], [2, 2, 1]]  # 2 + 6, 2 + 6, 2 + 3: 22 in base 3
    target, length = env.target_of(jnp.asarray(grid), jnp.int32(2))
    assert target[: int(length)].tolist() == [0, 1, 2]
    assert int(env.steps_for(jnp.int32(2), length)) == 8


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (Copy, {"base": 1}, "Copy: `base` must be an integer from 2 to 10"),
        (Copy, {"level": 31}, "Copy: `level` must be an integer from 1 to 30"),
        (Copy, {"level": 2.5}, "Copy: `level` must be an integer"),
        (Copy, {"streak": -1}, "Copy: `streak` must be an integer from 0 to 10"),
        (DuplicatedInput, {"duplication": 0}, "`duplication` must be"),
        (ReversedAddition, {"rows": 1}, "`rows` must be"),
        (ReversedAddition, {"rows": 4}, "`rows` must be an integer from 2 to `base`"),
    ],
)
def test_bad_fields_are_refused(kind, fields, message):
    with pytest.raises(InvalidField, match=message):
        kind(**fields)


@pytest.mark.parametrize("id", ["RepeatCopy-v0", "ReversedAddition-v0"])
def test_pictures_follow_the_heads(id):
    env = jaxenvs.unwrap(jaxenvs.make(id))
    state, _ = env.reset(KEY)
    pictures = [env.render(state)]
    for action in ((1, 1, int(state.target[0])), (1, 1, int(state.target[1] + 1) % env.base)):
        state, _ = env.step(state, tuple(jnp.int32(x) for x in action))
        pictures.append(env.render(state))
    assert all((a != b).any() for a, b in itertools.pairwise(pictures))
    lines = env.render_text(state).splitlines()
    assert lines[-1].startswith("Target") and "\x1b[42" in lines[-2] and "\x1b[41" in lines[-2]
