"""BipedalWalker against transitions of Gymnasium's: the hidden state of Box2D before each, and what follows."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_lidar import fractions
from jaxenvs.envs.box2d.bipedal_walker import BipedalWalker
from jaxenvs.simulators.box2d import origins
from tests.parity import _bipedal_walker_reference as reference
from tests.parity._bipedal_walker_states import IDS, golden, state_of
from tests.parity._box2d_report import report, report_returns
from tests.parity.differences import record, relative

IN_CONTACT, IN_FLIGHT, MOSTLY = 1e-4, 5e-5, 1e-5
"""In flight, the angle of a knee at its limit differs by up to 4.8e-5, and 99 % of all others by less than 1e-5. Where
XLA compiles the step, that comes from fused multiply-adds, which Box2D's build does not have. A fused environment has
none either, and stays within 1e-5, except for robots that are dropped far from the start, where a rounding of a
place is 8e-6 m."""
JAMMED = 0.005
"""Share of transitions in contact that differ by more than `IN_CONTACT`. There, 180 passes over the velocities are too
few: most are of a robot that lies on its jammed legs, and if the last bit of the state before changes, what follows
changes by as much, there and here."""
REWARD = 5e-3
LANES = 160


@functools.cache
def compiled(hardcore, solver, fused=False):
    env = BipedalWalker(hardcore=hardcore, solver=solver)
    return jax.jit(jax.vmap((jaxenvs.fuse(env) if fused else env).step))


def follow(name, rows, solver, fused):
    """The states and timesteps after the transitions, a batch of LANES at a time."""
    env, steps, count = BipedalWalker(hardcore=IDS[name]), [], len(rows["action"])
    for first in range(0, count, LANES):
        some = np.resize(np.arange(first, min(first + LANES, count)), LANES)
        states = state_of({column: values[some] for column, values in rows.items()}, env)
        new = compiled(IDS[name], solver, fused)(states, rows["action"][some])
        steps.append(jax.tree.map(np.asarray, new))
    return jax.tree.map(lambda *x: np.concatenate(x)[:count], *steps)


POSES = ("position", "angle", "velocity", "angular_velocity")


def least_difference_of_neighbours(name, rows, row, solver, fused):
    """The least difference of an observation from states before that differ in the last bits of poses and motions."""
    rng = np.random.default_rng(0)
    some = {column: np.repeat(values[[row]], LANES, 0) for column, values in rows.items()}
    for column in (f"before.{each}" for each in POSES):
        values = some[column].astype(np.float32)
        to = rng.choice(np.array([-np.inf, np.nan, np.inf], np.float32), values.shape)
        some[column] = np.where(np.isnan(to), values, np.nextafter(values, np.nan_to_num(to)))
    _, timestep = follow(name, some, solver, fused)
    return np.abs(timestep.observation - some["observation"]).max(1).min()


def compare(name, rows, solver="converged", fused=False, in_flight=IN_FLIGHT, decided_by_rounding=0):
    """Asserts every mark; returns the differences of observations and rewards, and which transitions have contacts.

    A joint that the position solver has put back to its slop is within it or not by rounding alone, and so is whether
    another pass follows. `decided_by_rounding` is how many transitions in flight may differ by more than the mark,
    provided that from a state before with other last bits they agree.
    """
    state, timestep = follow(name, rows, solver, fused)
    for ours, theirs in ((timestep.observation, rows["observation"]), (timestep.reward, rows["reward"])):
        record("BipedalWalkerHardcore-v3" if IDS[name] else "BipedalWalker-v3", relative(ours, theirs))
    world, after = state.world, {n.removeprefix("after."): v for n, v in rows.items() if n.startswith("after.")}
    pairs = world.contacts.edge.shape[-1]
    legs = [2, 4]
    ours = {"edge": world.contacts.edge, "points": world.contacts.points, "fallen": state.fallen, "awake": world.awake}
    for column, values in ours.items():
        expected = after[column][:, :, :pairs] if column in ("edge", "points") else after[column]
        np.testing.assert_array_equal(values, expected, err_msg=column)
    np.testing.assert_array_equal(world.touched[:, legs], after["touched"][:, legs])
    exists = np.arange(2) < world.contacts.points[..., None]
    np.testing.assert_array_equal(
        np.where(exists, world.contacts.feature, 0), np.where(exists, after["feature"][:, :, :pairs], 0)
    )
    # Jammed legs may be on either side of the speed at which a body counts as at rest.
    assert np.mean(np.abs(world.sleep_time - after["sleep_time"]) < 1e-6) > 0.9998
    np.testing.assert_array_equal(timestep.terminated, rows["terminated"])
    assert not world.overflow.any()
    np.testing.assert_allclose(timestep.reward, rows["reward"], atol=REWARD)
    differences = np.abs(timestep.observation - rows["observation"]).max(1)
    touching = (rows["before.points"] > 0).any((1, 2)) | (after["points"] > 0).any((1, 2))
    beyond = np.flatnonzero(~touching & ~(differences < in_flight))
    assert len(beyond) <= decided_by_rounding
    for row in beyond:
        assert least_difference_of_neighbours(name, rows, row, solver, fused) < MOSTLY
    return differences, np.abs(timestep.reward - rows["reward"]), touching


@pytest.mark.measures_parity
@pytest.mark.slow  # compiling the step takes most of a minute
@pytest.mark.parametrize("name", IDS)
def test_a_transition_agrees_with_gymnasiums(name):
    differences, _, touching = compare(name, golden(name))
    assert touching.sum() > 60 and (~touching).sum() > 15
    assert differences.max() < IN_CONTACT


@pytest.mark.parametrize("name", IDS)
def test_the_golden_transitions_include_every_kind_of_event(name):
    rows = golden(name)
    before, after = rows["before.points"], rows["after.points"]
    assert ((before == 0) & (after > 0)).any(), "touch-down"
    assert ((before > 0) & (after == 0)).any(), "take-off"
    assert (rows["after.fallen"] & ~rows["before.fallen"]).any() and rows["terminated"].any(), "fall"
    assert ((after > 0).sum(2) > 1).any(), "several contacts of a body"
    if IDS[name]:
        edge = rows["after.edge"]
        assert ((edge >= 0) & (edge < terrains.BOXES) & (after > 0)).any(), "on an obstacle"


@pytest.mark.parametrize("name", IDS)
def test_the_lidar_measures_what_gymnasiums_does(name):
    """At the poses after the transitions."""
    rows = golden(name)
    env = BipedalWalker(hardcore=IDS[name])
    states = state_of(rows, env)
    world = states.world.replace(position=rows["after.position"], angle=rows["after.angle"])
    measured = jax.jit(jax.vmap(lambda t, w: fractions(t, *origins(env.model, w)[0])))(states.terrain, world)
    np.testing.assert_allclose(measured, rows["observation"][:, 14:], atol=IN_FLIGHT)


DRAWN = {(5, 10): "length", (1, 4): "kind", (1, 3): "stump"}
"""Bounds of Gymnasium's whole random numbers, and the fields of `Draws`."""


