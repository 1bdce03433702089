"""Pictures beside other things: what networks read of them, and that learners learn from both."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Dict, Discrete, Tuple
from jaxenvs.training import DQN, PPO, SAC
from jaxenvs.training.features import blank_features, is_byte_picture, normalized, to_features
from jaxenvs.training.networks import MLP
from jaxenvs.wrappers import RunningStatistics, TransformObservation
from tests.training.toy_envs import SignedSides

KEY = jaxenvs.random.key(0)
ENV = jaxenvs.TimeLimit(SignedSides(), max_episode_steps=8)
CONTINUOUS = jaxenvs.TimeLimit(SignedSides(is_continuous=True), max_episode_steps=8)
MIXED = Dict(
    {
        "camera": Box(0, 255, (40, 50, 3), np.uint8),
        "colour": Discrete(3),
        "stack": Tuple((Box(0, 255, (4, 20, 30), np.uint8), Box(-1, 1, (2,)))),
        "board": Box(False, True, (6, 7, 2), bool),
        "cell": Box(False, True, (2, 2, 2), bool),
    }
)


def test_each_picture_of_a_nested_observation_is_a_picture_and_the_rest_one_vector():
    observation = MIXED.sample(KEY)
    vector, *pictures = to_features(MIXED, observation)
    np.testing.assert_array_equal(pictures[0], observation["board"])
    np.testing.assert_array_equal(pictures[1], observation["camera"])
    np.testing.assert_array_equal(pictures[2], np.moveaxis(observation["stack"][0], 0, 2))
    assert [x.dtype for x in pictures] == [bool, np.uint8, np.uint8] and len(pictures) == 3
    cell, colour, numbers = vector[:8], vector[8:11], vector[11:]  # a board of 2 by 2 is too small for a window
    np.testing.assert_array_equal(cell, observation["cell"].reshape(-1))
    assert colour[observation["colour"]] == 1 and colour.sum() == 1
    np.testing.assert_array_equal(numbers, observation["stack"][1])


def test_learners_with_a_replay_buffer_read_only_bytes_as_pictures():
    vector, *pictures = blank_features(MIXED, is_byte_picture)
    assert vector.shape == (6 * 7 * 2 + 8 + 3 + 2,) and [x.shape for x in pictures] == [(40, 50, 3), (20, 30, 4)]
    assert blank_features(Box(False, True, (6, 7, 2), bool), is_byte_picture).shape == (84,)


def test_nested_observations_without_pictures_stay_one_vector():
    space = Dict({"place": Box(-1, 1, (2, 3)), "colour": Discrete(3)})
    assert blank_features(space).shape == (9,)


def test_each_picture_has_convolutions_of_its_own():
    network = MLP((5,), 2, "relu")
    weights = jax.eval_shape(network.init, jax.random.key(0), blank_features(MIXED))["params"]
    assert {name for name in weights if name.startswith("Conv")} == {f"Conv_{i}" for i in range(5)}
    board, camera, stack = 4 * 5 * 16, 1 * 2 * 64, 18 * 28 * 16
    assert weights["Dense_0"]["kernel"].shape == (13 + board + camera + stack, 5)


@pytest.mark.parametrize(
    ("learner", "env", "best"),
    [
        pytest.param(
            PPO(total_steps=16_384, num_envs=16, num_steps=32, learning_rate=3e-3, gamma=0.5, hidden_sizes=(32,)),
            ENV,
            7.5,
            id="PPO",
        ),
        pytest.param(
            DQN(total_steps=6_144, num_envs=16, num_steps=32, buffer_size=2_048, gamma=0.0, batch_size=64),
            ENV,
            7.5,
            id="DQN",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            SAC(
                total_steps=6_144,
                num_envs=16,
                num_steps=32,
                learning_starts=512,
                learning_rate=3e-3,
                temperature=0.02,
                learn_temperature=False,
                gamma=0.0,
                gradient_steps=4,
                batch_size=64,
                hidden_sizes=(64,),
            ),
            CONTINUOUS,
            -3.0,
            id="SAC",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_learners_learn_from_a_picture_and_what_is_beside_it(learner, env, best):
    """By the picture alone, or by the sign alone, the returns of chance are all that there is: 4 of 8, and -8."""
    state, _ = jax.jit(learner.train)(env, KEY)
    policy = learner.policy(env, state.agent)
    assert float(jaxenvs.evaluate(env, policy, KEY, num_episodes=32).mean_return) > best


def test_pictures_are_kept_as_bytes():
    ppo = PPO(num_envs=2, num_steps=4, num_minibatches=1)
    played = jax.eval_shape(lambda: ppo._play(ENV, ppo.init(ENV, KEY), None))[1]
    dqn = DQN(total_steps=8, num_envs=2, num_steps=2, learning_starts=4, buffer_size=8)
    kept = jax.eval_shape(dqn.init, ENV, KEY).buffer.replay.items
    for features in (played.features, played.next_features, kept.features, kept.next_features):
        assert [x.dtype for x in features] == [np.float32, np.uint8]


def test_normalising_leaves_pictures_as_they_are():
    learner = PPO(num_envs=2, num_steps=4, num_minibatches=1, total_steps=8, normalize_observations=True)
    state, _ = jax.eval_shape(learner.train, ENV, KEY)
    assert state.agent.statistics.mean.shape == (4,)
    picture = jnp.full((12, 10, 1), 200, jnp.uint8)
    statistics = RunningStatistics.of_shape((2,)).update_batch(jnp.asarray([[1.0, 0.0], [3.0, 0.0]], jnp.float32))
    vector, kept = normalized(statistics, (jnp.asarray([3.0, 0.0], jnp.float32), picture))
    np.testing.assert_allclose(vector, [1, 0], atol=1e-3)
    np.testing.assert_array_equal(kept, picture)


@pytest.mark.parametrize("learner", [PPO(), DQN()])
@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Box(0, 255, (2, 12), np.uint8), "too small for convolutions.*give them another dtype"),
        (Box(0, 255, (2, 4, 12, 12, 3), np.uint8), "but these observations contain Box"),
    ],
)
def test_what_is_no_clear_picture_is_refused(learner, part, message):
    space = Dict({"picture": part, "speed": Box(-1, 1, ())})
    blank = lambda _: {"picture": jnp.zeros(part.shape, part.dtype), "speed": jnp.zeros((), jnp.float32)}  # noqa: E731
    with pytest.raises(InvalidField, match=message):
        learner.train(TransformObservation(ENV, blank, space), KEY)


def test_sac_reads_a_single_picture_and_refuses_to_normalise_it():
    picture = TransformObservation(CONTINUOUS, lambda x: x["seen"][0], Box(0, 255, (12, 10), np.uint8))
    with pytest.raises(InvalidField, match="SAC: leave `normalize_observations` off for pictures"):
        SAC(normalize_observations=True).train(picture, KEY)
    learner = SAC(total_steps=32, num_envs=2, num_steps=4, learning_starts=8, buffer_size=32, batch_size=4)
    state, _ = jax.eval_shape(learner.train, picture, KEY)
    assert state.agent.critics[0]["params"]["Dense_0"]["kernel"].shape[0] == 8 * 10 * 16 + 1  # rows, columns, features


def test_an_observation_of_another_form_than_its_space_is_named():
    space = Dict(a=Box(-1, 1, ()), b=Box(-1, 1, ()))
    with pytest.raises(InvalidField, match=r"An observation is PyTreeDef\(\(\*, \*\)\).*a dict for a `Dict`"):
        to_features(space, (jnp.zeros(()), jnp.zeros(())))
