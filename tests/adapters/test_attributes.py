"""Fields, properties and methods of an environment, read and set through every adapter."""

import dataclasses
import gc
import weakref

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv, VectorWrapper
from gymnasium.wrappers import OrderEnforcing

import jaxenvs
from jaxenvs import adapters
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv, LegacyGym
from jaxenvs.errors import InvalidField
from jaxenvs.testing.trees import identical
from jaxenvs.wrappers import TransformReward
from tests.adapters.comparing import assert_same
from tests.adapters.ids import MARKED
from tests.adapters.stable_baselines3.toys import Reach

pytestmark = pytest.mark.gymnasium

ID = "jaxenvs/CartPole-v1"


def sync(num_envs=2):
    return SyncVectorEnv([lambda: gymnasium.make(ID)] * num_envs)


def stable_baselines3(module):
    """A module of the package. The test is skipped if it is not installed."""
    return pytest.importorskip(f"stable_baselines3.common.{module}", reason="needs the extra `sb3`")


def dummy(num_envs=2):
    monitor = stable_baselines3("monitor").Monitor
    return stable_baselines3("vec_env").DummyVecEnv([lambda: monitor(gymnasium.make(ID))] * num_envs)


def sb3_batch(env, num_envs, **fields):
    stable_baselines3("vec_env")
    return adapters.StableBaselines3VecEnv(env, num_envs, **fields)


def torch_batch(env, num_envs):
    pytest.importorskip("torch", reason="needs the extra `sb3`")
    return adapters.TorchVectorEnv(env, num_envs)


def assign(env, value):
    env.unwrapped.gravity = value


def assign_legacy(env, value):
    env.gravity = value


PATHS = {
    "env.unwrapped": (lambda: GymnasiumEnv("CartPole-v1"), assign, 1),
    "unwrapped of a made one": (lambda: gymnasium.make(ID), assign, 1),
    "set_wrapper_attr": (lambda: gymnasium.make(ID), lambda env, v: env.set_wrapper_attr("gravity", v), 1),
    "SyncVectorEnv": (sync, lambda env, v: env.set_attr("gravity", v), 2),
    "GymnasiumVectorEnv": (lambda: GymnasiumVectorEnv("CartPole-v1", 2), lambda env, v: env.set_attr("gravity", v), 2),
    "DummyVecEnv": (dummy, lambda env, v: env.env_method("set_wrapper_attr", "gravity", v), 2),
    "StableBaselines3VecEnv": (lambda: sb3_batch("CartPole-v1", 2), lambda env, v: env.set_attr("gravity", v), 2),
    "StableBaselines3VecEnv.env_method": (
        lambda: sb3_batch("CartPole-v1", 2),
        lambda env, v: env.env_method("set_wrapper_attr", "gravity", v),
        2,
    ),
    "TorchVectorEnv": (lambda: torch_batch("CartPole-v1", 2), lambda env, v: env.set_attr("gravity", v), 2),
    "LegacyGym": (lambda: LegacyGym("CartPole-v1"), assign_legacy, 1),
    "LegacyGym.unwrapped": (lambda: LegacyGym("CartPole-v1"), assign, 1),
}


def read(env):
    """The gravity of the first environment, as this adapter reads it."""
    if hasattr(env, "get_attr"):
        return env.get_attr("gravity")[0]
    return env.get_wrapper_attr("gravity") if hasattr(env, "get_wrapper_attr") else env.gravity


def begin(env):
    if hasattr(env, "seed"):
        env.seed(0)
        env.reset()
    else:
        env.reset(seed=0)


def push(env, num_envs):
    """The observation of the first environment after a push to the right."""
    if type(env).__name__ == "TorchVectorEnv":
        import torch

        return env.step(torch.ones(num_envs, dtype=torch.int32))[0][0].numpy()
    if num_envs == 1:
        return np.asarray(env.step(1)[0])
    return np.asarray(env.step(np.ones(num_envs, int))[0])[0]


@pytest.mark.parametrize(("make", "set_gravity", "num_envs"), PATHS.values(), ids=PATHS)
def test_a_field_that_was_set_holds_from_the_next_step_on(make, set_gravity, num_envs):
    env, heavy = make(), GymnasiumEnv("CartPole-v1", gravity=500.0)
    begin(env), begin(heavy)
    assert read(env) == 9.8
    set_gravity(env, 500.0)
    assert read(env) == 500.0
    np.testing.assert_array_equal(push(env, num_envs), heavy.step(1)[0])
    set_gravity(env, 9.81)
    assert read(env) == 9.81 and type(read(env)) is float  # not float32's 9.8100004


