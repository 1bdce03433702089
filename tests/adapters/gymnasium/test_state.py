"""What scripts for Gymnasium read from and write to an environment during an episode, under Gymnasium's names."""

import copy

import gymnasium
import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv
from jaxenvs.adapters.gymnasium.errors import ResetNeeded
from jaxenvs.errors import InvalidField
from tests.adapters.comparing import make_theirs

pytestmark = pytest.mark.gymnasium


def twins(id, **kwargs):
    """Our environment and Gymnasium's, both after a reset."""
    made = [gymnasium.make(f"jaxenvs/{id}", **kwargs), make_theirs(id, **kwargs)]
    for env in made:
        env.reset(seed=0)
    return made


CLASSIC = {
    "CartPole-v1": ([0.1, -0.2, 0.05, 0.3], 1),
    "MountainCar-v0": ([0.4, 0.01], 2),
    "MountainCarContinuous-v0": ([0.4, 0.01], np.array([0.5], np.float32)),
    "Pendulum-v1": ([2.0, -0.5], np.array([0.5], np.float32)),
    "Acrobot-v1": ([0.4, 0.1, -0.3, 0.2], 2),
}


@pytest.mark.parametrize("kind", [np.array, tuple, list, jax.numpy.array])
@pytest.mark.parametrize("id", CLASSIC)
def test_the_state_of_classic_control_is_gymnasiums_array(id, kind):
    (mine, theirs), (values, action) = twins(id), CLASSIC[id]
    mine.unwrapped.state = kind(values)
    theirs.unwrapped.state = np.array(values)
    state = mine.unwrapped.state
    np.testing.assert_allclose(np.array(state), values, rtol=1e-6)
    np.testing.assert_allclose([float(number) for number in state], values, rtol=1e-6)  # as when it is unpacked
    assert len(state) == len(values) and float(state[-1]) == pytest.approx(values[-1])
    np.testing.assert_allclose(state[:2], values[:2], rtol=1e-6)
    assert np.asarray(state, np.float64).dtype == np.float64
    np.testing.assert_allclose(mine.step(action)[0], theirs.step(action)[0], rtol=1e-5, atol=1e-6)


def test_the_state_stays_a_tree():
    env = GymnasiumEnv("CartPole-v1")
    env.reset(seed=0)
    state = env.state
    env.state = np.zeros(4)
    assert jax.tree.structure(env.state) == jax.tree.structure(state) and env.state.x.dtype == np.float32
    state, timestep = env.env.step(env.state, np.int32(1))
    assert state.replace(x=2.0).x == 2.0 and timestep.observation.shape == (4,)


def test_an_array_is_the_state_inside_wrappers():
    env = GymnasiumEnv(jaxenvs.make("CartPole-v1"))
    env.reset(seed=0)
    env.step(0)
    env.state = np.array([0.0, 0.0, 0.1, 0.0])
    assert env.state.elapsed == 1 and env.state.inner.theta == np.float32(0.1)


@pytest.mark.parametrize(
    ("id", "value", "message"),
    [
        ("CartPole-v1", np.zeros(3), r"CartPoleState consists of 4 numbers \(x, x_dot, theta, theta_dot\)"),
        ("CartPole-v1", [0, 0, [1, 2], 0], "4 numbers"),
        ("CartPole-v1", 3, r"a CartPoleState, got int.*`state.replace\(x=value\)`"),
        ("Blackjack-v1", np.zeros(3), "a BlackjackState, got ndarray"),
    ],
)
def test_another_array_is_refused(id, value, message):
    env = gymnasium.make(f"jaxenvs/{id}").unwrapped
    with pytest.raises(ResetNeeded):
        env.state = value
    env.reset(seed=0)
    with pytest.raises(InvalidField, match=message):
        env.state = value


@pytest.mark.parametrize(("id", "index", "action"), [("FrozenLake-v1", 14, 2), ("CliffWalking-v1", 35, 2)])
def test_the_cell_of_a_grid_is_s(id, index, action):
    mine, theirs = twins(id, is_slippery=False)
    assert mine.unwrapped.s == theirs.unwrapped.s and type(mine.unwrapped.s) is int
    mine.unwrapped.s = theirs.unwrapped.s = index
    assert mine.step(action)[:3] == theirs.step(action)[:3]
    with pytest.raises(InvalidField, match="`s` must be an integer from 0"):
        mine.unwrapped.s = 1000


