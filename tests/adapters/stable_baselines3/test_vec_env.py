"""StableBaselines3VecEnv: step by step what DummyVecEnv does."""

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import DDPG, PPO, HerReplayBuffer
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

import jaxenvs
from jaxenvs import spaces
from jaxenvs.adapters import GymnasiumEnv, StableBaselines3VecEnv
from jaxenvs.adapters.gymnasium.registration import gymnasium_id
from jaxenvs.wrappers import PixelObservation, TimeLimit, TransformObservation
from tests.adapters.comparing import assert_same
from tests.adapters.stable_baselines3.toys import LANES, Bits, Reach, Tenths, actions_for


def dummy(id, max_episode_steps, num_envs=LANES):
    """Stable-Baselines3's own vector environment over this package's single ones."""

    def make():
        return Monitor(gymnasium.make(gymnasium_id(id), max_episode_steps=max_episode_steps))

    return DummyVecEnv([make for _ in range(num_envs)])


def comparable(infos):
    """Infos without the clock; a terminal observation of one number is NumPy's, where DummyVecEnv's is Python's."""
    compared = []
    for info in infos:
        info = dict(info)
        if "episode" in info:
            info["episode"] = {key: value for key, value in info["episode"].items() if key != "t"}
        if isinstance(info.get("terminal_observation"), np.integer):
            info["terminal_observation"] = int(info["terminal_observation"])
        compared.append(info)
    return compared


LOCKSTEP = {
    "CartPole-v1": (20, True),
    "Pendulum-v1": (15, False),
    "MountainCarContinuous-v0": (25, False),
    "Taxi-v4": (30, False),
    "FrozenLake-v1": (9, True),
}
"""Id: a time limit such that the run sees truncations, and whether it also sees terminations."""


@pytest.mark.parametrize("id, limit, terminates", [(id, *row) for id, row in LOCKSTEP.items()], ids=LOCKSTEP)
def test_every_step_is_dummy_vec_envs(id, limit, terminates):
    ours, theirs = StableBaselines3VecEnv(id, LANES, max_episode_steps=limit), dummy(id, limit)
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    assert ours.seed(7) == theirs.seed(7)
    ends = truncations = 0
    for _ in range(2):  # the second reset continues the sequences of the first seeds
        assert_same(ours.reset(), theirs.reset(), "reset")
        assert_same(ours.reset_infos, theirs.reset_infos, "reset_infos")
        for action in actions_for(ours, 40):
            *mine, infos = ours.step(action)
            *other, their_infos = theirs.step(action)
            assert_same(mine, other, "step")
            assert_same(comparable(infos), comparable(their_infos), "infos")
            assert_same(ours.reset_infos, theirs.reset_infos, "reset_infos")
            assert all(type(info["episode"]["t"]) is float for info in infos if "episode" in info)
            ends += mine[2].sum()
            truncations += sum(info["TimeLimit.truncated"] for info in infos)
    assert truncations > 0
    assert ends > truncations or not terminates


def test_reset_options_are_dummy_vec_envs():
    ours, theirs = StableBaselines3VecEnv("CartPole-v1", LANES), dummy("CartPole-v1", 500)
    wide = {"low": -0.2, "high": 0.2}
    for options in (wide, [{}, wide, {"low": 0.1, "high": 0.1}], [wide, wide, {}], None):
        for env in (ours, theirs):
            env.set_options(options)
            env.seed(3)
        assert_same(ours.reset(), theirs.reset())
        assert_same(ours.reset(), theirs.reset())  # options are used once, and so are seeds


def test_options_that_the_task_does_not_have_are_ignored_as_by_dummy_vec_env():
    ours, theirs = StableBaselines3VecEnv("CartPole-v1", LANES), dummy("CartPole-v1", 500)
    for env in (ours, theirs):
        env.set_options([{"scenario": lane, "low": np.float32(0.01)} for lane in range(LANES)])
        env.seed(3)
    assert_same(ours.reset(), theirs.reset())


