"""Fields of bsuite's tasks: content that is given rather than drawn, batches of it, and invalid values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.bsuite.bandit import Bandit
from jaxenvs.envs.bsuite.cart_pole import CartPole
from jaxenvs.envs.bsuite.catch import Catch
from jaxenvs.envs.bsuite.deep_sea import DeepSea
from jaxenvs.envs.bsuite.discounting_chain import DiscountingChain
from jaxenvs.envs.bsuite.memory_chain import MemoryChain
from jaxenvs.envs.bsuite.mnist_bandit import MnistBandit
from jaxenvs.envs.bsuite.mountain_car import MountainCar
from jaxenvs.envs.bsuite.umbrella_chain import UmbrellaChain
from jaxenvs.errors import InvalidField

KEY = jaxenvs.random.key(0)
IMAGES = np.zeros((3, 2, 2), np.uint8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bandit(num_actions=1), "Bandit: `num_actions` must be an integer from 2 to 10000, got 1"),
        (lambda: Bandit(mapping_seed=-1), "Bandit: `mapping_seed` must be an integer from 0"),
        (lambda: Bandit(rewards=np.ones(3)), r"`rewards` must have the shape \(11,\), got \(3,\)"),
        (lambda: Catch(rows=1), "Catch: `rows` must be"),
        (lambda: CartPole(max_time=0), "CartPole: `max_time` must be above 0, got 0"),
        (lambda: DeepSea(size=2.0), "DeepSea: `size` must be an integer"),
        (lambda: DeepSea(size=3, action_mapping=[[0, 1]]), r"shape \(3, 3\), got \(1, 2\)"),
        (lambda: DiscountingChain(rewards=1.0), r"`rewards` must have the shape \(5,\), got \(\)"),
        (lambda: MemoryChain(memory_length=0), "`memory_length` must be"),
        (lambda: MemoryChain(num_bits=True), "`num_bits` must be"),
        (lambda: MountainCar(max_steps=0), "`max_steps` must be at least 1"),
        (lambda: UmbrellaChain(n_distractor=-1), "`n_distractor` must be an integer from 0"),
        (lambda: MnistBandit(IMAGES.astype(np.float32), IMAGES[:, 0, 0]), "`images` must be uint8 .* got float32"),
        (lambda: MnistBandit(IMAGES, IMAGES[:2, 0, 0]), r"`labels` must be uint8 of shape \(3,\), one for each image"),
    ],
)
def test_fields_that_make_no_sense_are_refused_and_the_message_says_why(build, message):
    with pytest.raises(InvalidField, match=message):
        build()


def test_a_batch_of_given_rewards_is_a_batch_of_bandits():
    rewards = np.eye(11, dtype=np.float32)[:4]
    bandits = jax.vmap(lambda rewards: Bandit(rewards=rewards))(rewards)

    @jax.jit
    def pull(bandit, arm):
        return bandit.step(bandit.reset(KEY)[0], arm)[1].reward

    paid = jax.vmap(jax.vmap(pull, in_axes=(None, 0)), in_axes=(0, None))(bandits, jnp.arange(11, dtype=jnp.int32))
    np.testing.assert_array_equal(paid, rewards)


def test_a_given_mapping_decides_which_action_leads_to_the_right():
    zero = jnp.zeros((), jnp.int32)

    @jax.jit
    def columns(mapping):
        sea = DeepSea(size=3, action_mapping=mapping)
        return jax.lax.scan(lambda s, a: (lambda out: (out[0], out[0].column))(sea.step(s, a)), sea.reset(KEY)[0], a)[1]

    a = jnp.stack([zero] * 3)
    assert columns(jnp.zeros((3, 3), jnp.int32)).tolist() == [1, 2, 2]
    assert columns(jnp.ones((3, 3), jnp.int32)).tolist() == [0, 0, 0]
    assert DeepSea(size=3, randomize_actions=False).action_right.tolist() == [[1] * 3] * 3


@pytest.mark.parametrize(
    ("env", "changes"),
    [
        (Bandit(), {"action": 3}),
        (Catch(), {"ball_row": 4}),
        (DeepSea(), {"row": 4, "column": 2}),
        (DiscountingChain(), {"chain": 2, "elapsed": 30}),
        (MemoryChain(), {"elapsed": 10}),
        (MnistBandit(IMAGES, IMAGES[:, 0, 0]), {"guess": 0}),
        (UmbrellaChain(), {"elapsed": 7}),
        (CartPole(), {"elapsed": 400}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pictures_show_the_state(env, changes):
    state, _ = env.reset(KEY)
    render = jax.jit(env.render)
    changed = state.replace(**{name: jnp.asarray(value, jnp.int32) for name, value in changes.items()})
    frame, other = np.asarray(render(state)), np.asarray(render(changed))
    assert frame.shape == other.shape and (frame != other).any(-1).sum() > 50
