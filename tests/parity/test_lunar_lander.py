"""LunarLander against transitions of Gymnasium's: the hidden state of Box2D before each, and what follows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.box2d.lunar_lander import MODEL, LunarLander, ground
from jaxenvs.simulators.box2d import step as step_world
from tests.parity import _lunar_lander_reference as reference
from tests.parity._box2d_report import report, report_returns
from tests.parity._lunar_lander_states import env_of, golden, state_of
from tests.parity.differences import record, relative

IN_CONTACT, IN_FLIGHT = 1e-4, 1e-5
REWARD = 5e-3
LANES = 160


@functools.cache
def compiled(solver):
    """The step of a batch of worlds, which is most of the program; all variants share it."""
    return jax.jit(jax.vmap(lambda world, terrain, drive: step_world(MODEL, world, ground(terrain), drive, solver)))


def follow(variant, rows, solver="converged"):
    """The states and timesteps after the transitions, a batch of LANES at a time."""
    env, steps = env_of(variant, solver), []
    count = len(rows["action"])
    draws = (rows["draws"] / 30).astype(np.float32)
    actions = rows["action"].astype(np.float32 if env.continuous else np.int32)
    for first in range(0, count, LANES):
        some = np.resize(np.arange(first, min(first + LANES, count)), LANES)
        states = state_of({name: values[some] for name, values in rows.items()}, env)
        states, drive = jax.jit(jax.vmap(env.thrust))(states, actions[some], draws[some])
        world, began = compiled(solver)(states.world, states.terrain, drive)
        states, timesteps = jax.jit(jax.vmap(env.settle))(states, world, began)
        steps.append(jax.tree.map(np.asarray, (states.replace(key=np.zeros(LANES)), timesteps)))
    return jax.tree.map(lambda *x: np.concatenate(x)[:count], *steps)


def compare(variant, rows, solver="converged"):
    """Asserts every mark; returns the differences of observations and rewards, and which transitions have contacts."""
    state, timestep = follow(variant, rows, solver)
    for ours, theirs in ((timestep.observation, rows["observation"]), (timestep.reward, rows["reward"])):
        record("LunarLanderContinuous-v3" if env_of(variant).continuous else "LunarLander-v3", relative(ours, theirs))
    world, after = state.world, {n.removeprefix("after."): v for n, v in rows.items() if n.startswith("after.")}
    ours = {"edge": world.contacts.edge, "points": world.contacts.points, "touched": world.touched[:, 1:]}
    ours |= {"crashed": state.crashed, "awake": world.awake}
    for name, values in ours.items():
        expected = after[name][:, 1:] if name == "touched" else after[name]
        np.testing.assert_array_equal(values, expected, err_msg=name)
    exists = np.arange(2) < world.contacts.points[..., None]
    np.testing.assert_array_equal(np.where(exists, world.contacts.feature, 0), np.where(exists, after["feature"], 0))
    np.testing.assert_allclose(world.sleep_time, after["sleep_time"], atol=1e-6)
    np.testing.assert_array_equal(timestep.terminated, rows["terminated"])
    assert not world.overflow.any()
    np.testing.assert_allclose(timestep.reward, rows["reward"], atol=REWARD)
    differences = np.abs(timestep.observation - rows["observation"]).max(1)
    touching = (rows["before.points"] > 0).any((1, 2)) | (after["points"] > 0).any((1, 2))
    assert differences[~touching].max() < IN_FLIGHT
    return differences, np.abs(timestep.reward - rows["reward"]), touching


@pytest.mark.measures_parity
@pytest.mark.parametrize("variant", reference.VARIANTS)  # they share a program, which takes a minute to compile
def test_a_transition_agrees_with_gymnasiums(variant):
    rows = golden(variant)
    differences, _, touching = compare(variant, rows)
    assert touching.sum() > 40 and (~touching).sum() > 20
    assert differences.max() < IN_CONTACT


def test_the_golden_transitions_include_every_kind_of_event():
    rows = golden("discrete")
    before, after = rows["before.points"], rows["after.points"]
    assert ((before == 0) & (after > 0)).any(), "touch-down"
    assert ((before > 0) & (after == 0)).any(), "take-off"
    assert (rows["before.awake"] & ~rows["after.awake"]).any(), "falls asleep"
    assert rows["terminated"].any() and (rows["after.crashed"] & ~rows["before.crashed"]).any(), "crash"
    assert ((after > 0).sum((1, 2)) > 1).any(), "several contacts"


PLAYS = [
    *(("discrete", policy, episodes) for policy, episodes in (("random", 40), ("heuristic", 14), ("idle", 30))),
    *(("discrete", policy, episodes) for policy, episodes in (("held", 25), ("hops", 8))),
    *(("continuous", policy, episodes) for policy, episodes in (("random", 25), ("heuristic", 5), ("hops", 5))),
    *(("windy", policy, episodes) for policy, episodes in (("random", 20), ("heuristic", 5))),
    *(("gale", policy, episodes) for policy, episodes in (("random", 15), ("hops", 5))),
]
"""Settings, policies and episodes of the long comparison: 32,000 transitions."""


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("solver", ["converged", "exact"])
def test_thousands_of_transitions_agree_with_gymnasiums(solver):
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    every = [compare(variant, reference.record(variant, *played), solver) for variant, *played in PLAYS]
    differences, rewards, touching = (np.concatenate(values) for values in zip(*every, strict=True))
    report(f"LunarLander with {solver}", differences, rewards, touching)
    assert len(differences) > 20_000
    assert np.mean(differences[touching] < IN_CONTACT) > 0.999


@pytest.mark.slow
def test_the_golden_transitions_are_gymnasiums():
    """The file is what the recorder records now."""
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    rows, played = golden("windy"), reference.record("windy", "random", 1)
    first = np.abs(rows["terrain"] - played["terrain"][0]).max(1) < 1e-6
    assert first.any()
    for row in np.flatnonzero(first):
        same = (played["before.position"] == rows["before.position"][row]).all((1, 2))
        assert same.sum() <= 1
        np.testing.assert_array_equal(played["observation"][same], rows["observation"][row][None][: same.sum()])


def heuristic(observation):
    """Gymnasium's, for discrete actions."""
    x, y, vx, vy, angle, spin, first, second = observation
    target_angle = jnp.clip(0.5 * x + vx, -0.4, 0.4)
    turn = 0.5 * (target_angle - angle) - spin
    hover = 0.5 * (0.55 * jnp.abs(x) - y) - 0.5 * vy
    on_leg = (first > 0) | (second > 0)
    turn, hover = jnp.where(on_leg, 0.0, turn), jnp.where(on_leg, -0.5 * vy, hover)
    main = (hover > jnp.abs(turn)) & (hover > 0.05)
    return jnp.where(main, 2, jnp.where(turn < -0.05, 3, jnp.where(turn > 0.05, 1, 0))).astype(jnp.int32)