def test_wrapper_attributes_are_found_and_set_as_in_gymnasiums_own_environments():
    """What Gymnasium's `test_get_set_wrapper_attr` asks of its CartPole."""
    env = gymnasium.make(ID)
    for name in ("gravity", "unknown_attr"):
        with pytest.raises(AttributeError):
            getattr(env, name)
    assert env.unwrapped.gravity is not None and env.get_wrapper_attr("gravity") is not None
    assert env.has_wrapper_attr("gravity") and not env.has_wrapper_attr("unknown_attr")
    with pytest.raises(AttributeError):
        env.get_wrapper_attr("unknown_attr")

    env.set_wrapper_attr("gravity", 10.0)
    with pytest.raises(AttributeError):
        env.gravity  # noqa: B018  # the lookup raises
    assert env.unwrapped.gravity == env.get_wrapper_attr("gravity") == 10.0

    env.gravity = 5.0  # on the wrapper
    assert env.gravity == env.get_wrapper_attr("gravity") == 5.0 and env.unwrapped.gravity == 10.0
    env.set_wrapper_attr("gravity", 11.0)
    assert env.gravity == env.get_wrapper_attr("gravity") == 11.0

    private = "_disable_render_order_enforcing"
    assert env.get_wrapper_attr(private) is False
    env.set_wrapper_attr(private, True)
    for layer in (env, env.unwrapped):
        with pytest.raises(AttributeError):
            getattr(layer, private)
    assert env.get_wrapper_attr(private) is True


@pytest.mark.parametrize("make", [lambda n: gymnasium.make_vec(ID, n), sync])
def test_attributes_of_a_batch_are_as_in_gymnasiums_own(make):
    """What its `test_call_sync_vector_env`, `test_set_attr` and `test_vector_env_wrapper_attributes` ask."""
    envs = make(4)
    gravity = envs.call("gravity")
    assert gravity == (9.8,) * 4 and all(type(value) is float for value in gravity)
    envs.set_attr("gravity", [9.81, 3.72, 8.87, 1.62])
    assert envs.get_attr("gravity") == (9.81, 3.72, 8.87, 1.62)
    wrapped = VectorWrapper(make(4))
    wrapped.env.set_attr("gravity", [20.0] * 4)
    assert wrapped.env.get_attr("gravity") == (20.0,) * 4
    for name in ("np_random_seed", "observation_space", "action_space", "render_mode"):
        assert len(envs.get_attr(name)) == 4


def test_fields_given_to_make_read_as_given():
    """Stable-Baselines3's `test_vec_env_kwargs`."""
    make_vec_env = stable_baselines3("env_util").make_vec_env
    envs = make_vec_env("jaxenvs/MountainCarContinuous-v0", n_envs=1, seed=0, env_kwargs={"goal_velocity": 0.11})
    assert envs.get_attr("goal_velocity")[0] == 0.11
    ours = sb3_batch("MountainCarContinuous-v0", 2, goal_velocity=0.11)
    ours.set_attr("goal_velocity", 0.12, indices=[1])
    assert ours.get_attr("goal_velocity") == [0.11, 0.12]
    assert ours.env_method("get_wrapper_attr", "goal_velocity", indices=1) == [0.12]
    assert ours.env_method("has_wrapper_attr", "goal_speed") == [False, False]
    assert ours.env_method("set_wrapper_attr", "wind", 1.0, force=False) == [False, False]


def test_a_value_changes_without_compiling_again():
    env = GymnasiumEnv("CartPole-v1")
    env.reset(seed=0)
    env.step(1)
    compiled = env._programs.advance._cache_size()
    for gravity in (1.0, 2, np.float32(3.0), np.array(4.0), jax.numpy.float32(5.0)):
        env.gravity = gravity
        env.step(1)
        assert env.gravity == gravity
    assert env._programs.advance._cache_size() == compiled


def test_a_static_field_changes_the_program_and_the_form_of_the_state_ends_the_episode():
    env, other = GymnasiumEnv("CartPole-v1"), GymnasiumEnv("CartPole-v1", kinematics_integrator="semi-implicit euler")
    env.reset(seed=0), other.reset(seed=0)
    env.unwrapped.kinematics_integrator = "semi-implicit euler"
    assert_same(env.step(1), other.step(1))
    lake = GymnasiumEnv("FrozenLake-v1")
    lake.reset(seed=0)
    lake.is_slippery = False
    with pytest.raises(gymnasium.error.ResetNeeded):
        lake.step(0)
    lake.reset(seed=0)
    assert lake.step(2)[0] == 1
    with pytest.raises(InvalidField, match="would change the spaces"):
        lake.map_name = "8x8"


def test_fields_of_jaxenvs_wrappers_count_as_well():
    env = GymnasiumEnv(jaxenvs.make("CartPole-v1"))
    assert env.max_episode_steps == 500
    env.reset(seed=0)
    env.max_episode_steps = 1
    assert env.step(0)[3]


