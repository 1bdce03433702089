"""CarRacing against drives of Gymnasium's: the hidden state of Box2D before each step, and what follows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxenvs.envs.box2d import car_racing
from tests.parity import _car_racing_reference as reference
from tests.parity import _car_racing_states as states
from tests.parity.differences import record, relative

STATE = 1e-4
LANES = 128
CAR = ("position", "angle", "velocity", "angular_velocity", "spin", "phase", "gas", "sleep_time")


@functools.cache
def compiled(solver="exact"):
    return jax.jit(jax.vmap(states.Blind(solver=solver).step))


def follow(rows, solver="exact"):
    """Asserts every mark for each step of a drive, and returns the greatest difference of the car's state."""
    track, steps = states.track_of(rows), len(rows["action"])
    tiles = rows["tiles"]
    assert track.good and track.count == len(tiles)
    np.testing.assert_array_equal(track.tiles[: len(tiles)], tiles)
    before = states.states_of(rows, track)
    greatest = 0.0
    for first in range(0, steps, LANES):
        some = np.minimum(np.arange(first, first + LANES), steps - 1)
        state, timestep = compiled(solver)(jax.tree.map(lambda x: x[some], before), rows["action"][some])  # noqa: B023
        for name in CAR:
            ours, theirs = getattr(state.car, name), rows[f"after.{name}"][some]
            record("CarRacing-v3", relative(ours, theirs))
            greatest = max(greatest, float(np.abs(ours - theirs).max()))
        np.testing.assert_array_equal(state.car.on_road, rows["after.on_road"][some])
        np.testing.assert_array_equal(state.visited[:, : len(tiles)], rows["visited"][some])
        own_shade = np.arange(len(tiles)) % 3 > 0
        np.testing.assert_array_equal(np.asarray(state.worn)[:, : len(tiles)] & own_shade[None], rows["worn"][some])
        record("CarRacing-v3", relative(timestep.reward, rows["reward"][some]))
        np.testing.assert_allclose(timestep.reward, rows["reward"][some], atol=1e-5)
        np.testing.assert_array_equal(timestep.terminated, rows["terminated"][some])
    return greatest


def test_tracks_of_recorded_draws_are_gymnasiums_to_the_last_bit():
    for policy in reference.POLICIES:
        rows = states.golden(policy)
        track = states.track_of(rows)
        assert track.good and track.count == len(rows["tiles"])
        np.testing.assert_array_equal(track.tiles[: len(rows["tiles"])], rows["tiles"])


@pytest.mark.measures_parity
@pytest.mark.parametrize("policy", reference.POLICIES)
def test_a_step_agrees_with_gymnasiums(policy):
    assert follow(states.golden(policy)) < STATE


def test_the_golden_drives_include_the_road_and_the_grass():
    drives = [states.golden(policy) for policy in reference.POLICIES]
    on_road = np.concatenate([drive["after.on_road"] for drive in drives])
    assert on_road.all(1).any() and (~on_road).all(1).any() and (on_road.any(1) & ~on_road.all(1)).any()
    assert max(drive["visited"][-1].sum() for drive in drives) > 20


def test_the_return_that_people_see_contains_the_cost_of_the_last_step(monkeypatch):
    """Gymnasium draws the observation before it takes that cost, and `render` after it."""

    def the_score(scene, height, width):
        return jnp.pad(lax.bitcast_convert_type(scene.score, jnp.uint8), (0, 2)).reshape(1, 2, 3)

    def read(picture):
        return np.frombuffer(np.asarray(picture).tobytes()[:4], np.float32)

    monkeypatch.setattr(car_racing, "picture", the_score)
    rows, env = states.golden("driver"), car_racing.CarRacing()
    state = jax.tree.map(lambda x: x[50], states.states_of(rows, states.track_of(rows)))
    gained = 1000 * state.visited.sum() / len(rows["tiles"])
    np.testing.assert_allclose(read(env.observe(state)), gained - 4.9, atol=1e-3)
    np.testing.assert_allclose(read(env.render(state)), gained - 5.0, atol=1e-3)


DRIVES = [(policy, seed) for policy in reference.POLICIES for seed in range(100, 114)]
"""Policies and seeds of the long comparison: 21,000 steps."""


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("solver", ["exact", "converged"])
def test_thousands_of_steps_agree_with_gymnasiums(solver):
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    differences = [follow(reference.drive(policy, seed, 500), solver) for policy, seed in DRIVES]
    print(f"greatest difference of the car's state with {solver}: {max(differences):.1e}")
    assert max(differences) < STATE


@pytest.mark.slow
def test_tracks_of_many_draws_are_gymnasiums():
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    layouts = [reference.layout(seed) for seed in range(300)]
    draws = np.stack([draws for draws, _ in layouts])
    tracks = states.laid_many(*(states.pairs(draws[:, :, i]) for i in (0, 1)))
    tracks = jax.tree.map(np.asarray, tracks)
    for index, (_, tiles) in enumerate(layouts):
        assert tracks.good[index] == (tiles is not None)
        if tiles is not None:
            assert tracks.count[index] == len(tiles)
            np.testing.assert_array_equal(tracks.tiles[index, : len(tiles)], tiles)


MEAN, WORST, SHARE_ABOVE_32 = 0.4, 160, 2e-3


@pytest.mark.slow
def test_pictures_resemble_gymnasiums():
    """1,000 frames: 250 each of four drives, the first second included."""
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    every = []
    for policy, seed in (("driver", 200), ("random", 201), ("wild", 202), ("driver", 203)):
        rows = reference.drive(policy, seed, 250, pictures=True)
        drawn = np.concatenate([states.pictures_after(rows, first, first + 50) for first in range(0, 250, 50)])
        every.append(np.abs(drawn.astype(int) - rows["observation"].astype(int)))
    differences = np.stack(every)
    above = (differences > 32).mean()
    print(f"grey levels: mean {differences.mean():.3f}, worst {differences.max()}, above 32 {above:.1e}")
    for name, part in (("surroundings", differences[:, :, :84]), ("bar", differences[:, :, 84:])):
        print(f"{name}: mean {part.mean():.3f}, worst {part.max()}")
        print(f"  after the first second: mean {part[:, 50:].mean():.3f}, worst {part[:, 50:].max()}")
    assert differences.mean() < MEAN and differences.max() <= WORST and above < SHARE_ABOVE_32


@pytest.mark.slow
def test_a_picture_does_not_depend_on_the_batch():
    """Nine lanes have 1,296 blocks, which is no multiple of the 1,024 that are painted together."""
    rows = states.golden("driver")
    steps = np.arange(3, 120, 13)
    together = states.pictures_of(rows, steps).astype(int)
    for picture, step in zip(together, steps, strict=True):
        alone = states.pictures_of(rows, np.array([step]))[0].astype(int)
        assert np.abs(picture - alone).max() <= 1  # a colour on the edge of two numbers
        assert (picture != alone).mean() < 1e-2


SHOWN = (5, 119, 239)
"""Steps of a drive in which no wheel skids."""


@pytest.mark.slow
def test_pictures_for_people_resemble_gymnasiums():
    pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    rows = reference.drive("driver", 201, 240, shown=SHOWN)
    differences = np.abs(states.views_after(rows, SHOWN).astype(int) - rows["shown"].astype(int))
    above = (differences > 32).mean()
    print(f"400 by 600, grey levels: mean {differences.mean():.3f}, above 32 {above:.1e}")
    assert differences.mean() < 0.3 and above < 2e-3