def test_options_of_some_lanes_leave_the_chain_of_starts_alone():
    ours, theirs = StableBaselines3VecEnv("CartPole-v1", LANES, seed=3), dummy("CartPole-v1", 500)
    theirs.seed(3)
    ours.reset(), theirs.reset()
    for env in (ours, theirs):
        env.set_options([{"low": 0.1, "high": 0.1}, {}, {}])
    assert_same(ours.reset(), theirs.reset())


def test_a_seed_gives_lane_i_the_start_of_seed_plus_i():
    env = StableBaselines3VecEnv("MountainCar-v0", LANES, seed=11)
    single = GymnasiumEnv("MountainCar-v0")
    first = env.reset()
    assert_same(first, np.stack([single.reset(seed=11 + lane)[0] for lane in range(LANES)]))
    assert not np.array_equal(env.reset(), first)
    assert env.seed(11) == [11, 12, 13]
    np.testing.assert_array_equal(env.reset(), first)


def test_unseeded_environments_differ():
    first = StableBaselines3VecEnv("MountainCar-v0", LANES).reset()
    assert len(np.unique(np.concatenate([first, StableBaselines3VecEnv("MountainCar-v0", LANES).reset()]), axis=0)) == 6


def test_an_episode_that_terminates_at_its_limit_is_not_truncated():
    def first_end(limit):
        env = StableBaselines3VecEnv("CartPole-v1", 1, seed=0, max_episode_steps=limit)
        env.reset()
        while True:
            _, _, dones, (info,) = env.step(np.ones(1, int))
            if dones[0]:
                return info

    free = first_end(-1)
    length = free["episode"]["l"]
    at_limit, before = first_end(length), first_end(length - 1)
    assert at_limit["episode"]["l"] == length and at_limit["TimeLimit.truncated"] is False
    assert before["episode"]["l"] == length - 1 and before["TimeLimit.truncated"] is True


def nested(timestep):
    return {"cart": timestep[:2], "pole": {"angle": timestep[2], "speed": timestep[3:]}}


NESTED_SPACE = spaces.Dict(
    {
        "cart": spaces.Box(-np.inf, np.inf, (2,)),
        "pole": spaces.Dict({"angle": spaces.Box(-1.0, 1.0, ()), "speed": spaces.Box(-np.inf, np.inf, (1,))}),
    }
)


