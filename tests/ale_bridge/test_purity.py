"""A step is a function of its arguments: whichever process computes it, in whatever order and company."""

import pickle
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
import jaxenvs.testing
from jaxenvs import host
from jaxenvs.testing.trees import difference, identical
from jaxenvs_ale_bridge import AleEnv, close_workers
from tests.ale_bridge.raw import wandering_actions

ENV = AleEnv(game="breakout", obs_type="grayscale")
LANES = 4


def start_of(env, seed=0):
    return jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(seed), LANES))[0]


def play(env, state, actions):
    def body(state, action):
        state, timestep = jax.vmap(env.step)(state, action)
        return state, (state, timestep)

    return jax.jit(lambda s, a: jax.lax.scan(body, s, a))(state, actions)[1]


def at(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


@pytest.fixture(scope="module")
def game():
    """Actions of 60 steps, and the states and timesteps that they lead to."""
    actions = wandering_actions(np.random.default_rng(1), 60, LANES, ENV.action_space.n)
    return actions, *play(ENV, start_of(ENV), actions)


@pytest.mark.parametrize("step", [0, 3, 4, 37])
def test_any_state_can_be_stepped_again(game, step):
    actions, states, timesteps = game
    again = jax.jit(jax.vmap(ENV.step))(at(states, step), actions[step + 1])
    assert identical(again, (at(states, step + 1), at(timesteps, step + 1)))


def test_the_order_of_lanes_does_not_matter(game):
    actions, states, timesteps = game
    order = np.array([2, 0, 3, 1])
    again = jax.jit(jax.vmap(ENV.step))(at(states, 20, order), actions[21, order])
    assert identical(again, (at(states, 21, order), at(timesteps, 21, order)))


def test_a_tree_of_branches_under_nested_vmap_is_as_each_branch_alone(game):
    _, states, _ = game
    choices = jnp.arange(4)
    tree = jax.jit(jax.vmap(lambda s: jax.vmap(lambda a: ENV.step(s, a))(choices)))(at(states, 50))
    alone = jax.jit(ENV.step)
    for lane in range(LANES):
        for choice in range(4):
            branch = alone(at(states, 50, lane), choices[choice])
            assert identical(at(tree, lane, choice), branch), (lane, choice)
    eager = ENV.step(at(states, 50, 1), choices[2])
    assert difference("eager step", eager, at(tree, 1, 2)) is None


def test_new_workers_go_on_where_the_old_ones_stopped(game):
    actions, states, timesteps = game
    close_workers()
    again = play(ENV, at(states, 30), actions[31:])
    later = jax.tree.map(lambda leaf: leaf[31:], (states, timesteps))
    assert identical(again, later)


def test_another_process_goes_on_from_a_file(game, tmp_path):
    actions, states, timesteps = game
    path = tmp_path / "state.pickle"
    path.write_bytes(pickle.dumps((ENV, at(states, 40, 0), actions[41, 0])))
    code = f"""
import pickle, jax
env, state, action = pickle.loads(open({str(path)!r}, "rb").read())
state, timestep = env.step(state, action)
open({str(path)!r}, "wb").write(pickle.dumps((state, timestep)))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=120)
    assert identical(pickle.loads(path.read_bytes()), (at(states, 41, 0), at(timesteps, 41, 0)))


@pytest.mark.parametrize("step", [0, 5, 59])
def test_a_picture_can_be_drawn_of_any_state(game, step):
    _, states, timesteps = game
    pictures = jax.jit(jax.vmap(ENV.render))(at(states, step))
    assert pictures.shape == (LANES, 210, 160, 3)
    luminance = np.asarray(pictures, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    assert np.abs(luminance - np.asarray(timesteps.observation[step], np.float32)).max() < 1.5


def test_the_start_can_be_drawn():
    env = AleEnv(game="breakout")
    state, timestep = env.reset(jaxenvs.random.key(0))
    np.testing.assert_array_equal(env.render(state), timestep.observation)


@pytest.mark.parametrize("interval", [7, pytest.param(8, marks=pytest.mark.slow), 100])
def test_how_often_snapshots_are_taken_changes_nothing_but_the_state(game, interval):
    actions, states, timesteps = game
    env = ENV.replace(snapshot_interval=interval)
    others, same = play(env, start_of(env), actions)
    assert identical(same, timesteps)
    assert (others.snapshot[-1] != states.snapshot[-1]).any()
    again = jax.jit(jax.vmap(env.step))(at(others, 20), actions[21])
    assert identical(again, (at(others, 21), at(same, 21)))


def test_the_end_of_a_game_is_for_good():
    env = AleEnv(game="breakout", obs_type="grayscale", repeat_action_probability=0.0, frames="last_two")
    # The ball is served repeatedly and nobody stops it.
    actions = np.tile(np.array([[1], [0]], np.int32), (130, LANES))
    states, timesteps = play(env, start_of(env), actions)
    assert timesteps.terminated[-1].all()
    over = int(timesteps.terminated[:, 0].argmax())
    close_workers()
    again = jax.jit(jax.vmap(env.step))(at(states, over), actions[0])[1]
    assert again.terminated.all() and not again.reward.any()
    np.testing.assert_array_equal(again.observation[:, 1], timesteps.observation[over, :, 1])
    np.testing.assert_array_equal(timesteps.observation[-1], again.observation)
    assert identical(at(states, -1).snapshot, at(states, over).snapshot)


def test_a_state_of_another_game_is_refused(game):
    _, states, _ = game
    other = AleEnv(game="pong", obs_type="ram")
    with pytest.raises(Exception, match="the state belongs to another game than 'pong'"):
        jax.block_until_ready(jax.jit(other.step)(at(states, 3, 0), jnp.int32(0)))
    empty = jax.tree.map(lambda leaf: leaf if leaf.dtype != np.uint8 else jnp.zeros_like(leaf), at(states, 3, 0))
    with pytest.raises(Exception, match="the state belongs to another game"):
        jax.block_until_ready(jax.jit(other.step)(empty, jnp.int32(0)))


def test_a_batch_without_lanes_has_steps_without_results():
    keys = jax.random.split(jaxenvs.random.key(0), 1)[:0]
    state, _ = jax.vmap(ENV.reset)(keys)
    _, timestep = jax.vmap(ENV.step)(state, jnp.zeros((0,), jnp.int32))
    assert timestep.observation.shape == (0, 210, 160)


def test_devices_whose_memory_the_host_cannot_reach_get_the_same(game, monkeypatch):
    actions, states, timesteps = game
    monkeypatch.setattr(host.jax.lax, "platform_dependent", lambda *args, cpu, default: default(*args))
    nested = jax.jit(jax.vmap(jax.vmap(ENV.step)))
    state = jax.tree.map(lambda leaf: leaf[10].reshape(2, 2, *leaf.shape[2:]), states)
    again = nested(state, actions[11].reshape(2, 2))
    expected = jax.tree.map(lambda leaf: leaf[11].reshape(2, 2, *leaf.shape[2:]), (states, timesteps))
    assert identical(again, expected)


@pytest.mark.parametrize("check", jaxenvs.testing.CHECKS, ids=str)
def test_conformance(check, subject):
    check(subject)


@pytest.fixture(scope="module")
def subject():
    env = jaxenvs.TimeLimit(AleEnv(game="breakout", obs_type="ram", noop_max=30), max_episode_steps=300)
    return jaxenvs.testing.Subject(env, steps=310, lanes=4)


def test_a_restored_emulator_stops_at_the_loss_of_a_life_as_a_live_one_does():
    env = AleEnv(game="breakout", obs_type="ram", stop_at_life_loss=True, repeat_action_probability=0.0)
    state, _ = jax.jit(env.reset)(jaxenvs.random.key(0))
    actions = jnp.asarray(wandering_actions(np.random.default_rng(3), 70, 1, env.action_space.n)[:, 0])
    step = jax.jit(env.step)
    for action in actions:
        before, (state, timestep) = state, step(state, action)
        if timestep.info["lives"] == 4:
            break
    assert timestep.info["episode_frame_number"] % 4 != 0
    assert not identical(step(state, action)[0], state)  # which takes the emulator away from there
    close_workers()
    assert identical(step(before, action), (state, timestep))