def test_gymnasiums_names_of_classic_controls_fields():
    theirs = {name: gymnasium.make(name).unwrapped for name in ("CartPole-v1", "Pendulum-v1", "Acrobot-v1")}
    names = {
        "CartPole-v1": ("masscart", "masspole", "length", "force_mag", "tau", "theta_threshold_radians"),
        "Pendulum-v1": ("g", "m", "l", "dt", "max_speed", "max_torque"),
        "Acrobot-v1": ("LINK_LENGTH_1", "LINK_MASS_2", "LINK_COM_POS_1", "LINK_MOI", "MAX_VEL_1", "MAX_VEL_2", "dt"),
    }
    for id, known in names.items():
        mine = gymnasium.make(f"jaxenvs/{id}").unwrapped
        for name in known:
            assert mine.get_wrapper_attr(name) == pytest.approx(getattr(theirs[id], name), rel=1e-6), name
    mine.LINK_MASS_1 = 2.0
    assert mine.link_mass_1 == 2.0


@pytest.mark.parametrize("id", MARKED)
def test_every_field_of_every_id_reads_and_takes_its_own_value(id):
    env = GymnasiumEnv(id)
    before, programs = jax.tree.map(np.asarray, env.env), env._programs
    for field in dataclasses.fields(env.env):
        if field.name != "env":
            setattr(env, field.name, getattr(jaxenvs.make(id, max_episode_steps=-1), field.name))
            getattr(env, field.name)
    assert env._programs is programs
    assert identical(jax.tree.map(np.asarray, env.env), before)


def test_other_attributes_are_stored_as_on_any_object():
    env = gymnasium.make(ID)
    env.unwrapped.curriculum = {"level": 3}
    env.unwrapped._mine = 1
    assert env.get_wrapper_attr("curriculum") == {"level": 3} and env.unwrapped._mine == 1