def test_a_dict_observation_has_a_dict_as_terminal_observation():
    plain = StableBaselines3VecEnv("CartPole-v1", LANES, seed=0, max_episode_steps=5)
    structured = StableBaselines3VecEnv(
        TransformObservation(jaxenvs.make("CartPole-v1", max_episode_steps=5), nested, NESTED_SPACE), LANES, seed=0
    )

    def flat(observation):
        return np.concatenate([observation[key] for key in ("cart", "pole/angle", "pole/speed")], axis=-1)

    assert_same(flat(structured.reset()), plain.reset())
    for action in actions_for(plain, 5):
        expected, (observation, _, dones, infos) = plain.step(action), structured.step(action)
        assert_same(flat(observation), expected[0])
    assert dones.all()
    for info, other in zip(infos, expected[3], strict=True):
        assert info["terminal_observation"] in structured.observation_space
        assert_same(flat(info["terminal_observation"]), other["terminal_observation"])
    PPO("MultiInputPolicy", structured, n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(24)


def test_blackjack_is_a_multi_discrete():
    env = StableBaselines3VecEnv("Blackjack-v1", LANES, seed=0)
    assert env.observation_space == gymnasium.spaces.MultiDiscrete([32, 11, 2])
    single = GymnasiumEnv("Blackjack-v1")
    np.testing.assert_array_equal(env.reset(), [single.reset(seed=lane)[0] for lane in range(LANES)])
    *_, dones, infos = env.step(np.zeros(LANES, int))
    assert dones.all() and all(info["terminal_observation"] in env.observation_space for info in infos)
    PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(24)


def test_a_policy_acts_in_a_multi_binary():
    env = StableBaselines3VecEnv(TimeLimit(Bits(), max_episode_steps=4), LANES)
    model = PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(24)
    actions, _ = model.predict(env.reset())
    observation, rewards, _, _ = env.step(actions)
    np.testing.assert_array_equal(observation, actions)
    np.testing.assert_array_equal(rewards, actions.sum(axis=1))


def test_arrays_and_infos_belong_to_the_caller():
    env, untouched = (StableBaselines3VecEnv("Taxi-v4", LANES, seed=0, max_episode_steps=4) for _ in range(2))
    for made in (env, untouched):
        made.reset()
    for action in actions_for(env, 12):
        observation, rewards, dones, infos = env.step(action)
        expected = untouched.step(action)
        for mine, other in zip((observation, rewards, dones), expected, strict=False):
            np.testing.assert_array_equal(mine, other)
        assert_same(comparable(infos), comparable(expected[3]))
        for array in (observation, rewards, dones, *(info["action_mask"] for info in infos)):
            array[...] = 1
        for info in (*infos, *env.reset_infos):
            info.clear()


def test_the_callers_actions_may_be_overwritten_before_the_wait():
    env, other = (StableBaselines3VecEnv("Pendulum-v1", LANES, seed=0) for _ in range(2))
    env.reset(), other.reset()
    actions = np.ones((LANES, 1), np.float32)
    env.step_async(actions)
    actions[:] = -2.0
    np.testing.assert_array_equal(env.step_wait()[0], other.step(np.ones((LANES, 1), np.float32))[0])


def test_attributes_of_some_environments():
    env = StableBaselines3VecEnv("Pendulum-v1", LANES, seed=0)
    assert env.get_attr("gravity") == [10.0] * 3
    assert env.get_attr("gravity", 1) == env.get_attr("gravity", -1) == [10.0]
    env.set_attr("gravity", 0.0, indices=[0, np.int64(2)])
    assert env.get_attr("gravity", range(3)) == [0.0, 10.0, 0.0]
    assert env.get_attr("max_episode_steps", iter([0, 2])) == [200, 200]
    assert env.get_attr("observation_space", 0) == [env.observation_space]
    assert env.has_attr("render_mode") and not env.has_attr("wind")
    heavy = StableBaselines3VecEnv("Pendulum-v1", LANES, seed=0)
    np.testing.assert_array_equal(env.reset(), heavy.reset())
    still = np.zeros((LANES, 1), np.float32)
    differs = (env.step(still)[0] != heavy.step(still)[0]).any(axis=1)
    np.testing.assert_array_equal(differs, [True, False, True])


@pytest.mark.parametrize(
    "arguments",
    [{}, {"max_episode_steps": 7, "gravity": 1.6}, {"max_episode_steps": -1, "render_mode": "rgb_array"}],
    ids=lambda arguments: " ".join(arguments) or "plain",
)
def test_the_spec_is_gymnasiums(arguments):
    made = gymnasium.make("jaxenvs/CartPole-v1", **arguments)
    env = StableBaselines3VecEnv("CartPole-v1", LANES, **arguments)
    assert env.get_attr("spec") == [made.spec] * LANES and env.has_attr("spec")
    assert env.get_attr("spec", [1]) == [made.spec]
    assert StableBaselines3VecEnv("MinAtar/Breakout-v1").get_attr("spec")[0].id == "jaxenvs/MinAtar-Breakout-v1"
    assert StableBaselines3VecEnv(Bits(), LANES).get_attr("spec") == [None] * LANES


def test_an_id_without_its_version_gets_one_warning():
    with pytest.warns(UserWarning, match="latest versioned environment") as caught:
        env = StableBaselines3VecEnv("CartPole", gravity=1.6)
    assert len(caught) == 1 and env.spec is not None and env.spec.id == "jaxenvs/CartPole-v1"


def test_what_dummy_vec_env_answers_of_its_environments_is_answered():
    ours, theirs = StableBaselines3VecEnv("Pendulum-v1", LANES, seed=3), dummy("Pendulum-v1", 200)
    theirs.seed(3)
    assert ours.get_attr("state") == theirs.get_attr("state") == [None] * LANES
    ours.reset(), theirs.reset()
    ours.set_attr("gravity", 1.0, indices=1)
    for mine, other in zip(ours.get_attr("state"), theirs.get_attr("state"), strict=True):
        assert_same(vars(mine), vars(other))
    assert ours.get_attr("np_random_seed") == theirs.get_attr("np_random_seed") == [3, 4, 5]
    assert [env.gravity for env in ours.get_attr("unwrapped")] == [10.0, 1.0, 10.0]


def test_hindsight_asks_the_environment_for_its_rewards():
    """HER calls `env_method("compute_reward", goals, goals, infos, indices=[0])` with batches."""
    env = StableBaselines3VecEnv(TimeLimit(Reach(), max_episode_steps=10), 2, seed=0)
    model = DDPG(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "copy_info_dict": True},
        learning_starts=20,
        batch_size=64,
        train_freq=10,
        policy_kwargs={"net_arch": [16]},
        device="cpu",
        seed=0,
    ).learn(200)
    sample = model.replay_buffer.sample(256)
    reached = sample.next_observations["achieved_goal"] - sample.observations["desired_goal"]
    far = reached.abs().max(dim=1, keepdim=True).values > env.get_attr("tolerance")[0]
    np.testing.assert_array_equal(sample.rewards.numpy(), -far.float().numpy())
    assert 0 < far.float().mean() < 1