@pytest.mark.slow
def test_gymnasiums_heuristic_scores_the_same_here():
    """Means over 500 episodes each differ by no more than three of their standard errors, and quartiles by 15."""
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    from gymnasium.envs.box2d.lunar_lander import heuristic as of_gymnasium

    env = jaxenvs.make("LunarLander-v3")

    def play(key):
        def one(carry, _):
            state, observation, alive, score = carry
            state, timestep = jax.vmap(env.step)(state, jax.vmap(heuristic)(observation))
            score = score + jnp.where(alive, timestep.reward, 0.0)
            return (state, timestep.observation, alive & ~timestep.terminated & ~timestep.truncated, score), None

        state, timestep = jax.vmap(env.reset)(jax.random.split(key, 500))
        start = state, timestep.observation, jnp.ones(500, bool), jnp.zeros(500, jnp.float32)
        return jax.lax.scan(one, start, length=1000)[0][2:]

    alive, ours = jax.jit(play)(jaxenvs.random.key(7))
    assert not alive.any()
    theirs, other = np.zeros(500), gymnasium.make("LunarLander-v3")
    for episode in range(500):
        observation, _ = other.reset(seed=episode)
        ended = False
        while not ended:
            action = of_gymnasium(other.unwrapped, observation)
            observation, reward, terminated, truncated, _ = other.step(action)
            theirs[episode] += float(reward)
            ended = terminated or truncated
    for where, returns in (("here", np.asarray(ours)), ("in Gymnasium", theirs)):
        report_returns(f"the heuristic {where}", returns)
        print(f"at least 200: {np.mean(returns >= 200):.1%}")
    error = np.hypot(np.std(ours), np.std(theirs)) / np.sqrt(500)
    assert abs(np.mean(ours) - np.mean(theirs)) < 3 * error
    np.testing.assert_allclose(*(np.quantile(scores, [0.25, 0.5, 0.75]) for scores in (ours, theirs)), atol=15)


