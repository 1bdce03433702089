"""`make_atari` in lockstep with Gymnasium's AtariPreprocessing and ale-py's AtariVectorEnv."""

import ale_py
import gymnasium
import jax
import numpy as np
import pytest
from ale_py.vector_env import AtariVectorEnv
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

import jaxenvs
from jaxenvs.wrappers import AutoReset
from jaxenvs_ale_bridge import make_atari
from tests.ale_bridge.raw import wandering_actions

KEY = jaxenvs.random.key(0)


@pytest.fixture(autouse=True)
def both_know_the_games(catalog):
    gymnasium.register_envs(ale_py)


class Noops:
    """Stands for Gymnasium's generator: draws the number of no-ops that ours drew."""

    def __init__(self, count):
        self.count = count

    def integers(self, low, high):
        assert low <= self.count < high
        return self.count


def play(env, actions, key=KEY):
    """The first timestep, and those that `actions` lead to."""

    @jax.jit
    def program(key, actions):
        state, first = env.reset(key)
        return first, jax.lax.scan(env.step, state, actions)[1]

    return jax.device_get(program(key, actions))


def at(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def theirs(id, noops, num_stack=4, **options):
    """Gymnasium's, reset after as many no-ops."""
    env = AtariPreprocessing(gymnasium.make(id, frameskip=1, repeat_action_probability=0.0), **options)
    if num_stack > 1:
        env = FrameStackObservation(env, num_stack)
    env.reset(seed=0)
    env.unwrapped._np_random = Noops(noops)
    return env, env.reset()[0]


LIKE_GYMNASIUM = [
    ("ALE/Breakout-v5", {}, 300),
    ("ALE/SpaceInvaders-v5", {"screen_size": (80, 105), "frame_skip": 3}, 100),
    ("ALE/Qbert-v5", {"grayscale_obs": False, "noop_max": 0}, 60),
    ("ALE/Pacman-v5", {"screen_size": (64, 72), "grayscale_newaxis": True, "frame_skip": 1}, 60),
    ("ALE/MsPacman-v5", {"scale_obs": True, "num_stack": 1}, 60),
]


@pytest.mark.gymnasium
@pytest.mark.parametrize(("id", "options", "steps"), LIKE_GYMNASIUM, ids=str)
def test_observations_and_rewards_are_those_of_atari_preprocessing(id, options, steps):
    env = make_atari(id, clip_reward=False, repeat_action_probability=0.0, **options)
    actions = wandering_actions(np.random.default_rng(1), steps, 1, env.action_space.n)[:, 0]
    first, timesteps = play(env, actions)
    noops = int(first.info["frame_number"])
    assert (noops > 0) == (options.get("noop_max", 30) > 0)
    twin, observation = theirs(id, noops, **options)
    assert env.observation_space.to_gymnasium() == twin.observation_space
    # Divided by 255 in the compiler's way: an ulp.
    tolerance = {"rtol": 1.2e-7 if options.get("scale_obs") else 0}
    np.testing.assert_allclose(first.observation, observation, **tolerance)
    for step, action in enumerate(actions):
        observation, reward, terminated, truncated, info = twin.step(action)
        mine = at(timesteps, step)
        assert (mine.reward, mine.terminated, mine.truncated) == (reward, terminated, truncated)
        assert mine.info["lives"] == info["lives"]
        if terminated:
            break
        np.testing.assert_allclose(mine.observation, observation, err_msg=f"step {step}", **tolerance)
    assert step > steps // 2


@pytest.mark.gymnasium
@pytest.mark.parametrize("game", ["breakout", "pong", "seaquest"])
def test_observations_and_rewards_are_those_of_ale_pys_vector_environment(game):
    lanes, steps = 2, 200
    env = make_atari(f"ALE/{game.title()}-v5", noop_max=0, repeat_action_probability=0.0, terminal_on_life_loss=False)
    env = AutoReset(env)
    twin = AtariVectorEnv(
        game, lanes, noop_max=0, use_fire_reset=False, repeat_action_probability=0.0, autoreset_mode="SameStep"
    )
    actions = wandering_actions(np.random.default_rng(2), steps, lanes, env.action_space.n)
    state, first = jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, lanes))
    _, timesteps = jax.device_get(jax.jit(lambda s, a: jax.lax.scan(jax.vmap(env.step), s, a))(state, actions))
    observation, _ = twin.reset(seed=0)
    # Theirs pads with blank screens, ours and Gymnasium's with the first; so the newest frame alone at first.
    np.testing.assert_array_equal(first.observation[:, -1], observation[:, -1])
    over = np.zeros(lanes, bool)
    for step in range(steps):
        observation, reward, terminated, truncated, _ = twin.step(actions[step])
        mine = at(timesteps, step)
        for lane in np.flatnonzero(~over):
            place = f"lane {lane}, step {step}"
            assert (mine.reward[lane], mine.terminated[lane]) == (reward[lane], terminated[lane]), place
            if terminated[lane]:
                continue
            frames = slice(-min(step + 2, 4), None)
            np.testing.assert_array_equal(mine.observation[lane, frames], observation[lane, frames], place)
        over |= (
            terminated | truncated
        )  # their next game begins with another state of the emulator than a newly booted one
    twin.close()
    assert not over.all()