ERRORS = {
    "almost a field": (lambda env: setattr(env, "gravty", 1.0), AttributeError, "Did you mean: `gravity`"),
    "through a wrapper": (
        lambda env: OrderEnforcing(env).set_wrapper_attr("gravty", 1.0),
        AttributeError,
        "Did you mean: `gravity`",
    ),
    "a reader": (lambda env: env.gravty, AttributeError, "Did you mean: `gravity`.*Its fields are: gravity"),
    "a space": (lambda env: setattr(env, "action_space", 1), AttributeError, "Use a wrapper to replace it"),
    "a property": (lambda env: setattr(env, "reward_range", (0, 1)), AttributeError, "the environment computes it"),
    "a method": (lambda env: setattr(env, "observe", None), AttributeError, "the environment computes it"),
    "words": (lambda env: setattr(env, "gravity", "high"), InvalidField, "`gravity` must be a number, got 'high'"),
    "nothing": (lambda env: setattr(env, "gravity", None), InvalidField, "`gravity` must have a value"),
    "an array": (lambda env: setattr(env, "gravity", np.ones(2)), InvalidField, "`gravity` has shape"),
    "a list": (lambda env: setattr(env, "gravity", [1.0]), InvalidField, "`gravity` has shape"),
    "NaN": (lambda env: setattr(env, "gravity", float("nan")), InvalidField, "NaN"),
    "a clash": (lambda env: setattr(env, "start_low", 1.0), InvalidField, "start_low"),
    "an unknown integrator": (lambda env: setattr(env, "kinematics_integrator", "rk4"), InvalidField, "euler"),
    "a list where the field is static": (
        lambda env: setattr(env, "kinematics_integrator", ["euler"]),
        InvalidField,
        "must be hashable",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_a_bad_attribute_raises_and_changes_nothing(call, error, message):
    env, twin = GymnasiumEnv("CartPole-v1"), GymnasiumEnv("CartPole-v1")
    env.reset(seed=0), twin.reset(seed=0)
    with pytest.raises(error, match=message):
        call(env)
    assert env.gravity == 9.8
    assert_same(env.step(1), twin.step(1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: GymnasiumVectorEnv("CartPole-v1", 2),
        lambda: sb3_batch("CartPole-v1", 2),
        lambda: torch_batch("CartPole-v1", 2),
    ],
)
def test_a_batch_has_no_fields_of_its_own(make):
    envs = make()
    with pytest.raises(AttributeError, match=r"set it with `set_attr\('gravity', 1.6\)`"):
        envs.gravity = 1.6
    envs.note = "mine"
    assert envs.note == "mine"


def test_a_field_set_on_the_monitor_of_stable_baselines3_is_noticed_at_the_next_reset():
    envs = dummy()
    envs.set_attr("gravity", 500.0)  # which Stable-Baselines3 sets on its Monitor
    with pytest.raises(
        InvalidField, match=r"`gravity` was set on Monitor.*env_method\(\"set_wrapper_attr\", 'gravity'"
    ):
        envs.reset()


def test_a_field_set_on_a_wrapper_is_noticed_at_the_next_reset():
    env = gymnasium.make(ID)
    env.gravity = 1.6
    with pytest.raises(InvalidField, match="`gravity` was set on TimeLimit"):
        env.reset()
    del env.gravity
    env.reset()


def test_a_wrapper_may_have_an_attribute_of_a_fields_name():
    class Curriculum(gymnasium.Wrapper):
        def __init__(self, env):
            super().__init__(env)
            self.gravity = 1.0

        def reset(self, **kwargs):
            self.gravity += 1.0
            self.env.set_wrapper_attr("gravity", self.gravity)
            return super().reset(**kwargs)

    env = Curriculum(gymnasium.make(ID))
    env.reset(), env.reset()
    assert env.gravity == env.unwrapped.gravity == 3.0


class Weighted(Reach):
    """Reach with an array among the fields, and something computed from it."""

    weights: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(2, np.float32))

    @property
    def total(self):
        return self.weights.sum()


def test_arrays_are_read_only_and_properties_follow():
    env = GymnasiumVectorEnv(Weighted(), 2)
    env.set_attr("weights", [np.ones(2, np.float32), np.full(2, 3.0, np.float32)])
    assert env.get_attr("total") == (2.0, 6.0)
    with pytest.raises(ValueError, match="read-only"):
        env.get_attr("weights")[0][0] = 5.0
    single, weights = GymnasiumEnv(Weighted()), np.full(2, 4.0, np.float32)
    assert single.total == 2.0
    single.weights = weights
    weights[:] = 0.0  # the caller's
    assert single.total == 8.0


def assert_rewards(result):
    assert type(result) is np.ndarray and result.dtype == np.float32
    np.testing.assert_array_equal(result, [0.0, -1.0])


def test_methods_take_batches_and_return_numpys_arrays():
    achieved, desired = np.array([[0.0], [1.0]], np.float32), np.zeros((2, 1), np.float32)
    infos = np.array([{}, {}])
    single, batch = GymnasiumEnv(Reach()), GymnasiumVectorEnv(Reach(), 2)
    results = [
        single.get_wrapper_attr("compute_reward")(achieved, desired, infos),
        batch.call("compute_reward", achieved, desired, infos)[1],
        LegacyGym(Reach()).compute_reward(achieved, desired, infos),
    ]
    for result in results:
        assert_rewards(result)
    assert isinstance(single.compute_reward(achieved[0], desired[0], {}), np.float32)
    batch.set_attr("tolerance", [0.3, 2.0])
    np.testing.assert_array_equal(batch.call("compute_reward", achieved, desired, infos)[1], [0.0, 0.0])


def test_methods_take_batches_through_stable_baselines3():
    goals = np.array([[0.0], [1.0]], np.float32), np.zeros((2, 1), np.float32), np.array([{}, {}])
    assert_rewards(sb3_batch(Reach(), 2).env_method("compute_reward", *goals, indices=[0])[0])
    theirs = stable_baselines3("vec_env").DummyVecEnv([lambda: GymnasiumEnv(Reach())])
    assert_rewards(theirs.env_method("compute_reward", *goals)[0])


def scaled():
    """An adapter of each kind around a wrapper with a function of its own, and a weak reference to the programs."""
    function = lambda reward: 2.0 * reward  # noqa: E731  # another one at each call
    env = TransformReward(Reach(), function)
    single, batch = GymnasiumEnv(env), GymnasiumVectorEnv(env, 2)
    single.reset(seed=0), batch.reset(seed=0)
    single.step(np.zeros(1, np.float32)), batch.step(np.zeros((2, 1), np.float32))
    return weakref.ref(single._programs), weakref.ref(batch._lanes._programs)


def test_programs_go_with_the_environments_that_use_them():
    def executables():
        gc.collect()
        return len(jax.devices()[0].client.live_executables())

    first = [scaled() for _ in range(2)]  # as many as are kept for those who make the same again
    before = executables()
    second = [scaled() for _ in range(2)]
    assert all(programs() is None for pair in first for programs in pair)
    assert all(programs() is not None for pair in second for programs in pair)
    assert executables() <= before


def test_equal_environments_share_programs():
    def double(reward):
        return 2.0 * reward

    for make in (lambda: GymnasiumEnv(TransformReward(Reach(step_size=0.1), double)), lambda: GymnasiumEnv(Reach())):
        assert make()._programs is make()._programs
    one, two = GymnasiumVectorEnv(Reach(), 2), GymnasiumVectorEnv(Reach(tolerance=0.1), 3)
    assert one._lanes._programs is two._lanes._programs
