"""BipedalWalker's terrain, lidar, start, rewards and ends; `tests/parity/test_bipedal_walker.py` has the simulation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs import random
from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_lidar import DIRECTIONS, RANGE, fractions
from jaxenvs.envs.box2d.bipedal_walker import BipedalWalker

KEYS = 64


@functools.cache
def many(hardcore):
    make = jax.jit(jax.vmap(lambda key: terrains.generate(terrains.draw(key), hardcore)))
    return make(jax.random.split(jax.random.key(0), KEYS))


@pytest.mark.parametrize("hardcore", [False, True])
def test_the_pad_is_flat_and_the_terrain_differs_between_keys(hardcore):
    heights, _ = many(hardcore)
    np.testing.assert_allclose(heights[:, : terrains.PAD + 1], terrains.HEIGHT, rtol=1e-6)
    assert len(np.unique(np.asarray(heights[:, 60]))) > KEYS // 2


def test_grass_is_gentle():
    heights, boxes = many(False)
    assert boxes is None
    assert jnp.abs(jnp.diff(heights, axis=1)).max() < 0.25
    assert jnp.abs(heights - terrains.HEIGHT).max() < 3.0


def test_obstacles_come_from_left_to_right_and_fit_the_terrain():
    heights, boxes = many(True)
    exists = boxes[:, :, 0, 0] < 1e3
    count = exists.sum(1)
    assert count.min() > 15 and count.max() < terrains.BOXES
    left = jnp.where(exists, boxes[:, :, 0, 0], jnp.inf)
    assert (left[:, 1:] >= left[:, :-1]).all()
    size = (boxes[:, :, 1] - boxes[:, :, 0])[exists] / terrains.STEP
    shapes = set(map(tuple, np.round(np.asarray(size), 3).tolist()))
    assert shapes == {(1.0, 4.0), (1.0, 1.0), (2.0, 2.0), (4.0, 1.0)}  # pits, both stumps, stairs
    assert (jnp.diff(heights, axis=1) < -1.5).any()  # into pits


@pytest.mark.parametrize("hardcore", [False, True])
@pytest.mark.parametrize(
    "x", [0.0, 4.7, pytest.param(40.0, marks=pytest.mark.slow), pytest.param(88.0, marks=pytest.mark.slow)]
)
def test_a_window_has_what_is_near_under_its_own_numbers(hardcore, x):
    heights, boxes = many(hardcore)
    terrain = terrains.Terrain(heights[0], None if boxes is None else boxes[0], jnp.zeros((10, 5, 2)))
    part = terrains.window(terrain, jnp.float32(x))
    every = jnp.concatenate([*([] if boxes is None else [boxes[0]]), terrains.edges_from(heights[0], 0, 199)])
    near = (every[:, 1, 0] > x - 3.5) & (every[:, 0, 0] < x + 3.3)
    numbers = jnp.flatnonzero(near).astype(jnp.int32)
    local = terrains.to_window(part, numbers, hardcore)
    assert ((local >= 0) & (local < part.ground.shape[0])).all()
    np.testing.assert_array_equal(part.ground[local], every[numbers])
    np.testing.assert_array_equal(terrains.from_window(part, local, hardcore), numbers)
    assert terrains.to_window(part, jnp.array([-1]), hardcore).tolist() == [-1]


def flat(boxes=None):
    if boxes is not None:
        empty = np.repeat(np.array([[[1e4, 0], [1e4 + 1, 1]]], np.float32), terrains.BOXES, 0)
        empty[: len(boxes)] = boxes
        boxes = jnp.asarray(empty)
    return terrains.Terrain(jnp.full(200, 2.0, jnp.float32), boxes, jnp.zeros((10, 5, 2), jnp.float32))


def test_the_lidar_measures_flat_ground():
    found = fractions(flat(), jnp.float32(20.0), jnp.float32(3.0))
    np.testing.assert_allclose(found, np.minimum(1.0 / (-DIRECTIONS[:, 1] * RANGE), 1.0), rtol=1e-5)


def test_the_lidar_sees_the_face_of_a_rectangle_but_not_from_within():
    stump = [[[22.0, 2.0], [23.0, 3.0]]]
    found = fractions(flat(stump), jnp.float32(20.0), jnp.float32(2.9))
    ahead = 2.0 / (DIRECTIONS[:, 0][1:] * RANGE)
    at_face = 2.9 + DIRECTIONS[1:, 1] * RANGE * ahead
    meets = (at_face > 2.0) & (at_face < 3.0)
    assert meets.sum() > 1
    np.testing.assert_allclose(found[1:][meets], ahead[meets], rtol=1e-5)
    around = [[[19.0, 1.0], [40.0, 6.0]]]
    np.testing.assert_allclose(
        fractions(flat(around), jnp.float32(20.0), jnp.float32(2.9)),
        fractions(flat(), jnp.float32(20.0), jnp.float32(2.9)),
        rtol=1e-6,
    )


def test_nothing_lies_left_of_the_terrain():
    np.testing.assert_array_equal(fractions(flat(), jnp.float32(-6.0), jnp.float32(3.0)), 1.0)


@pytest.mark.parametrize("hardcore", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_start_stands_on_both_legs_and_leans_as_the_force_says(hardcore):
    env = BipedalWalker(hardcore=hardcore)
    state, timestep = jax.jit(env.reset)(jax.random.key(0))
    assert timestep.observation.shape == (24,) and env.observation_space.contains(timestep.observation)
    assert timestep.observation[8] == timestep.observation[13] == 1.0
    first = terrains.BOXES if hardcore else 0
    assert state.world.contacts.edge.max() == first + 11
    pushed = [env.start(state.terrain, jnp.float32(force))[1].observation[2] for force in (-5.0, 0.0, 5.0)]
    assert pushed[0] < pushed[1] < pushed[2]


def test_fields_are_checked():
    with pytest.raises(ValueError, match="solver"):
        BipedalWalker(solver="fast")  # pyright: ignore[reportArgumentType]


@pytest.mark.slow  # compiling the step takes a minute
def test_rewards_and_ends_follow_the_hull():
    env = BipedalWalker()
    state, _ = jax.jit(env.reset)(jax.random.key(0))
    step = jax.jit(env.step)
    action = jnp.array([0.5, -2.0, 0.0, 0.25], jnp.float32)
    new, timestep = step(state, action)
    forward = new.world.position[0, 0] - state.world.position[0, 0]
    tilt = abs(new.world.angle[0]) - abs(state.world.angle[0])
    expected = 130 / 30 * forward - 5 * tilt - 0.028 * 1.75
    np.testing.assert_allclose(timestep.reward, expected, atol=0.02)  # the origin is not the centre of mass
    assert not timestep.terminated

    def moved_to(x):
        ahead = jnp.array([x, 6.0], jnp.float32) - state.world.position[0]
        world = state.world.replace(
            position=state.world.position + ahead[None], fat_box=jnp.zeros_like(state.world.fat_box)
        )
        contacts = world.contacts.replace(edge=jnp.full_like(world.contacts.edge, -1))
        return state.replace(world=world.replace(contacts=contacts.replace(points=jnp.zeros_like(contacts.points))))

    _, left = step(moved_to(-0.5), jnp.zeros(4, jnp.float32))
    _, finish = step(moved_to(89.0), jnp.zeros(4, jnp.float32))
    assert left.terminated and left.reward == -100.0
    assert finish.terminated and finish.reward > -10.0
    _, fallen = step(state.replace(fallen=jnp.array(True)), jnp.zeros(4, jnp.float32))
    assert fallen.terminated and fallen.reward == -100.0


@pytest.mark.slow
def test_the_picture_shows_robot_ground_and_obstacles():
    for hardcore in (False, True):
        env = BipedalWalker(hardcore=hardcore)
        state, _ = jax.jit(env.reset)(jax.random.key(0))
        picture = np.asarray(jax.jit(env.render)(state))
        assert picture.shape == (400, 600, 3) and picture.dtype == np.uint8
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
        moved = state.world.replace(position=state.world.position + jnp.array([[12.0, 0.0]], jnp.float32))
        assert (np.asarray(jax.jit(env.render)(state.replace(world=moved))) != picture).mean() > 0.01


def test_a_terrain_has_the_same_bits_in_every_program():
    """So that a recorded loop can be played again in another one."""
    keys = jax.random.split(random.key(3), 256)

    def generate(key):
        return terrains.generate(terrains.draw(key), True)

    together, one = jax.jit(jax.vmap(generate))(keys), jax.jit(generate)
    for index in range(8):
        for mine, theirs in zip(one(keys[index]), together, strict=True):
            np.testing.assert_array_equal(mine, theirs[index])


def test_what_is_near_each_robot_of_a_batch_is_found_with_64_bit_types():
    def near(key, x):
        terrain = terrains.Terrain(*terrains.generate(terrains.draw(key), True), terrains.clouds(key))
        return fractions(terrain, x, jnp.float32(8)), terrains.window(terrain, x)

    with jax.enable_x64(True):
        keys = jax.random.split(random.key(0), 3)
        lidar, part = jax.eval_shape(jax.vmap(near), keys, jnp.arange(3, dtype=jnp.float32))
    assert (lidar.shape, lidar.dtype, part.ground.dtype) == ((3, 10), jnp.float32, jnp.float32)