def episodes_of(rows):
    """The rows of each episode, whose first transition has another terrain, or follows an end."""
    first = np.append(True, rows["terminated"][:-1] | (np.diff(rows["terrain"], axis=0) != 0).any(1))
    return np.split(np.arange(len(first)), np.flatnonzero(first)[1:])


@pytest.mark.slow
def test_whole_episodes_from_recorded_draws_drift_little_until_the_ground():
    """The heuristic plays here from the starts of Gymnasium's episodes, with their draws, on what it sees here.

    There are draws only up to the end of an episode there. One that has not ended here by then is counted until then.
    """
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    rows = reference.record("discrete", "heuristic", LANES, steps=1000, after_end=0)
    episodes, env = episodes_of(rows), env_of("discrete")
    assert len(episodes) == LANES
    starts, lengths = (np.array([f(steps) for steps in episodes]) for f in (lambda steps: steps[0], len))
    state = state_of({name: values[starts] for name, values in rows.items()}, env)
    thrust, settle, act = jax.jit(jax.vmap(env.thrust)), jax.jit(jax.vmap(env.settle)), jax.jit(jax.vmap(heuristic))
    # The recording begins with an action on the first observation.
    observation = np.asarray(jax.jit(jax.vmap(env.observe))(state))
    drifts, returns, ended = np.zeros((lengths.max(), LANES)), np.zeros(LANES), np.zeros(LANES, bool)
    for step in range(lengths.max()):
        some = starts + np.minimum(step, lengths - 1)
        state, drive = thrust(state, act(observation), (rows["draws"][some] / 30).astype(np.float32))
        world, began = compiled("converged")(state.world, state.terrain, drive)
        state, timestep = settle(state, world, began)
        observation, playing = np.asarray(timestep.observation), step < lengths
        drifts[step] = np.where(playing, np.abs(observation[:, :6] - rows["observation"][some][:, :6]).max(1), 0.0)
        returns += np.where(playing & ~ended, timestep.reward, 0.0)
        ended |= np.asarray(timestep.terminated)
    theirs = np.array([rows["reward"][steps].sum() for steps in episodes])
    touches = [np.argmax(np.append((rows["after.points"][steps] > 0).any((1, 2)), True)) for steps in episodes]
    in_flight = np.array([drifts[:touch, lane].max(initial=0.0) for lane, touch in enumerate(touches)])
    at_the_end = drifts[lengths - 1, np.arange(LANES)]
    for name, values in (("until the ground", in_flight), ("at the end", at_the_end)):
        print(f"drift of observations {name}: median {np.median(values):.1e}, 90 % {np.quantile(values, 0.9):.1e}")
    print(f"difference of returns: median {np.median(np.abs(returns - theirs)):.2g}")
    report_returns("the heuristic here, with Gymnasium's draws", returns)
    report_returns("the heuristic in Gymnasium", theirs)
    assert np.median(in_flight) < 1e-3
    assert np.median(np.abs(returns - theirs)) < 5


def test_the_start_is_in_the_air_and_pushed_by_the_first_force():
    env = LunarLander()
    state, timestep = jax.jit(env.reset)(jax.random.key(0))
    assert jnp.abs(timestep.observation[0]) < 0.02 and 1.3 < timestep.observation[1] < 1.5
    assert jnp.all(state.world.contacts.edge == -1) and state.world.awake
    np.testing.assert_allclose(state.terrain[4:7], 0.99 * 10 / 3, rtol=1e-6)