def test_the_state_of_a_taxi_is_s():
    """It was stored before as on any Python object, without an effect."""
    mine, theirs = twins("Taxi-v4")
    for env in (mine, theirs):
        env.unwrapped.s = env.unwrapped.encode(3, 1, 2, 0)
    assert mine.unwrapped.s == 328 and mine.step(0)[0] == theirs.step(0)[0]


def test_the_hands_of_blackjack_are_lists_of_cards():
    env = gymnasium.make("jaxenvs/Blackjack-v1")
    for seed in range(20):
        total, shown, ace = env.reset(seed=seed)[0]
        player, dealer = env.unwrapped.player, env.unwrapped.dealer
        assert len(player) == len(dealer) == 2 and dealer[0] == shown
        assert sum(player) + 10 * ace == total
    with pytest.raises(AttributeError, match="cannot be set"):
        env.unwrapped.player = [1, 1]


def test_steps_beyond_the_end():
    env = gymnasium.make("jaxenvs/CartPole-v1").unwrapped
    env.reset(seed=0)
    assert env.steps_beyond_terminated is None
    env.state = np.array([3.0, 0.0, 0.0, 0.0])
    assert env.step(0)[2] and env.steps_beyond_terminated == 0
    env.state, env.steps_beyond_terminated = np.zeros(4), None
    assert env.step(0)[1:3] == (1.0, False)


def test_what_follows_from_other_fields_may_be_set_to_what_it_is():
    env = gymnasium.make("jaxenvs/CartPole-v1").unwrapped
    env.masspole = 0.5
    env.total_mass = env.masspole + env.masscart
    env.polemass_length = env.masspole * env.length
    assert env.total_mass == 1.5
    with pytest.raises(AttributeError, match="the environment computes it"):
        env.total_mass = 1.1


def test_nothing_of_an_episode_is_there_before_the_first_reset():
    env = gymnasium.make("jaxenvs/FrozenLake-v1")
    assert not env.has_wrapper_attr("s")
    with pytest.raises(AttributeError, match=r"no `s` before the first env.reset\(\)"):
        _ = env.unwrapped.s
    with pytest.raises(ResetNeeded):
        env.unwrapped.s = 3


def test_a_robots_positions_are_read_and_set():
    pytest.importorskip("mujoco", reason="needs the extra `mujoco`")
    mine, theirs = twins("Hopper-v5")
    qpos, qvel = np.array([0.1, 1.3, 0.05, 0.0, -0.1, 0.2]), np.linspace(-0.1, 0.1, 6)
    action = np.array([0.3, -0.2, 0.1], np.float32)
    for env in (mine, theirs):
        env.unwrapped.set_state(qpos, qvel)
    data, other = mine.unwrapped.data, theirs.unwrapped.data
    for name in ("qpos", "qvel", "time"):
        np.testing.assert_allclose(getattr(data, name), getattr(other, name), rtol=1e-6)
        assert np.asarray(getattr(data, name)).dtype == np.asarray(getattr(other, name)).dtype
    for name in ("xpos", "xquat", "cinert", "qfrc_bias"):
        np.testing.assert_allclose(getattr(data, name), getattr(other, name), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mine.unwrapped._get_obs(), theirs.unwrapped._get_obs(), rtol=1e-6)
    np.testing.assert_allclose(mine.unwrapped.state_vector(), theirs.unwrapped.state_vector(), rtol=1e-6)
    np.testing.assert_allclose(
        mine.unwrapped.get_body_com("torso"), theirs.unwrapped.get_body_com("torso"), rtol=1e-6, atol=1e-9
    )
    for name in ("init_qpos", "init_qvel"):
        np.testing.assert_array_equal(getattr(mine.unwrapped, name), getattr(theirs.unwrapped, name))
    assert mine.unwrapped.is_healthy is theirs.unwrapped.is_healthy is True
    np.testing.assert_allclose(mine.step(action)[0], theirs.step(action)[0], rtol=1e-4, atol=1e-5)
    assert mine.unwrapped.data.time == pytest.approx(theirs.unwrapped.data.time)


def test_data_is_a_copy_and_says_so():
    pytest.importorskip("mujoco", reason="needs the extra `mujoco`")
    env = gymnasium.make("jaxenvs/InvertedPendulum-v5").unwrapped
    assert env.data.qpos.shape == (2,)  # Gymnasium has data before the first reset as well
    env.reset(seed=0)
    with pytest.raises(ValueError, match="read-only"):
        env.data.qpos[0] = 1.0
    with pytest.raises(AttributeError, match=r"`data.qpos` cannot be set: it is a copy.*set_state\(qpos, qvel\)"):
        env.data.qpos = np.zeros(2)
    with pytest.raises(AttributeError, match="cannot be set"):
        env.data = None
    with pytest.raises(InvalidField, match=r"`qvel` must have shape \(2,\), got \(3,\)"):
        env.set_state(np.zeros(2), np.zeros(3))


