"""MuJoCo's own structures of an environment and a state, for reading on the host."""

import numpy as np
import pytest

import jaxenvs

mujoco = pytest.importorskip("mujoco", reason="needs the extra `mujoco`")

ENV = jaxenvs.unwrap(jaxenvs.make("InvertedPendulum-v5", engine="c"))


def test_data_belongs_to_the_state():
    state, _ = ENV.state_at(np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    data = ENV.mj_data(state)
    np.testing.assert_allclose(data.qpos, [0.1, 0.2], rtol=1e-6)
    assert data.body("cart").xpos[0] == pytest.approx(0.1) and isinstance(data, mujoco.MjData)
    state, _ = ENV.step(state, np.zeros(1, np.float32))
    assert ENV.mj_data(state).time == pytest.approx(ENV.dt)
    assert data.qpos[0] == pytest.approx(0.1)  # of the state that it was made from
    np.testing.assert_array_equal(ENV.mj_data().qpos, ENV.model.qpos0)


def test_the_model_has_the_parameters():
    assert ENV.mj_model.body_mass[1] == ENV.model.mj_model.body_mass[1]  # with all its digits
    heavy = ENV.replace(parameters=ENV.parameters.replace(body_mass=2 * ENV.parameters.body_mass))
    np.testing.assert_allclose(heavy.mj_model.body_mass, 2 * ENV.mj_model.body_mass, rtol=1e-6)
    assert heavy.mj_model.body_subtreemass[0] == pytest.approx(2 * ENV.mj_model.body_subtreemass[0])
    with pytest.raises(ValueError, match="read-only"):
        ENV.mj_model.body_mass[1] = 3.0


def test_what_was_written_to_a_model_is_found():
    mj_model = ENV.writable_mj_model()
    assert ENV.parameters_in(mj_model) is ENV.parameters
    mj_model.opt.gravity[2] = -1.0
    written = ENV.parameters_in(mj_model)
    assert written.gravity[2] == -1.0 and written.gravity.dtype == np.float32
    assert written.replace(gravity=ENV.parameters.gravity) == ENV.parameters
    assert ENV.writable_mj_model().opt.gravity[2] == ENV.mj_model.opt.gravity[2] != -1.0
    with pytest.raises(ValueError, match="read-only"):
        mj_model.geom_size[0] = 1.0


def test_a_goal_environments_state_is_read_as_well():
    pytest.importorskip("gymnasium_robotics", reason="needs the extra `robotics`")
    env = jaxenvs.unwrap(jaxenvs.make("PointMaze_UMaze-v3", engine="c"))
    state, _ = env.reset(jaxenvs.random.key(0))
    np.testing.assert_allclose(env.mj_data(state).qpos, state.simulation.qpos, rtol=1e-6)
