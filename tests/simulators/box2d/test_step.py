"""Steps in free flight against Box2D's, from recorded states; `tests/parity/test_lunar_lander.py` has contacts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.envs.box2d.lunar_lander import MODEL, LunarLander, ground
from jaxenvs.simulators.box2d import step, with_impulse, world_at_rest
from tests.parity._lunar_lander_states import env_of, golden, state_of

LANES = 64


@functools.cache
def compiled(solver="converged"):
    def fly(world, terrain, drive):
        return step(MODEL, world, ground(terrain), drive, solver, airborne=True)

    return jax.jit(jax.vmap(fly))


def in_flight():
    """Transitions in which no box of a body is near an edge."""
    rows = golden("discrete")
    free = ~((rows["before.edge"] >= 0) | (rows["after.edge"] >= 0)).any((1, 2)) & rows["before.awake"]
    some = np.resize(np.flatnonzero(free), LANES)
    return {name: values[some] for name, values in rows.items()}


def flown(solver="converged"):
    rows = in_flight()
    env = env_of("discrete")
    draws = (rows["draws"] / 30).astype(np.float32)
    state, drive = jax.vmap(env.thrust)(state_of(rows, env), rows["action"].astype(np.int32), draws)
    return env, rows, state, compiled(solver)(state.world, state.terrain, drive)


def test_free_flight_is_box2ds():
    env, rows, state, (world, began) = flown()
    assert len(np.unique(rows["before.position"][:, 0], axis=0)) > 15
    observations = jax.vmap(lambda s, w: env.observe(s.replace(world=w)))(state, world)
    np.testing.assert_allclose(observations, rows["observation"], atol=1e-5)
    assert not began.any() and not world.overflow.any() and world.awake.all()


@pytest.mark.slow
def test_leaving_passes_out_changes_little():
    worlds = [flown(solver)[-1][0] for solver in ("converged", "exact")]
    np.testing.assert_allclose(worlds[0].position, worlds[1].position, atol=1e-6)
    np.testing.assert_allclose(worlds[0].angular_velocity, worlds[1].angular_velocity, atol=2e-4)
    np.testing.assert_allclose(worlds[0].joint_impulse, worlds[1].joint_impulse, atol=1e-4)


def test_a_sleeping_world_does_not_change():
    env, rows = env_of("discrete"), in_flight()
    state, drive = jax.vmap(env.thrust)(
        state_of(rows, env), np.zeros(LANES, np.int32), np.zeros((LANES, 2), np.float32)
    )
    asleep = state.world.replace(awake=jnp.zeros(LANES, bool))
    after, _ = compiled()(asleep, state.terrain, drive)
    jax.tree.map(np.testing.assert_array_equal, after, asleep)


def test_an_impulse_wakes_and_moves_one_body():
    world = world_at_rest(MODEL, jnp.zeros((3, 2), jnp.float32), jnp.zeros(3, jnp.float32))
    world = world.replace(awake=jnp.array(False))
    push = jnp.array([1.0, 0.0], jnp.float32)
    at_center = with_impulse(MODEL, world, 0, push, world.position[0], jnp.array(True))
    assert at_center.awake
    np.testing.assert_allclose(at_center.velocity, [[MODEL.inverse_masses[0], 0], [0, 0], [0, 0]])
    assert not at_center.angular_velocity.any()
    above = with_impulse(MODEL, world, 0, push, world.position[0] + jnp.array([0.0, 1.0]), jnp.array(True))
    np.testing.assert_allclose(above.angular_velocity, [-MODEL.inverse_inertias[0], 0, 0], rtol=1e-6)
    unchanged = with_impulse(MODEL, world, 0, push, world.position[0], jnp.array(False))
    jax.tree.map(np.testing.assert_array_equal, unchanged, world)


def test_boxes_at_rest_have_box2ds_margin():
    """The lander at its start, read from a live world."""
    origin = jnp.array([[10.0, 40 / 3], [0.0, 0.0], [0.0, 0.0]], jnp.float32)
    world = world_at_rest(MODEL, origin, jnp.zeros(3, jnp.float32))
    np.testing.assert_allclose(world.fat_box[0], [9.323333, 12.889999, 10.676667, 14.01], rtol=1e-6)


def test_the_environment_checks_its_fields():
    with pytest.raises(ValueError, match="gravity"):
        LunarLander(gravity=-13.0)
    with pytest.raises(ValueError, match="solver"):
        LunarLander(solver="fast")  # pyright: ignore[reportArgumentType]


def first_state(variant):
    env, rows = env_of(variant), golden(variant)
    return env, jax.tree.map(lambda x: jnp.asarray(x[0]), state_of(rows, env))


def test_more_contacts_than_there_is_room_for_are_an_error_and_a_flag_in_compiled_loops():
    env, state = first_state("discrete")
    full, began = state.world.replace(overflow=jnp.array(True)), jnp.zeros(3, bool)
    with pytest.raises(OverflowError, match="more of the ground than the simulation has room for"):
        env.settle(state, full, began)
    _, timestep = jax.jit(env.settle)(state, full, began)
    assert timestep.info["overflow"]


@pytest.mark.parametrize(("variant", "leg", "wakes"), [("windy", 0, True), ("windy", 1, False), ("discrete", 0, False)])
def test_wind_wakes_a_lander_whose_legs_are_off_the_ground(variant, leg, wakes):
    env, state = first_state(variant)
    world = state.world.replace(awake=jnp.array(False), touched=jnp.array([True, False, bool(leg)]))
    after, _ = env.thrust(state.replace(world=world), jnp.int32(0), jnp.zeros(2, jnp.float32))
    assert after.world.awake == wakes
