"""The bridge against ale-py's own interface: pictures, RAM, rewards, lives, ends and frame numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs_ale_bridge import GAMES, AleEnv, close_workers
from tests.ale_bridge.raw import RawGame, wandering_actions

QUICK = ("breakout", "qbert")
"""One ordinary game, and one whose snapshots ale-py 0.12.1 writes incompletely."""

EVERY_GAME = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GAMES]

STEPS, LANES = 300, 2
SWAP_EVERY = 11
"""Number of steps after which the lanes change places, so that each emulator has to restore another state."""


def play(env, state, actions):
    """Steps all lanes by `actions` (steps, lanes), exchanging their places from time to time."""

    def body(carry, x):
        state, order = carry
        step, action = x
        state, timestep = jax.vmap(env.step)(state, action[order])
        # What lane i's episode did lies wherever the episode is now.
        seen = jax.tree.map(lambda leaf: leaf[jnp.argsort(order)], timestep)
        swap = jnp.where(step % SWAP_EVERY == SWAP_EVERY - 1, jnp.arange(LANES)[::-1], jnp.arange(LANES))
        return (jax.tree.map(lambda leaf: leaf[swap], state), order[swap]), seen

    return jax.jit(lambda s, a: jax.lax.scan(body, (s, jnp.arange(LANES)), (jnp.arange(len(a)), a)))(state, actions)


@pytest.mark.parametrize("game", EVERY_GAME)
def test_a_game_is_as_in_ale_py_also_where_lanes_change_places(game):
    screens = AleEnv(game=game, repeat_action_probability=0.0)
    memory = screens.replace(obs_type="ram")
    actions = wandering_actions(np.random.default_rng(0), STEPS, LANES, screens.action_space.n)
    keys = jax.random.split(jaxenvs.random.key(0), LANES)
    starts = [jax.jit(jax.vmap(env.reset))(keys) for env in (screens, memory)]
    _, seen = play(screens, starts[0][0], actions)
    _, remembered = play(memory, starts[1][0], actions)
    for lane in range(LANES):
        raw = RawGame(game)
        np.testing.assert_array_equal(starts[0][1].observation[lane], raw.ale.getScreenRGB())
        np.testing.assert_array_equal(starts[1][1].observation[lane], raw.ale.getRAM())
        for step in range(STEPS):
            reward = raw.step([GAMES[game].minimal_actions[actions[step, lane]]] * 4)
            place = f"lane {lane}, step {step}"
            np.testing.assert_array_equal(seen.observation[step, lane], raw.ale.getScreenRGB(), place)
            np.testing.assert_array_equal(remembered.observation[step, lane], raw.ale.getRAM(), place)
            assert seen.reward[step, lane] == reward, place
            found = {"terminated": seen.terminated[step, lane]} | {k: v[step, lane] for k, v in seen.info.items()}
            assert found == raw.facts(), place
    close_workers()


BEGUN_ANEW = ("amidar", "tetris")
"""Games whose first frame shows what the emulator showed before, unless that is reset."""


@pytest.mark.parametrize("game", [g if g in BEGUN_ANEW else pytest.param(g, marks=pytest.mark.slow) for g in GAMES])
def test_a_used_emulator_begins_a_game_as_a_new_console_does(game):
    env = AleEnv(game=game, repeat_action_probability=0.0, frameskip=1)
    actions = wandering_actions(np.random.default_rng(0), 80, LANES, env.action_space.n)
    start = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), LANES))[0]
    play(env, start, actions)
    _, seen = play(env, start, actions[:12])
    for lane in range(LANES):
        raw = RawGame(game)
        for step in range(12):
            raw.step([GAMES[game].minimal_actions[actions[step, lane]]])
            np.testing.assert_array_equal(seen.observation[step, lane], raw.ale.getScreenRGB(), f"{lane}, {step}")
    close_workers()