def draws_of(drawn):
    """Gymnasium's random numbers of a terrain as `Draws`."""
    stairs = {point for point, kind, _, _ in drawn if kind == "random"}
    found = {"bump": np.zeros(200, np.float32), "up": np.zeros(200, bool)}
    found |= {field: np.ones(200, np.int32) for field in ("length", "kind", "stump", "pit", "stairs")}
    for point, kind, bounds, value in drawn:
        if kind == "uniform" and bounds == (-1, 1):
            found["bump"][point] = value
        elif kind == "random":
            found["up"][point] = value > 0.5
        elif kind == "integers" and bounds != (4, 5):
            field = DRAWN.get(bounds) or ("stairs" if point in stairs else "pit")
            found[field][point] = value
    return terrains.Draws(**found)


@pytest.mark.parametrize("name", IDS)
def test_a_terrain_from_the_same_draws_is_gymnasiums(name):
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalker as Reference

    generate = jax.jit(terrains.generate, static_argnums=1)
    for seed in range(8):
        env = Reference(hardcore=IDS[name])
        env._np_random = draws = reference.Draws(env, seed)
        env.reset()
        heights, boxes = generate(draws_of(draws.drawn), IDS[name])
        expected, expected_boxes = reference.terrain_of(env)
        np.testing.assert_allclose(heights, expected, atol=5e-6)
        if boxes is not None:
            np.testing.assert_allclose(boxes, expected_boxes, atol=1e-5)


PLAYS = [
    *((policy, episodes, False) for policy, episodes in (("random", 40), ("idle", 3), ("stumbles", 30), ("held", 40))),
    *((policy, episodes, False) for policy, episodes in (("hops", 20), ("heuristic", 5))),
    *((policy, episodes, True) for policy, episodes in (("random", 30), ("held", 40), ("idle", 20))),
]
"""Policies, episodes, and whether the robot is dropped somewhere: more than 20,000 transitions a version."""

