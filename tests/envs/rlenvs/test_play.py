"""That rlenvs' classic tasks, games and pictures can be solved, by what is known or by plans; and their bad fields."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.rlenvs.acrobot import Acrobot
from jaxenvs.envs.rlenvs.catch import Catch
from jaxenvs.envs.rlenvs.taxi import FILL_UP, PUT_DOWN, Taxi, TaxiState
from jaxenvs.envs.rlenvs.xo_world import DOWN, LEFT, RIGHT, UP, XOWorld
from jaxenvs.errors import InvalidField
from jaxenvs.training import preset
from tests.learning import assert_learns

KEY = jaxenvs.random.key(0)


def lean(observation, key):
    """CartPole: under the pole, and a little towards the middle."""
    x, x_dot, theta, theta_dot = observation
    return (theta + 0.3 * theta_dot + 0.02 * x + 0.05 * x_dot > 0).astype(jnp.int32)


def swing(observation, key):
    """Acrobot: torque in the sense of the second joint's motion, which always adds energy."""
    return jnp.where(observation[3] < 0, jnp.int32(0), jnp.int32(2))


def rock(observation, key):
    """MountainCar: push the way the car already moves, which gains height with every swing."""
    return jnp.where(observation[0] < 0, jnp.int32(0), jnp.int32(2))


def follow(observation, key):
    """Catch: keep the player's left column under the ball; both are read off the picture."""
    ball = observation[:-1, :, 0].max(axis=0).argmax()
    player = observation[-1, :, 0].argmax()
    return jnp.where(ball < player, 1, jnp.where(ball > player, 2, 0)).astype(jnp.int32)


def stand_at_16(observation, key):
    """Blackjack: a plain rule."""
    return (observation[0] < 16).astype(jnp.int32)


def anything(count):
    """Random actions."""
    return lambda observation, key: jax.random.randint(key, (), 0, count, jnp.int32)


@pytest.mark.parametrize(
    "id, policy, least, episodes",
    [
        ("CartPole", lean, 200, 1),
        ("Acrobot", swing, -130, 1),
        ("MountainCar", rock, -200, 1),
        ("Catch", follow, 0.8, 200),
        ("Blackjack", stand_at_16, -0.15, 4000),
    ],
)
def test_a_simple_rule_plays_well(id, policy, least, episodes):
    env = jaxenvs.make(f"rlenvs/{id}-v0")
    result = jaxenvs.evaluate(env, policy, KEY, num_episodes=episodes)
    assert result.finished.all() and float(result.mean_return) >= least
    at_random = jaxenvs.evaluate(env, anything(env.action_space.n), KEY, num_episodes=max(episodes, 20))
    assert float(at_random.mean_return) < least - 0.1


@functools.cache
def taxi_model():
    """Every state of Taxi with fuel, and what each action leads to: states, next indices, rewards, ends."""
    shape = 5, 5, 14, 5, 4
    x, y, fuel, passenger, destination = (part.reshape(-1).astype(np.int32) for part in np.indices(shape))
    states = TaxiState(x, y, fuel - 1, passenger + 1, destination + 1)
    step = jax.vmap(jax.vmap(Taxi().step, in_axes=(None, 0)), in_axes=(0, None))
    after, timestep = jax.device_get(jax.jit(step)(states, np.arange(7, dtype=np.int32)))
    parts = after.x, after.y, after.fuel + 1, after.passenger - 1, after.destination - 1
    return np.ravel_multi_index(parts, shape), timestep.reward, timestep.terminated


def test_every_passenger_of_taxi_can_be_delivered():
    after, reward, over = taxi_model()
    values = np.zeros(len(after))
    for _ in range(60):  # more steps than any good way has
        q = reward + np.where(over, 0.0, values[after])
        values = q.max(axis=1)
    np.testing.assert_array_equal((reward + np.where(over, 0.0, values[after])).max(axis=1), values)
    values, plan = values.reshape(5, 5, 14, 5, 4), q.argmax(axis=1).reshape(5, 5, 14, 5, 4)
    starts = values[:, :, 6:14, :4]
    assert starts.min() == -3 and starts.mean() == pytest.approx(7.349, abs=1e-3)  # as its docstring says
    # Picked up and put down where they are; and a taxi without fuel is filled up, at the pump.
    assert values[0, 4, 13, 0, 0] == -1 + 20 and plan[0, 4, 13, 4, 0] == PUT_DOWN and plan[2, 1, 1, 0, 1] == FILL_UP


def test_crosses_can_be_collected_without_a_circle():
    """From the middle to two crosses of the chess board, by moves that were planned on paper."""
    env = XOWorld(double=True)
    moves = [RIGHT] * 2 + [UP] * 1 + [DOWN] * 2 + [LEFT] * 9 + [DOWN] * 2
    state, _ = jax.jit(env.reset)(KEY)
    _, timesteps = jax.jit(lambda state, moves: jax.lax.scan(env.step, state, moves))(state, np.array(moves, np.int32))
    assert timesteps.reward.tolist().count(10) == 2 and not (timesteps.reward < 0).any()


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (Acrobot, {"euler_steps": 0}, "Acrobot: `euler_steps` must be an integer of at least 1"),
        (Catch, {"size": 1}, "Catch: `size` must be an integer of at least 2"),
        (Catch, {"player_width": 25}, r"Catch: `player_width` must be an integer from 1 to `size` \(24\)"),
        (Catch, {"flickering": 1.5}, "Catch: `flickering` must be a probability"),
    ],
)
def test_bad_fields_are_refused(kind, fields, message):
    with pytest.raises(InvalidField, match=message):
        kind(**fields)


def test_a_batch_of_levels_falls_at_a_batch_of_slopes():
    levels = jnp.array([0.0, 1.0, 2.0, 4.0], jnp.float32)
    slopes = jax.jit(jax.vmap(lambda level: Catch(level=level).reset(KEY)[0].slope))(levels)
    assert float(slopes[0]) != 0
    np.testing.assert_allclose(slopes, slopes[0] * (1 - levels), rtol=1e-6)


def mean_return(id, like, settings, seed):
    """After training with PPO and the preset of another id."""
    env, learner = jaxenvs.make(f"rlenvs/{id}-v0"), preset(like, "ppo", **settings)
    state, _ = jax.jit(learner.train)(env, jaxenvs.random.key(seed))
    result = jaxenvs.evaluate(env, learner.policy(env, state.agent), jaxenvs.random.key(seed + 1000))
    assert result.finished.all()
    return float(result.mean_return)


LEARNS = {
    "ppo: rlenvs/CartPole-v0": functools.partial(mean_return, "CartPole", "CartPole-v1", {}),
    # Every start is the same, at rest, and only some luck leads up: without the bonus for entropy it is not found.
    "ppo: rlenvs/Acrobot-v0": functools.partial(mean_return, "Acrobot", "Acrobot-v1", {"entropy_coefficient": 0.01}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNS)
def test_ppo_learns_them_with_the_presets_of_their_namesakes(name):
    assert_learns(name, LEARNS[name])
