"""The games of MinAtar against transitions of minatar 1.0.15, whose chance was scripted."""

import functools
import json
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.minatar.asterix import Asterix
from jaxenvs.envs.minatar.breakout import Breakout
from jaxenvs.envs.minatar.freeway import Freeway
from jaxenvs.envs.minatar.seaquest import Seaquest
from jaxenvs.envs.minatar.space_invaders import SpaceInvaders
from jaxenvs.errors import InvalidField
from tests.parity import _minatar_states
from tests.parity.differences import record, relative

GAMES = {
    "breakout": Breakout,
    "asterix": Asterix,
    "freeway": Freeway,
    "space_invaders": SpaceInvaders,
    "seaquest": Seaquest,
}
KEY = jaxenvs.random.key(0)
LANES = 20_000
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed


def recorded(game, folder=Path(__file__).parent, form="minatar_{}_of_1_0_15.json"):
    """States before and after, actions, draws, rewards and checksums of observations, each for all transitions."""
    runs = json.loads((folder / form.format(game)).read_text())
    before = [state for run in runs for state in run["states"][:-1]]
    after = [state for run in runs for state in run["states"][1:]]
    actions, draws, rewards, checksums = zip(*(step for run in runs for step in run["steps"]), strict=True)
    read = functools.partial(fields_of, getattr(_minatar_states, game))
    return read(before), read(after), np.array(actions, "i4"), np.array(draws, "f4"), np.array(rewards), checksums


def fields_of(read, states):
    rows = [{"last_action": action, "is_over": bool(over), **read(*rest)} for action, over, *rest in states]
    batch = jax.tree.map(lambda *values: np.array(values), *rows)
    return jax.tree.map(lambda values: values if values.dtype == bool else values.astype("i4"), batch)


def check_transitions(env, before, after, actions, draws, rewards, checksums):
    fresh, _ = env.reset(KEY)

    def step(fields, action, draws):
        return env.step_with(fresh.replace(**fields), action, draws)

    states, timesteps = jax.device_get(jax.jit(jax.vmap(step))(before, actions, draws))
    reached = {name: getattr(states, name) for name in after}
    if isinstance(env, Seaquest):
        reached = _minatar_states.in_order(reached)
    for name, expected in after.items():
        jax.tree.map(functools.partial(np.testing.assert_array_equal, err_msg=name), reached[name], expected)
    np.testing.assert_array_equal(timesteps.reward, rewards)
    for id in (f"MinAtar/{type(env).__name__}-v0", f"MinAtar/{type(env).__name__}-v1"):
        record(id, relative(timesteps.reward, rewards))
        jax.tree.map(lambda ours, theirs, id=id: record(id, relative(ours, theirs)), reached, after)
    np.testing.assert_array_equal(timesteps.terminated, after["is_over"])
    seen = [zlib.crc32(observation.astype(np.uint8).tobytes()) for observation in timesteps.observation]
    assert seen == list(checksums)


@pytest.mark.measures_parity
@pytest.mark.parametrize("game", GAMES)
def test_transitions(game):
    before, after, actions, draws, rewards, checksums = recorded(game)
    check_transitions(GAMES[game](), before, after, actions, draws, rewards, checksums)
    ends = (after["is_over"] & ~before["is_over"]).sum()
    assert len(actions) > 150 and (rewards > 0).sum() >= 5 and ends >= 2 and before["is_over"].any()


def test_actions_stick_with_the_given_probability():
    for probability in (0.1, 0.5):
        env = Breakout(sticky_action_prob=probability)
        states, _ = jax.vmap(env.reset)(jax.random.split(KEY, LANES))
        actions = jnp.full(LANES, 3, jnp.int32)
        states, _ = jax.jit(jax.vmap(env.step))(states, actions)
        np.testing.assert_array_equal(states.paddle, jnp.where(states.last_action == 3, 5, 4))
        stuck = int((states.last_action == 0).sum())
        assert scipy.stats.binomtest(stuck, LANES, probability).pvalue > ALPHA


def test_minimal_actions_are_minatars():
    expected = {
        "breakout": (0, 1, 3),
        "asterix": (0, 1, 2, 3, 4),
        "freeway": (0, 2, 4),
        "space_invaders": (0, 1, 3, 5),
        "seaquest": (0, 1, 2, 3, 4, 5),
    }
    for game, actions in expected.items():
        env = GAMES[game](use_minimal_action_set=True, sticky_action_prob=0.0)
        assert env.action_space.n == len(actions) and GAMES[game]().action_space.n == 6
        chosen = jnp.arange(len(actions), dtype=jnp.int32)
        reached = jax.jit(jax.vmap(lambda action, env=env: env.step(env.reset(KEY)[0], action)[0].last_action))(chosen)
        assert tuple(reached.tolist()) == actions


def uniform(values, low, high):
    """Whether integers look uniform from `low` to `high`."""
    counts = np.bincount(np.asarray(values).ravel(), minlength=high + 1)
    return len(counts) == high + 1 and not counts[:low].any() and scipy.stats.chisquare(counts[low:]).pvalue > ALPHA