def test_the_return_of_a_long_episode_is_monitors_to_the_last_digit():
    """In float32, 2,000 rewards of 0.1 do not add up to 200.000003, which is what float32's 0.1 makes."""
    steps = 2_000
    env = StableBaselines3VecEnv(TimeLimit(Tenths(), max_episode_steps=steps), 1)
    env.reset()
    for _ in range(steps):
        *_, infos = env.step(np.zeros(1, int))
    (info,) = infos
    assert info["episode"]["l"] == steps
    assert info["episode"]["r"] == round(sum([float(np.float32(0.1))] * steps), 6) == 200.000003


def test_which_wrappers_are_around():
    env = StableBaselines3VecEnv("CartPole-v1", LANES)
    assert env.env_is_wrapped(Monitor) == [True] * 3
    assert env.env_is_wrapped(TimeLimit, indices=[0, 2]) == [True] * 2
    assert env.env_is_wrapped(PixelObservation, indices=0) == [False]
    assert env.env_is_wrapped(gymnasium.wrappers.TimeLimit) == [True] * 3
    assert env.env_is_wrapped(gymnasium.wrappers.ClipReward) == [False] * 3
    assert StableBaselines3VecEnv(Bits()).env_is_wrapped(gymnasium.wrappers.TimeLimit) == [False]
    assert StableBaselines3VecEnv(Bits()).env_is_wrapped(TimeLimit) == [False]


def test_action_masks_belong_to_the_observation_acted_on():
    env = StableBaselines3VecEnv("Taxi-v4", LANES, seed=0, max_episode_steps=3)
    assert env.has_attr("action_masks") and not StableBaselines3VecEnv("FrozenLake-v1").has_attr("action_masks")
    env.reset()
    for steps, action in enumerate(actions_for(env, 9), 1):
        _, _, dones, infos = env.step(action)
        masks = env.env_method("action_masks")
        assert np.stack(masks).shape == (LANES, 6) and masks[0].dtype == bool
        current = env.reset_infos if dones.all() else infos
        assert dones.all() == (steps % 3 == 0)
        for mask, method, info in zip(masks, env.get_attr("action_masks"), current, strict=True):
            np.testing.assert_array_equal(mask, info["action_mask"].astype(bool))
            np.testing.assert_array_equal(method(), mask)
        assert len(env.env_method("action_masks", indices=[1])) == 1
        masks[0][:] = False
        assert env.env_method("action_masks", indices=0)[0].any()
    assert any((end["action_mask"] != start["action_mask"]).any() for end, start in zip(infos, env.reset_infos))