def test_what_is_written_to_the_model_holds_from_the_next_step_on():
    pytest.importorskip("mujoco", reason="needs the extra `mujoco`")
    mine, theirs = twins("Hopper-v5")
    for env in (mine, theirs):
        env.unwrapped.set_state(np.array([0.0, 1.25, 0.0, 0.0, 0.0, 0.0]), np.zeros(6))
        model = env.unwrapped.model
        assert model is env.unwrapped.model and (model.nq, model.nbody) == (6, 5)
        model.body_mass[1] *= 2
        model.opt.gravity[2] = -3.0
        model.geom_friction[:, 0] = 0.1
    for step in range(6):
        if step == 3:  # another way to write
            for env in (mine, theirs):
                env.unwrapped.model.body("torso").mass = 1.0
        results = [env.step(np.full(3, 0.3, np.float32))[0] for env in (mine, theirs)]
        np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)
    assert mine.unwrapped.parameters.body_mass[1] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        mine.unwrapped.model.geom_size[0] = 1.0
    twin = copy.deepcopy(mine)
    np.testing.assert_array_equal(twin.step(np.zeros(3))[0], mine.step(np.zeros(3))[0])
    assert twin.unwrapped.model.body_mass[1] == 1.0
    mine.unwrapped.parameters = mine.unwrapped.parameters.replace(gravity=np.zeros(3, np.float32))
    assert mine.unwrapped.model.opt.gravity[2] == 0.0


def test_a_batch_reads_and_sets_the_same():
    mine = gymnasium.make_vec("jaxenvs/CartPole-v1", 2)
    theirs = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode="sync")
    with pytest.raises(InvalidField, match="Cannot set `state` before the first reset"):
        mine.set_attr("state", np.zeros(4))
    states = [np.array([0.0, 0.0, 0.1, 0.0]), np.array([0.1, 0.2, 0.05, 0.0])]
    for envs in (mine, theirs):
        envs.reset(seed=0)
        envs.set_attr("state", states)
    np.testing.assert_allclose(np.array(mine.get_attr("state")), states, rtol=1e-6)
    np.testing.assert_allclose(mine.step(np.array([0, 1]))[0], theirs.step(np.array([0, 1]))[0], rtol=1e-5, atol=1e-6)
    mine.set_attr("state", [mine.get_attr("state")[1]] * 2)
    assert len({float(state.x) for state in mine.get_attr("state")}) == 1
    with pytest.raises(InvalidField, match="must be a CartPoleState, got int"):
        mine.set_attr("state", 3)
    with pytest.raises(AttributeError, match=r"no list `envs`.*`get_attr`"):
        _ = mine.envs


def test_a_batch_reads_and_sets_cells():
    envs = gymnasium.make_vec("jaxenvs/FrozenLake-v1", 2, is_slippery=False)
    with pytest.raises(AttributeError, match="before the first"):
        envs.get_attr("s")
    envs.reset(seed=0)
    envs.set_attr("s", [14, 4])
    assert envs.get_attr("s") == (14, 4) and envs.step(np.array([2, 2]))[2].tolist() == [True, True]


@pytest.mark.parametrize("name", ["np_random", "unwrapped", "spec", "render_mode"])
def test_what_a_batch_answers_itself_cannot_be_stored(name):
    envs = gymnasium.make_vec("jaxenvs/CartPole-v1", 2)
    with pytest.raises(AttributeError, match=f"`{name}` cannot be set"):
        envs.set_attr(name, 3)


INSTEAD = {
    "CartPole-v1": ("screen", "`render`"),
    "LunarLander-v3": ("lander", "positions and velocities of all bodies are arrays in `env.unwrapped.state`"),
    "FrozenLake-v1": ("lastaction", "no part of the state"),
}


@pytest.mark.parametrize(("id", "name", "message"), [(id, *row) for id, row in INSTEAD.items()])
def test_what_is_not_there_is_answered(id, name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(gymnasium.make(f"jaxenvs/{id}").unwrapped, name)


def test_an_environment_of_ones_own_keeps_its_attributes():
    class CartPole(type(jaxenvs.unwrap(jaxenvs.make("CartPole-v1")))):
        pass

    env = GymnasiumEnv(CartPole())
    env.reset(seed=0)
    assert not hasattr(env, "steps_beyond_terminated")
    env.steps_beyond_terminated = 3
    assert env.steps_beyond_terminated == 3