def test_starts_have_minatars_distributions():
    keys = jax.random.split(KEY, LANES)
    ball = jax.vmap(Breakout().reset)(keys)[0]
    assert uniform(ball.ball_column // 9, 0, 1) and set(np.unique(ball.ball_column)) == {0, 9}
    np.testing.assert_array_equal(ball.ball_right, ball.ball_column == 0)
    cars = jax.vmap(Freeway().reset)(keys)[0]
    assert uniform(2 * cars.intervals - 2 + cars.rightwards.astype(jnp.int32), 0, 9)
    assert abs(np.corrcoef(cars.intervals.T) - np.eye(8)).max() < 0.05


def test_lanes_of_asterix_fill_with_minatars_distributions():
    env = Asterix()
    states, _ = jax.vmap(env.reset)(jax.random.split(KEY, LANES))
    taken = jnp.arange(8) == 2
    states = states.replace(
        spawn_timer=jnp.zeros(LANES, jnp.int32),
        occupied=jnp.broadcast_to(taken, (LANES, 8)),
        is_gold=jnp.broadcast_to(taken, (LANES, 8)),
    )
    reached, _ = jax.jit(jax.vmap(env.step))(states, jnp.zeros(LANES, jnp.int32))
    new = np.asarray(reached.occupied) & ~np.asarray(taken)
    assert (new.sum(-1) == 1).all()
    lanes = new.argmax(-1)
    assert scipy.stats.chisquare(np.delete(np.bincount(lanes, minlength=8), 2)).pvalue > ALPHA
    of_new = {name: np.asarray(getattr(reached, name))[new] for name in ("is_gold", "rightwards")}
    assert scipy.stats.binomtest(int(of_new["is_gold"].sum()), LANES, 1 / 3).pvalue > ALPHA
    assert scipy.stats.binomtest(int(of_new["rightwards"].sum()), LANES, 1 / 2).pvalue > ALPHA
    assert abs(np.corrcoef([lanes, *of_new.values()]) - np.eye(3)).max() < 0.05


def test_waters_of_seaquest_fill_with_minatars_distributions():
    env = Seaquest()
    states, _ = jax.vmap(env.reset)(jax.random.split(KEY, LANES))
    now = jnp.zeros(LANES, jnp.int32)
    reached, _ = jax.jit(jax.vmap(env.step))(states.replace(spawn_timer=now, diver_spawn_timer=now), now)
    kinds = np.asarray(reached.is_submarine[:, 0])
    assert scipy.stats.binomtest(int(kinds.sum()), LANES, 1 / 3).pvalue > ALPHA
    columns = [kinds]
    for new in (reached.enemies, reached.divers):
        assert new.exists[:, 0].all() and not new.exists[:, 1:].any()
        rows, rightwards = np.asarray(new.rows[:, 0]), np.asarray(new.rightwards[:, 0])
        assert uniform(rows, 1, 8)
        assert scipy.stats.binomtest(int(rightwards.sum()), LANES, 1 / 2).pvalue > ALPHA
        columns += [rows, rightwards]
    assert abs(np.corrcoef(columns) - np.eye(5)).max() < 0.05


def test_seaquest_has_room_for_all_that_comes():
    """An entry that a new one displaces has left the screen by then, even at the highest difficulty."""
    env = _HardestSeaquest()

    def step(state, key):
        after, _ = env.step(state, env.action_space.sample(key))
        return after.replace(is_over=jnp.zeros((), bool)), (state, after)

    def play(key):
        state_key, action_key = jax.random.split(key)
        return jax.lax.scan(step, env.reset(state_key)[0], jax.random.split(action_key, 500))[1]

    before, after = jax.device_get(jax.jit(jax.vmap(play))(jax.random.split(KEY, 32)))
    pushes = before.spawn_timer == 0
    assert pushes[:, 30:].all() and before.enemies.exists[..., -2].any()
    assert not (before.enemies.exists[..., -1] & pushes).any()
    assert not (before.divers.exists[..., -1] & (before.diver_spawn_timer == 0)).any()
    fires = (before.reload_timer == 0) & (after.reload_timer > 0)
    assert fires.any() and not (before.bullets.exists[..., -1] & fires).any()
    assert before.bullets.exists[..., -1].any() and before.divers.exists[..., -1].any()


class _HardestSeaquest(Seaquest):
    """Seaquest as it is after 19 times at the surface."""

    def start_with(self, surroundings, draws):
        one = jnp.ones((), jnp.int32)
        state = super().start_with(surroundings, draws)
        return state.replace(spawn_interval=one, spawn_timer=one, move_interval=2 * one, ramp_index=19 * one)


@pytest.mark.parametrize("kind", [Asterix, SpaceInvaders, Seaquest], ids=lambda kind: kind.__name__)
def test_the_game_grows_no_harder_without_ramping(kind):
    interval = {Asterix: "spawn_interval", SpaceInvaders: "alien_move_interval", Seaquest: "spawn_interval"}[kind]
    about_to = {
        Asterix: {"ramp_timer": -1},
        SpaceInvaders: {"aliens": np.zeros((10, 10), bool)},
        Seaquest: {"at_surface": False, "divers_on_board": 3},
    }[kind]
    for ramping in (True, False):
        env = kind(difficulty_ramping=ramping)
        state, _ = env.reset(KEY)
        typed = {name: jnp.asarray(value, getattr(state, name).dtype) for name, value in about_to.items()}
        reached, _ = env.step(state.replace(**typed), jnp.int32(0))
        assert int(reached.ramp_index) == ramping
        assert int(getattr(reached, interval)) == int(getattr(state, interval)) - ramping


def test_a_bad_probability_is_refused():
    with pytest.raises(InvalidField, match="Breakout: `sticky_action_prob` must be a probability"):
        Breakout(sticky_action_prob=1.5)