def test_who_keeps_to_the_masks_of_a_board_game_makes_no_illegal_move():
    env = StableBaselines3VecEnv("TicTacToe-v0", LANES, seed=0)
    env.reset()
    rng, ended = np.random.default_rng(0), 0
    for _ in range(20):
        masks = np.stack(env.env_method("action_masks"))
        assert masks.any(axis=1).all()
        before = masks.sum(axis=1)
        _, rewards, dones, _ = env.step(np.array([rng.choice(np.flatnonzero(mask)) for mask in masks]))
        ended += dones.sum()
        after = np.stack(env.env_method("action_masks")).sum(axis=1)
        assert (after == np.where(dones, 9, before - 2)).all()
        # Three in a row need three marks of the opponent, and so as many of the agent.
        assert (before[rewards == -1] <= 5).all()
    assert ended > 2 * LANES


def test_pictures():
    env = StableBaselines3VecEnv("CartPole-v1", LANES, render_mode="rgb_array", seed=0)
    single = GymnasiumEnv("CartPole-v1", render_mode="rgb_array")
    env.reset()
    single.reset(seed=1)
    images = env.get_images()
    assert len(images) == LANES and images[0].flags.writeable
    assert np.abs(images[1].astype(int) - single.render()).mean() < 0.5
    height, width, _ = images[0].shape
    assert env.render().shape == (2 * height, 2 * width, 3)  # four tiles, one of them black
    np.testing.assert_array_equal(env.env_method("render", indices=1)[0], images[1])


def test_other_attributes_are_stored_for_each_environment():
    env = StableBaselines3VecEnv("CartPole-v1", LANES)
    assert not env.has_attr("wind")
    env.set_attr("wind", wind := np.arange(3))
    env.set_attr("_level", 2, indices=[0, 2])
    assert all(value is wind for value in env.get_attr("wind")) and env.has_attr("wind")
    assert env.get_attr("_level", [2]) == [2] and env.env_method("get_wrapper_attr", "_level", indices=0) == [2]
    with pytest.raises(AttributeError, match="Environment 1 has no attribute `_level`"):
        env.get_attr("_level")
    env.set_attr("gravity", np.array(1.5))
    assert env.get_attr("gravity") == [1.5] * LANES and not env.has_attr("gravty")


def test_what_gymnasiums_wrappers_know_is_answered():
    ours, theirs = StableBaselines3VecEnv("CartPole-v1", LANES), dummy("CartPole-v1", 500)
    for env in (ours, theirs):
        env.seed(3)
        env.reset()
        env.step(np.zeros(LANES, int))
        for name in ("_max_episode_steps", "_elapsed_steps"):
            assert env.get_attr(name) == [{"_max_episode_steps": 500, "_elapsed_steps": 1}[name]] * LANES
        assert [type(generator) for generator in env.get_attr("np_random")] == [np.random.Generator] * LANES
        assert env.get_attr("np_random")[0] is env.get_attr("np_random", 0)[0]
    first, again = (env.get_attr("np_random", 1)[0].random() for env in (ours, ours))
    ours.seed(3), ours.reset()
    assert first != again  # the generator goes on, as in Gymnasium


def test_one_environment_is_reset():
    ours, theirs = StableBaselines3VecEnv("CartPole-v1", LANES), dummy("CartPole-v1", 500)
    for env in (ours, theirs):
        env.seed(3)
        env.reset()
        env.step(np.zeros(LANES, int))
        ((observation, info),) = env.env_method("reset", seed=11, options={"low": 0.0, "high": 0.01}, indices=1)
        assert observation.shape == (4,) and (observation >= 0).all() and info == {}
    mine, other = (env.step(np.zeros(LANES, int)) for env in (ours, theirs))
    assert_same(mine[:3], other[:3])
    while not (mine := ours.step(np.zeros(LANES, int)))[2][1]:
        other = theirs.step(np.zeros(LANES, int))
    other = theirs.step(np.zeros(LANES, int))
    assert_same(comparable(mine[3][1:2]), comparable(other[3][1:2]))  # the return of the episode since its own reset
