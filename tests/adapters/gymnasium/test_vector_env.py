"""GymnasiumVectorEnv: step by step what SyncVectorEnv does over the same environments."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
from jaxenvs.adapters._host_loop.lanes import Lanes
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters.gymnasium import vector_env
from jaxenvs.adapters.gymnasium.registration import gymnasium_id
from jaxenvs.errors import InvalidAction, InvalidField, WrapperOrderError
from jaxenvs.wrappers import NormalizeReward
from tests.adapters.comparing import assert_same
from tests.adapters.ids import IDS, QUICK

pytestmark = pytest.mark.gymnasium

NUM_ENVS, STEPS, LIMIT = 3, 30, 9
EVERY_MODE = {"CartPole-v1", "Taxi-v4", "rlenvs/DynaMaze-v0"}
"""A vector; a number with arrays in `info`; state that persists across episodes. Tested in every mode in each run,
where the others of `QUICK` are in one; the slow tests cover all ids."""


def is_quick(id, mode):
    return id in EVERY_MODE or (id in QUICK and mode is AutoresetMode.NEXT_STEP)


def make_pair(id, mode, **kwargs):
    """Ours and SyncVectorEnv over GymnasiumEnv."""
    id = gymnasium_id(id)
    sync = gymnasium.make_vec(id, NUM_ENVS, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **kwargs)
    return gymnasium.make_vec(id, NUM_ENVS, autoreset_mode=mode, **kwargs), sync


@pytest.mark.parametrize(
    ("id", "mode"),
    [
        pytest.param(id, mode, id=f"{id}-{mode.value}", marks=[] if is_quick(id, mode) else [pytest.mark.slow])
        for id in IDS
        for mode in AutoresetMode
    ],
)
def test_equals_sync_vector_env_step_by_step(id, mode):
    mine, sync = make_pair(id, mode, max_episode_steps=LIMIT)
    for name in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(mine, name) == getattr(sync, name), name
    assert_same(mine.reset(seed=5), sync.reset(seed=5), "reset")
    sync.action_space.seed(2)
    ended = np.zeros(NUM_ENVS, bool)
    for t in range(STEPS):
        actions = sync.action_space.sample()
        my_step, their_step = mine.step(actions), sync.step(actions)
        assert_same(my_step, their_step, f"step {t}")
        done = their_step[2] | their_step[3]
        ended |= done
        if mode is AutoresetMode.DISABLED and done.any():
            options = {"reset_mask": done}
            assert_same(mine.reset(options=dict(options)), sync.reset(options=dict(options)), f"reset at {t}")
    assert ended.all(), "no episode ended, so nothing of auto-reset was compared"
    assert mine.np_random_seed == sync.np_random_seed


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.value)
def test_resets_with_masks_lists_of_seeds_and_options_equal_sync(mode):
    mine, sync = make_pair("CartPole-v1", mode, max_episode_steps=4)
    mask = np.array([True, False, True])
    calls = [
        {"seed": [4, 5, 6]},
        {"options": {"low": 0.1, "high": 0.2}},
        {"seed": [7, None, 8]},
        {"seed": [1, 2, 3], "options": {"reset_mask": mask, "low": 0.01, "high": 0.02}},
        {"options": {"reset_mask": ~mask}},
        {"seed": 11},
        {},
    ]
    for call in calls:
        mine_call, sync_call = copy.deepcopy(call), copy.deepcopy(call)
        assert_same(mine.reset(**mine_call), sync.reset(**sync_call), str(call))
        assert "reset_mask" not in call.get("options", {}) or "reset_mask" in mine_call["options"]  # left to the caller
        for _ in range(2):
            actions = np.array([0, 1, 1])
            assert_same(mine.step(actions), sync.step(actions), f"after {call}")
        assert mine.np_random_seed == sync.np_random_seed


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP], ids=lambda mode: mode.value)
def test_a_mask_in_mid_episode_equals_sync(mode):
    """Also if episodes have just ended in some of the masked lanes and in some of the others."""
    mine, sync = make_pair("FrozenLake-v1", mode, max_episode_steps=5)
    assert_same(mine.reset(seed=0), sync.reset(seed=0))
    sync.action_space.seed(0)
    generator = np.random.default_rng(0)
    for t in range(25):
        actions = sync.action_space.sample()
        assert_same(mine.step(actions), sync.step(actions), f"step {t}")
        mask = generator.random(NUM_ENVS) < 0.3
        if mask.any():
            assert_same(
                mine.reset(options={"reset_mask": mask}), sync.reset(options={"reset_mask": mask}), f"reset {t}"
            )


def test_lane_i_begins_as_a_single_environment_with_seed_plus_i():
    observations, _ = GymnasiumVectorEnv("Acrobot-v1", 3).reset(seed=10)
    for lane in range(3):
        assert_same(observations[lane], GymnasiumEnv("Acrobot-v1").reset(seed=10 + lane)[0])


def test_the_default_is_next_step_with_the_specs_limit():
    env = gymnasium.make_vec("jaxenvs/Pendulum-v1", num_envs=2)
    assert isinstance(env, GymnasiumVectorEnv)
    assert env.metadata["autoreset_mode"] is env.autoreset_mode is AutoresetMode.NEXT_STEP
    assert GymnasiumVectorEnv("Pendulum-v1", 2, autoreset_mode="SameStep").autoreset_mode is AutoresetMode.SAME_STEP
    assert env.spec.id == "jaxenvs/Pendulum-v1" and env.get_attr("max_episode_steps") == (200, 200)
    unlimited = gymnasium.make_vec("jaxenvs/Pendulum-v1", num_envs=2, max_episode_steps=-1)
    with pytest.raises(AttributeError, match="no attribute `max_episode_steps`"):
        unlimited.get_attr("max_episode_steps")


def test_unseeded_environments_differ():
    observations, _ = GymnasiumVectorEnv("CartPole-v1", 4).reset()
    assert len({row.tobytes() for row in observations}) == 4


def test_one_program_call_and_one_transfer_a_step(monkeypatch):
    env = GymnasiumVectorEnv("FrozenLake-v1", 4, autoreset_mode="SameStep")
    env.reset(seed=0)
    env.step(np.zeros(4, int))
    transfers, calls, step = [], [], Lanes.step
    monkeypatch.setattr(vector_env, "to_host", lambda tree: transfers.append(0) or to_host(tree))
    monkeypatch.setattr(Lanes, "step", lambda *args: calls.append(0) or step(*args))
    env.step(np.zeros(4, int))
    assert len(calls) == 1
    assert len(transfers) == 1


def test_arrays_are_the_callers_to_keep_and_change():
    env, twin = (GymnasiumVectorEnv("CartPole-v1", 2) for _ in range(2))
    env.reset(seed=0), twin.reset(seed=0)
    kept = []
    for _ in range(3):
        result, expected = env.step(np.ones(2, int)), twin.step(np.ones(2, int))
        assert_same(result, expected)
        kept.append((result, copy.deepcopy(expected)))
        for array in result[:4]:
            assert array.flags.writeable and array.flags.owndata
    for result, expected in kept:
        assert_same(result, expected)
        result[0][:] = 99.0
        result[2][:] = True
    assert_same(env.step(np.ones(2, int)), twin.step(np.ones(2, int)))


def test_a_copy_goes_on_from_the_same_states():
    env = GymnasiumVectorEnv("Taxi-v4", 2, max_episode_steps=4)
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env))
    for action in range(6):
        assert_same(env.step(np.full(2, action)), twin.step(np.full(2, action)))


def test_pictures_and_texts():
    env = GymnasiumVectorEnv("FrozenLake-v1", 2, render_mode="rgb_array")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.render()
    env.reset(seed=0)
    frames = env.render()
    single = GymnasiumEnv("FrozenLake-v1", render_mode="rgb_array")
    single.reset(seed=0)
    assert len(frames) == 2
    np.testing.assert_array_equal(frames[0], single.render())
    env = GymnasiumVectorEnv("FrozenLake-v1", 2, render_mode="ansi")
    env.reset(seed=0)
    assert all("\n" in text for text in env.render())
    assert GymnasiumVectorEnv("FrozenLake-v1", 2).metadata["render_modes"] == ["rgb_array", "ansi"]


def test_fields_can_differ_between_environments():
    env = GymnasiumVectorEnv("CartPole-v1", 3)
    env.set_attr("gravity", [1.0, 9.8, 20.0])
    assert env.get_attr("gravity") == pytest.approx((1.0, 9.8, 20.0))
    env.reset(seed=0)
    observations = env.step(np.ones(3, int))[0]
    for lane, gravity in enumerate((1.0, 9.8, 20.0)):
        single = GymnasiumEnv("CartPole-v1", gravity=gravity)
        single.reset(seed=lane)
        assert_same(observations[lane], single.step(1)[0])
    env.set_attr("max_episode_steps", 2)  # static: one for all
    assert env.get_attr("max_episode_steps") == (2, 2, 2)
    assert env.step(np.ones(3, int))[3].all()
    assert env.call("gravity") == env.get_attr("gravity")


def test_reset_options_go_before_fields_that_differ():
    env = GymnasiumVectorEnv("CartPole-v1", 2)
    env.set_attr("start_low", [-0.04, -0.01])
    env.reset(seed=0, options={"low": 0.04})
    assert (env.reset(seed=0, options={"low": 0.04})[0] >= 0.04).all()
    observations = np.stack([env.reset()[0] for _ in range(20)])
    assert observations[:, 1].min() >= -0.01 > observations[:, 0].min()


def test_a_field_that_changes_the_state_calls_for_a_reset():
    env = GymnasiumVectorEnv("FrozenLake-v1", 2)
    env.reset(seed=0)
    env.set_attr("is_slippery", False)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, int))
    twin = GymnasiumVectorEnv("FrozenLake-v1", 2, is_slippery=False)
    assert_same(env.reset(seed=1), twin.reset(seed=1))
    assert_same(env.step(np.full(2, 2)), twin.step(np.full(2, 2)))


BAD_ATTRIBUTES = [
    (lambda env: env.get_attr("gravty"), AttributeError, "Did you mean: `gravity`"),
    (lambda env: env.set_attr("gravty", 1.0), AttributeError, "Its fields are: max_episode_steps, gravity"),
    (lambda env: env.set_attr("gravity", [1.0, 2.0]), ValueError, "Got `2` values for 3"),
    (lambda env: env.set_attr("gravity", float("nan")), InvalidField, "NaN"),
    (lambda env: env.set_attr("gravity", np.ones(2)), InvalidField, "shape"),
    (lambda env: env.set_attr("max_episode_steps", [1, 2, 3]), InvalidField, "part of the program"),
    (lambda env: env.set_attr("max_episode_steps", 0), InvalidField, "at least 1"),
    (lambda env: env.set_attr("start_low", 1.0), InvalidField, "start_low"),
    (lambda env: env.call("gravity", 3), InvalidField, "a value, not a method"),
    (lambda env: env.call("reset"), InvalidField, "pure functions"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD_ATTRIBUTES)
def test_a_bad_attribute_raises_and_changes_nothing(call, error, message):
    env, twin = (GymnasiumVectorEnv("CartPole-v1", 3) for _ in range(2))
    env.reset(seed=0), twin.reset(seed=0)
    with pytest.raises(error, match=message):
        call(env)
    assert_same(env.step(np.ones(3, int)), twin.step(np.ones(3, int)))


BAD_ACTIONS = [
    ("CartPole-v1", np.zeros(2, int), "3 elements, one for each environment: an array of shape"),
    ("CartPole-v1", 0, "3 elements"),
    ("CartPole-v1", np.array([0, 1, 2]), r"`action` of environment 2 must lie in Discrete\(2\), got 2\."),
    ("CartPole-v1", np.array([0.0, 1.0, 1.0]), "must be integers"),
    ("CartPole-v1", None, "3 elements"),
    ("CartPole-v1", [[0], [1]], "3 elements"),
    ("CartPole-v1", [[0], [1, 2]], "3 elements"),
    ("Pendulum-v1", np.zeros(3), r"shape \(3, 1\)"),
    ("Pendulum-v1", np.array([[0.0], [np.nan], [0.0]]), r"environment 1 must lie in Box.*got \[nan\]\."),
]


@pytest.mark.parametrize(("id", "actions", "message"), BAD_ACTIONS, ids=repr)
def test_bad_actions_raise_and_change_nothing(id, actions, message):
    env, twin = (GymnasiumVectorEnv(id, 3) for _ in range(2))
    env.reset(seed=0), twin.reset(seed=0)
    for expected in (AssertionError, InvalidAction, gymnasium.error.InvalidAction):
        with pytest.raises(expected, match=message):
            env.step(actions)
    good = env.action_space.sample()
    assert_same(env.step(good), twin.step(good))


def test_an_action_that_next_step_ignores_may_be_anything():
    env = GymnasiumVectorEnv("FrozenLake-v1", 2, max_episode_steps=1)
    env.reset(seed=0)
    assert env.step(np.zeros(2, int))[3].all()
    env.step(np.array([-1, 99]))  # both start a new episode
    with pytest.raises(InvalidAction):
        env.step(np.array([-1, 99]))


def test_order_of_calls():
    env = GymnasiumVectorEnv("CartPole-v1", 2, autoreset_mode="Disabled", max_episode_steps=1)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"before calling env.reset\(\)"):
        env.step(np.zeros(2, int))
    with pytest.raises(InvalidField, match="The first reset must begin all"):
        env.reset(options={"reset_mask": np.array([True, False])})
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    for error in (AssertionError, gymnasium.error.ResetNeeded):
        with pytest.raises(error, match=r"Environments \[0, 1\] are at the end"):
            env.step(np.zeros(2, int))
    env.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(AssertionError, match=r"Environments \[1\]"):
        env.step(np.zeros(2, int))
    env.reset()
    env.step(np.zeros(2, int))
    env.close()
    env.close()
    for call in (env.reset, env.render, lambda: env.step(np.zeros(2, int))):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match=r"after a call to `close\(\)`"):
            call()


BAD_RESETS = [
    ({"seed": [1, 2]}, ValueError, "must match num_envs=3 but got length=2"),
    ({"seed": -1}, gymnasium.error.Error, "non-negative"),
    ({"seed": [1, "a", 3]}, ValueError, "non-negative"),
    ({"seed": 1.5}, ValueError, "non-negative"),
    ({"options": {"reset_mask": [True] * 3}}, TypeError, "must be a numpy array"),
    ({"options": {"reset_mask": np.ones(2, bool)}}, ValueError, r"must have shape `\(3,\)`"),
    ({"options": {"reset_mask": np.ones(3, int)}}, TypeError, "must have `dtype=np.bool_`"),
    ({"options": {"reset_mask": np.zeros(3, bool)}}, ValueError, "at least one True"),
    ({"options": {"hgih": 0.1}}, InvalidField, "Did you mean: `high`"),
]


@pytest.mark.parametrize(("kwargs", "error", "message"), BAD_RESETS, ids=repr)
def test_a_bad_reset_raises_and_changes_nothing(kwargs, error, message):
    env, twin = (GymnasiumVectorEnv("CartPole-v1", 3) for _ in range(2))
    env.reset(seed=0), twin.reset(seed=0)
    with pytest.raises(error, match=message):
        env.reset(**kwargs)
    assert_same(env.step(np.ones(3, int)), twin.step(np.ones(3, int)))
    assert_same(env.reset(), twin.reset())


BAD_CONSTRUCTIONS = [
    (lambda: GymnasiumVectorEnv("CartPole-v1", 0), InvalidField, "must be an integer of at least 1"),
    (lambda: GymnasiumVectorEnv("CartPole-v1", 2.0), InvalidField, "must be an integer of at least 1"),
    (lambda: GymnasiumVectorEnv("CartPole-v1", autoreset_mode="Same"), InvalidField, '"NextStep", "SameStep"'),
    (lambda: GymnasiumVectorEnv("CartPole-v1", render_mode="human"), InvalidField, "HumanRendering"),
    (
        lambda: GymnasiumVectorEnv(jaxenvs.make("CartPole-v1"), max_episode_steps=3),
        InvalidField,
        r"jaxenvs.TimeLimit\(env, steps\)",
    ),
    (
        lambda: GymnasiumVectorEnv(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1")), autoreset_mode="Disabled"),
        WrapperOrderError,
        "Pass the environment without AutoReset",
    ),
    (
        lambda: GymnasiumVectorEnv(NormalizeReward(jaxenvs.make("CartPole-v1"), 0.99), 2),
        WrapperOrderError,
        "use its counterpart in the other library",
    ),
    (
        lambda: gymnasium.make_vec(
            "jaxenvs/CartPole-v1",
            2,
            autoreset_mode=AutoresetMode.SAME_STEP,
            vector_kwargs={"autoreset_mode": AutoresetMode.NEXT_STEP},
        ),
        gymnasium.error.Error,
        "only through kwargs",
    ),
]


@pytest.mark.parametrize(("construct", "error", "message"), BAD_CONSTRUCTIONS)
def test_a_bad_construction_says_what_to_do(construct, error, message):
    with pytest.raises(error, match=message):
        construct()


def test_an_environment_of_ones_own_with_wrappers():
    env = jaxenvs.wrappers.FrameStack(jaxenvs.TimeLimit(jaxenvs.make("Pendulum-v1", max_episode_steps=-1), 3), 2)
    vector = GymnasiumVectorEnv(env, 2, autoreset_mode="SameStep")
    observations, _ = vector.reset(seed=0)
    assert observations.shape == (2, 2, 3)
    for _ in range(3):
        observations, _, _, truncations, infos = vector.step(np.zeros((2, 1), np.float32))
    assert truncations.all() and infos["final_obs"][0].shape == (2, 3)
