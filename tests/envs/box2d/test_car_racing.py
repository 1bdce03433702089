"""CarRacing: the parts that no reference is needed for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.adapters._host_loop.lanes import with_reset_options
from jaxenvs.core.wrapper import unwrap
from jaxenvs.envs.box2d import _bit_sets as bit_sets
from jaxenvs.envs.box2d._car_racing_car import parked
from jaxenvs.envs.box2d._car_racing_contacts import touched
from jaxenvs.envs.box2d._car_racing_track import CAPACITY, random_track
from jaxenvs.envs.box2d.car_racing import CarRacing
from jaxenvs.errors import InvalidField
from jaxenvs.preprocessing.car_racing import make_car_racing, steer_and_pedal


def test_members_of_a_set_are_taken_from_the_greatest_on():
    members = np.zeros((2, 64), bool)
    members[0, [0, 31, 32, 63]] = members[1, [5]] = True
    words = bit_sets.packed(jnp.asarray(members))
    np.testing.assert_array_equal(bit_sets.size(words), [4, 1])
    taken = []
    for _ in range(5):
        member, words = bit_sets.pop_greatest(words)
        taken.append(np.asarray(member))
    np.testing.assert_array_equal(np.stack(taken, 1), [[63, 32, 31, 0, -1], [5, -1, -1, -1, -1]])


def test_a_random_track_is_a_closed_road():
    tracks = jax.jit(jax.vmap(random_track))(jax.random.split(jaxenvs.random.key(0), 8))
    assert tracks.good.all() and (tracks.count > 200).all() and (tracks.count <= CAPACITY).all()
    for tiles, count in zip(np.asarray(tracks.tiles), np.asarray(tracks.count), strict=True):
        front, back = tiles[:count, :2].mean(1), tiles[:count, 2:].mean(1)
        np.testing.assert_allclose(front[:-1], back[1:], atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(front - back, axis=1)[1:], 3.5, atol=0.01)
        assert np.linalg.norm(front[-1] - back[0]) < 1e-4


def test_wheels_touch_the_tiles_below_them_and_their_skins():
    """Tiles 1 m long across the way of a car that stands at the origin."""
    fronts = np.arange(-10, 10, dtype=np.float32)
    tiles = np.stack([np.array([[-5, y + 1], [5, y + 1], [5, y], [-5, y]], np.float32) for y in fronts])
    tiles = np.concatenate([tiles, np.full((12, 4, 2), 1e3, np.float32)])
    car = parked(jnp.float32(0), jnp.zeros(2, jnp.float32))
    for shift in (0.0, 0.185, 0.3):  # at 0.185, only the skins of the rear wheels reach a tile
        found = touched(car.position + np.float32([[0, shift]]), car.angle, tiles, jnp.int32(20))
        assert found.on_road.all()
        wheels = sorted({int(np.floor(y)) for center in (1.6, -1.64) for y in _span(center + shift)})
        np.testing.assert_array_equal(fronts[np.flatnonzero(found.by_wheel)], wheels)
        assert set(np.flatnonzero(found.by_wheel)) <= set(np.flatnonzero(found.by_car))
    far = touched(car.position + np.float32([[20, 0]]), car.angle, tiles, jnp.int32(20))
    assert not far.on_road.any() and not far.by_car.any()


def _span(center):
    """Points that a wheel at a place reaches, with both skins, every centimetre."""
    return np.arange(center - 0.54 - 0.0199, center + 0.54 + 0.0199, 0.005)


@pytest.mark.parametrize("colors", [np.zeros((2, 3)), 7.0])
def test_colors_of_a_wrong_shape_are_refused(colors):
    with pytest.raises(InvalidField, match="shape"):
        CarRacing(colors=colors)


@pytest.mark.parametrize("color", [256.0, -1])
def test_colors_that_no_pixel_has_are_refused(color):
    with pytest.raises(InvalidField, match="`colors` must be in"):
        CarRacing(colors=np.full((3, 3), color))


def test_colors_are_drawn_only_if_they_are_randomized():
    key = jaxenvs.random.key(3)
    plain = np.array([[102, 102, 102], [102, 204, 102], [102, 230, 102]])
    np.testing.assert_array_equal(CarRacing()._draw_colors(key), plain)
    np.testing.assert_array_equal(CarRacing(domain_randomize=True, randomize=False)._draw_colors(key), plain)
    drawn = np.asarray(CarRacing(domain_randomize=True)._draw_colors(key))
    assert (drawn[:2] < 210).all()
    np.testing.assert_allclose(np.sort(drawn[2] - drawn[1]), [0, 0, 20], atol=1e-4)


def test_the_reset_option_is_a_truth_value():
    auto = jaxenvs.AutoReset(CarRacing(domain_randomize=True))
    kept = unwrap(with_reset_options(auto, {"randomize": False}))
    assert not kept.randomize and kept.domain_randomize
    assert unwrap(with_reset_options(auto, {"randomize": True})).randomize
    with pytest.raises(InvalidField, match="True or False"):
        with_reset_options(auto, {"randomize": 1})


@pytest.mark.slow  # compiling takes half a minute
def test_a_drive_off_the_field_ends_and_a_lap_may_end_at_the_start():
    env = CarRacing(finish_at_start=True, lap_complete_percent=0.5)
    step = jax.jit(env.step)
    state, timestep = jax.jit(env.reset)(jaxenvs.random.key(0))
    assert timestep.observation.shape == (96, 96, 3) and timestep.observation.dtype == jnp.uint8
    assert not timestep.info["lap_finished"] and state.visited[0]
    away = jnp.float32([400, 0])
    lost = state.replace(car=state.car.replace(position=state.car.position + away[None]))
    _, timestep = step(lost, jnp.zeros(3, jnp.float32))
    assert timestep.terminated and timestep.reward == -100 and not timestep.info["lap_finished"]
    tiles = np.arange(CAPACITY)
    half_way = state.replace(visited=jnp.asarray(tiles < state.track.count - 5), on_start=jnp.zeros(4, bool))
    _, timestep = step(half_way, jnp.zeros(3, jnp.float32))
    assert timestep.terminated and timestep.info["lap_finished"]
    _, timestep = step(half_way.replace(on_start=jnp.ones(4, bool)), jnp.zeros(3, jnp.float32))
    assert not timestep.terminated
    kept = jax.jit(CarRacing(lap_complete_percent=0.5).step)
    _, timestep = kept(half_way, jnp.zeros(3, jnp.float32))
    assert not timestep.terminated
    everything = half_way.replace(visited=jnp.asarray(tiles < state.track.count))
    _, timestep = kept(everything, jnp.zeros(3, jnp.float32))
    assert timestep.terminated and timestep.info["lap_finished"]


def test_training_sees_vectors_and_has_one_pedal():
    env = make_car_racing(screen_size=32, num_stack=3)
    assert env.observation_space.shape == (3 * 32 * 32,) and env.action_space.shape == (2,)
    np.testing.assert_allclose(steer_and_pedal(jnp.float32([-0.5, 0.4])), [-0.5, 0.4, 0])
    np.testing.assert_allclose(steer_and_pedal(jnp.float32([0.5, -1.0])), [0.5, 0, 0.25])
    assert make_car_racing(continuous=False).action_space.n == 5


def test_many_training_environments_step_together():
    """Under `vmap`, actions are repeated for all of them."""
    env = make_car_racing()
    state, _ = jax.eval_shape(jax.vmap(env.reset), jax.random.split(jaxenvs.random.key(0), 2))
    _, timestep = jax.eval_shape(jax.vmap(env.step), state, jnp.zeros((2, 2), jnp.float32))
    assert timestep.observation.shape == (2, 1152)
