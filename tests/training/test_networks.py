"""Networks: what they read, and that pictures can be learnt from."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Discrete
from jaxenvs.training import DQN, PPO
from jaxenvs.training.features import blank_features, is_picture, to_features
from jaxenvs.training.networks import MLP, _product_of_windows
from jaxenvs.wrappers import TransformObservation
from tests.training.toy_envs import Sides

KEY = jaxenvs.random.key(0)
SIDES = jaxenvs.TimeLimit(Sides(), max_episode_steps=8)


BOOLS = TransformObservation(SIDES, lambda picture: picture[:, :, None] > 0, Box(False, True, (12, 10, 1), bool))


def pictures(*shape):
    return Box(0, 255, shape, np.uint8)


@pytest.mark.parametrize(
    "shape, features, place",
    [
        ((20, 30), (20, 30, 1), lambda row, column, channel: (row, column)),
        ((4, 20, 30), (20, 30, 4), lambda row, column, channel: (channel, row, column)),
        ((20, 30, 3), (20, 30, 3), lambda row, column, channel: (row, column, channel)),
        ((4, 20, 30, 3), (20, 30, 12), lambda row, column, channel: (channel // 3, row, column, channel % 3)),
    ],
)
def test_pictures_become_rows_columns_and_channels(shape, features, place):
    space = pictures(*shape)
    picture = space.sample(KEY)
    read = to_features(space, picture)
    assert is_picture(space)
    assert read.shape == features and read.dtype == jnp.uint8
    assert (blank_features(space).shape, blank_features(space).dtype) == (features, jnp.uint8)
    for row, column, channel in [(0, 0, 0), (19, 29, features[2] - 1), (7, 3, features[2] // 2)]:
        assert read[row, column, channel] == picture[place(row, column, channel)]


def test_all_else_becomes_a_vector():
    space = Box(-1, 1, (3, 4), np.float32)
    assert not is_picture(space) and blank_features(space).shape == (12,)
    assert not is_picture(Box(0, 255, (128,), np.uint8))
    assert not is_picture(Box(False, True, (4, 128), bool)), "a stack of vectors"


def test_pictures_of_numbers_from_0_to_1_count_as_those_of_bytes_do():
    space = Box(0, 1, (36, 40, 3), np.float32)
    assert is_picture(space) and blank_features(space).shape == (36, 40, 3)
    assert blank_features(Box(0, 1, (3, 36, 40), np.float32)).shape == (36, 40, 3)
    assert jax.eval_shape(blank_features, space).shape == (36, 40, 3), "where the bounds are traced as well"
    for other in (
        Box(0, 1, (35, 40, 3), np.float32),
        Box(0, 1, (36, 40, 5), np.float32),
        Box(0, 1, (36, 40), np.float32),
        jaxenvs.make("gymnax/Pong-v0").observation_space,
    ):
        assert not is_picture(other), other
    network, bytes_ = MLP((), 1, "relu"), pictures(36, 40, 3).sample(KEY)
    weights = network.init(jax.random.key(0), bytes_)
    numbers = bytes_.astype(jnp.float32) / 255
    np.testing.assert_allclose(network.apply(weights, numbers), network.apply(weights, bytes_), rtol=1e-5, atol=1e-6)


def test_pictures_of_bools_stay_bools():
    space = jaxenvs.make("MinAtar/Breakout-v1").observation_space
    assert is_picture(space) and blank_features(space).dtype == bool
    picture = space.sample(KEY)
    np.testing.assert_array_equal(to_features(space, picture), picture)
    learner = PPO(num_envs=2, num_steps=4, num_minibatches=1)
    played = jax.eval_shape(lambda: learner._play(BOOLS, learner.init(BOOLS, KEY), None))[1]
    assert (played.features.dtype, played.next_features.dtype) == (bool, bool)
    # They count as black and white do.
    network = MLP((), 1, "relu")
    weights = network.init(jax.random.key(0), picture)
    white = jnp.where(picture, 255, 0).astype(jnp.uint8)
    np.testing.assert_array_equal(network.value(weights, picture), network.value(weights, white))


def test_dqn_reads_pictures_of_bools_as_vectors():
    learner = DQN(total_steps=8, num_envs=2, num_steps=2, learning_starts=4, buffer_size=8)
    state, _ = jax.eval_shape(learner.train, BOOLS, KEY)
    features = state.buffer.replay.items.features
    assert (features.shape, features.dtype) == ((8, 120), jnp.float32)


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (4, 2), (8, 4)])
def test_products_of_windows_are_convolutions(size, stride):
    x = jax.random.normal(jax.random.key(0), (2, 23, 26, 5), jnp.float32)
    plain = nn.Conv(16, (size, size), stride, padding="VALID")
    weights = plain.init(jax.random.key(1), x)
    window = nn.Conv(16, (size, size), stride, padding="VALID", conv_general_dilated=_product_of_windows)
    np.testing.assert_allclose(window.apply(weights, x), plain.apply(weights, x), rtol=1e-5, atol=1e-5)


def test_convolutions_of_large_pictures_are_products_on_a_cpu_and_convolutions_elsewhere():
    network = MLP((), 1, "relu")
    picture = jnp.zeros((84, 84, 4), jnp.uint8)
    weights = jax.eval_shape(network.init, jax.random.key(0), picture)
    gradient = jax.jit(jax.grad(lambda weights, x: network.value(weights, x)[0]))

    def convolutions_on(platform):
        lowered = gradient.trace(weights, picture).lower(lowering_platforms=(platform,))
        return lowered.as_text().count("stablehlo.convolution")

    assert convolutions_on("cpu") == 0
    assert convolutions_on("cuda") >= 2 * 3


@pytest.mark.parametrize("rows, columns, count", [(84, 84, 7 * 7 * 64), (36, 50, 1 * 2 * 64), (10, 12, 8 * 10 * 16)])
def test_the_convolutions_are_those_of_the_papers(rows, columns, count):
    network = MLP((5,), 2, "relu")
    weights = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((rows, columns, 4), jnp.uint8))
    assert weights["params"]["Dense_0"]["kernel"].shape == (count, 5)


@pytest.mark.parametrize("channels, count", [((8, 16, 16), 7 * 7 * 16), ((8, 16), 9 * 9 * 16), ((4,), 20 * 20 * 4)])
def test_a_setting_makes_the_convolutions_smaller(channels, count):
    learner = PPO(channels=list(channels), hidden_sizes=(5,))
    for network in (learner._critic, learner._actor(Discrete(3))):
        weights = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((84, 84, 3), jnp.uint8))
        assert weights["params"]["Dense_0"]["kernel"].shape == (count, 5)


@pytest.mark.parametrize("channels", [(), (8, 16, 16, 16), (8, 0), 8, (8.5,)])
def test_impossible_convolutions_are_refused(channels):
    with pytest.raises(InvalidField, match="`channels` must be a tuple of one to three positive integers"):
        PPO(channels=channels)


def test_pictures_count_from_black_to_white():
    """A network of one convolution at its first weights: linear in the brightness, which it takes from 0 to 1."""
    network = MLP((), 1, "relu")
    white = jnp.full((10, 10, 1), 255, jnp.uint8)
    weights = network.init(jax.random.key(0), white)
    kernel = weights["params"]["Conv_0"]["kernel"]
    dense = weights["params"]["Dense_0"]["kernel"]
    expected = np.tile(np.maximum(np.asarray(kernel).sum((0, 1, 2)), 0), 64) @ np.asarray(dense)
    np.testing.assert_allclose(network.value(weights, white), expected, rtol=1e-4, atol=1e-5)
    assert float(network.value(weights, jnp.zeros_like(white))[0]) == 0


@pytest.mark.parametrize(
    "env", [pytest.param(SIDES, id="grey"), pytest.param(BOOLS, id="bools", marks=pytest.mark.slow)]
)
def test_ppo_learns_from_pictures(env):
    learner = PPO(total_steps=4_096, num_envs=8, num_steps=32, learning_rate=3e-3, gamma=0.5, hidden_sizes=(32,))
    state, metrics = jax.jit(learner.train)(env, KEY)
    assert float(metrics.mean_return[0]) < 6
    policy = learner.policy(env, state.agent)
    assert float(jaxenvs.evaluate(env, policy, KEY, num_episodes=32).mean_return) == 8


@pytest.mark.parametrize(
    "learner, shape, message",
    [
        (PPO(), (2, 12), "too small for convolutions"),
        (PPO(normalize_observations=True), (12, 12), "leave `normalize_observations` off for pictures"),
        (PPO(), (2, 4, 12, 12, 3), "pictures of 2 to 4 axes, alone or in dicts and tuples"),
        (DQN(), (2, 12), "too small for convolutions.*give them another dtype"),
    ],
)
def test_pictures_that_cannot_be_read_are_refused(learner, shape, message):
    env = TransformObservation(SIDES, lambda _: jnp.zeros(shape, jnp.uint8), pictures(*shape))
    with pytest.raises(InvalidField, match=message):
        learner.train(env, KEY)