DECIDED_BY_ROUNDING = collections.Counter(
    {("hardcore", "held", False): 1, ("hardcore", "random", True): 1, ("hardcore", "held", True): 1}
)
"""By version, policy and whether the robot is dropped."""


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_thousands_of_transitions_agree_with_gymnasiums(name):
    """Fused, since these kernels, as Box2D's build, have no fused multiply-adds."""
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    every = []
    for policy, episodes, dropped in PLAYS:
        rows = reference.record(IDS[name], policy, episodes, steps=900, dropped=dropped)
        in_flight, decided = IN_FLIGHT if dropped else MOSTLY, DECIDED_BY_ROUNDING[name, policy, dropped]
        found = compare(name, rows, fused=True, in_flight=in_flight, decided_by_rounding=decided)
        every.append((*found, np.full(len(found[0]), dropped)))
    differences, rewards, touching, dropped = (np.concatenate(values) for values in zip(*every, strict=True))
    report(f"BipedalWalker, {name}, played", differences[~dropped], rewards[~dropped], touching[~dropped])
    report(f"BipedalWalker, {name}, dropped", differences[dropped], rewards[dropped], touching[dropped])
    assert len(differences) > 20_000
    assert np.mean(differences[touching & ~dropped] < IN_CONTACT) > 0.999
    assert np.mean(differences[touching] < IN_CONTACT) > 1 - JAMMED
    assert np.mean(differences[~touching] < MOSTLY) > 0.99


LIMIT = 1600
"""Steps of an episode."""


def returns_of_the_heuristic_here():
    """Returns of episodes that Gymnasium's heuristic plays here, and where they end, in m, (LANES,) float64 each."""
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics

    env, walkers = BipedalWalker(), [BipedalWalkerHeuristics() for _ in range(LANES)]
    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(3), LANES))
    returns, places, playing = np.zeros(LANES), np.zeros(LANES), np.ones(LANES, bool)
    for _ in range(LIMIT):
        observations = np.asarray(timestep.observation)
        actions = np.stack([each.step_heuristic(seen) for each, seen in zip(walkers, observations, strict=True)])
        state, timestep = compiled(False, "converged", fused=True)(state, actions.astype(np.float32))
        returns[playing] += np.asarray(timestep.reward)[playing]
        places[playing] = np.asarray(state.world.position[:, 0, 0])[playing]
        playing &= ~np.asarray(timestep.terminated)
        if not playing.any():
            break
    return returns, places


def returns_of_the_heuristic_there():
    """The same in Gymnasium's environment."""
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalker as Reference
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics

    env, returns, places = Reference(), np.zeros(LANES), np.zeros(LANES)
    for episode in range(LANES):
        (observation, _), walker = env.reset(seed=episode), BipedalWalkerHeuristics()
        for _ in range(LIMIT):
            observation, reward, terminated, _, _ = env.step(walker.step_heuristic(observation).astype(np.float32))
            returns[episode] += reward
            if terminated:
                break
        places[episode] = env.hull.position[0]
    return returns, places


@pytest.mark.slow
def test_gymnasiums_heuristic_walks_as_far_here():
    """Means of returns and of places differ by no more than three standard errors of the difference."""
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    ours, theirs = returns_of_the_heuristic_here(), returns_of_the_heuristic_there()
    for name, here, there in zip(("return", "place in m"), ours, theirs, strict=True):
        report_returns(f"{name} of the heuristic here", here)
        report_returns(f"{name} of the heuristic in Gymnasium", there)
        assert abs(here.mean() - there.mean()) < 3 * np.hypot(here.std(), there.std()) / np.sqrt(LANES)
    assert ours[1].mean() > 20, "it walks"


@pytest.mark.parametrize("name", IDS)
def test_a_start_is_gymnasiums(name):
    """The first step pulls the legs into their joints and puts them on the ground."""
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalker as Reference

    env, start = BipedalWalker(hardcore=IDS[name]), jax.jit(BipedalWalker(hardcore=IDS[name]).start)
    for seed in range(8):
        theirs = Reference(hardcore=IDS[name])
        theirs._np_random = draws = reference.Draws(theirs, seed)
        observation, _ = theirs.reset()
        heights, boxes = reference.terrain_of(theirs)
        clouds = jnp.zeros((10, 5, 2), jnp.float32)
        terrain = terrains.Terrain(jnp.asarray(heights), jnp.asarray(boxes) if IDS[name] else None, clouds)
        state, timestep = start(terrain, jnp.float32(draws.drawn[-1][-1]))
        np.testing.assert_allclose(timestep.observation, observation, atol=IN_FLIGHT)
        after = reference.state_of(theirs, reference.numbers_of(theirs))
        for column in ("position", "angle", "velocity", "angular_velocity", "joint_impulse", "fat_box", "sleep_time"):
            np.testing.assert_allclose(getattr(state.world, column), after[column], atol=IN_FLIGHT, err_msg=column)
        for column in ("feature", "impulse"):
            np.testing.assert_array_equal(getattr(state.world.contacts, column), after[column][:, : env.model.pairs])
        np.testing.assert_array_equal(state.world.touched, after["touched"])
        np.testing.assert_array_equal(state.world.contacts.edge, after["edge"][:, : env.model.pairs])
        np.testing.assert_array_equal(state.world.contacts.points, after["points"][:, : env.model.pairs])
