"""Fields of the classic control environments: batches, gradients, and invalid values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.acrobot import Acrobot
from jaxenvs.envs.classic_control.cart_pole import CartPole, CartPoleState
from jaxenvs.envs.classic_control.mountain_car import MountainCar
from jaxenvs.envs.classic_control.mountain_car_continuous import MountainCarContinuous
from jaxenvs.envs.classic_control.pendulum import Pendulum
from jaxenvs.errors import InvalidField

ENVS = [CartPole(), MountainCar(), MountainCarContinuous(), Pendulum(), Acrobot()]


def name(env):
    return type(env).__name__


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: CartPole(start_low=0.1, start_high=-0.1),
            r"CartPole: start_low \(0.1\) must not be above start_high \(-0.1\)",
        ),
        (lambda: MountainCar(start_low=0.1), "MountainCar: start_low"),
        (lambda: MountainCarContinuous(start_high=-1), "MountainCarContinuous: start_low"),
        (lambda: Acrobot(start_high=-0.2), "Acrobot: start_low"),
        (lambda: Pendulum(max_start_theta=-1.0), "`max_start_theta` must be at least 0, got -1.0"),
        (lambda: CartPole(kinematics_integrator="rk4"), "must be one of 'euler', 'semi-implicit euler', got 'rk4'"),  # type: ignore
        (lambda: Acrobot(book_or_nips="NIPS"), "must be one of 'book', 'nips', got 'NIPS'"),  # type: ignore
        (lambda: Acrobot(torque_noise=True, torque_noise_max=-1.0), "must be at least 0"),
        (lambda: Acrobot(torque_noise_max=0.3), r"Write `Acrobot\(torque_noise=True"),
        (lambda: CartPole(gravity=float("nan")), "field `gravity` is NaN"),
        (lambda: jaxenvs.make("Pendulum-v1", gravitation=9.81), "Did you mean: `gravity`"),
    ],
)
def test_fields_that_make_no_sense_are_refused_and_the_message_says_why(build, message):
    with pytest.raises(InvalidField, match=message):
        build()
    with pytest.raises(ValueError, match=message):
        build()


@jax.jit
def rollout(env, state, actions):
    return jax.lax.scan(env.step, state, actions)


def test_a_batch_of_gravities_steps_as_each_alone():
    gravities = jnp.array([1.6, 3.7, 9.8, 24.8], jnp.float32)
    envs = jax.vmap(lambda gravity: CartPole(gravity=gravity))(gravities)
    keys = jax.random.split(jaxenvs.random.key(0), 4)
    actions = jax.random.bernoulli(jaxenvs.random.key(1), shape=(4, 50)).astype(jnp.int32)
    states, _ = jax.vmap(lambda env, key: env.reset(key))(envs, keys)
    last, timesteps = jax.vmap(rollout)(envs, states, actions)
    assert len(np.unique(np.asarray(last.theta))) == 4
    for i in range(4):
        env = CartPole(gravity=gravities[i])
        alone, timestep = rollout(env, env.reset(keys[i])[0], actions[i])
        # The compiler fuses the batched and the single program differently: a few roundings a step.
        np.testing.assert_allclose(np.asarray(last.theta)[i], alone.theta, rtol=1e-4)
        np.testing.assert_allclose(np.asarray(timesteps.observation)[i], timestep.observation, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(np.asarray(timesteps.terminated)[i], timestep.terminated)


FIELDS = [
    (CartPole(), "gravity"),
    (CartPole(), "pole_mass"),
    (MountainCar(), "force"),
    (MountainCarContinuous(), "power"),
    (Pendulum(), "length"),
    (Acrobot(), "link_mass_2"),
    (Acrobot(), "gravity"),
]


@pytest.mark.parametrize(("env", "field"), FIELDS, ids=[f"{name(env)}.{field}" for env, field in FIELDS])
def test_a_gradient_reaches_a_parameter(env, field):
    state, _ = env.reset(jaxenvs.random.key(4))
    with jax.enable_x64():
        start = jax.tree.map(lambda leaf: leaf if leaf.dtype == bool else leaf.astype(jnp.float64), state)
        if isinstance(env, MountainCarContinuous | Pendulum):
            actions = jnp.full((10, 1), 0.5, jnp.float32)
        else:
            actions = jnp.array([0, 1, 1, 0, 1, 1, 0, 1, 1, 1], jnp.int32) * env.action_space.n // 2

        @jax.jit
        def final(value):
            last, _ = jax.lax.scan(env.replace(**{field: value}).step, start, actions)
            return jax.tree.leaves(last)[0]

        value = jnp.asarray(getattr(env, field), jnp.float64)
        gradient = jax.grad(final)(value)
        h = 1e-6 * value
        difference = (final(value + h) - final(value - h)) / (2 * h)
        assert np.isfinite(gradient) and gradient != 0
        # Central differences of step 1e-6 in float64: their own error is about 1e-9, relatively.
        np.testing.assert_allclose(gradient, difference, rtol=1e-6)


def test_a_fallen_cart_pole_is_drawn_in_another_colour():
    zero = jnp.zeros((), jnp.float32)
    upright = CartPoleState(zero, zero, zero, zero, jnp.zeros((), bool))
    render = jax.jit(CartPole().render)
    assert (np.asarray(render(upright)) != np.asarray(render(upright.replace(fallen=jnp.ones((), bool))))).any()


@pytest.mark.parametrize("env", ENVS, ids=name)
def test_pictures_show_the_state_and_are_the_same_in_a_batch(env):
    states, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 3))
    if isinstance(env, MountainCar | MountainCarContinuous):
        states = states.replace(position=jnp.array([-1.0, -0.5, 0.5], jnp.float32))
    frames = np.asarray(jax.jit(jax.vmap(env.render))(states))
    assert frames.dtype == np.uint8
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
    one = jax.tree.map(lambda leaf: leaf[1], states)
    np.testing.assert_array_equal(jax.jit(env.render)(one), frames[1])
    with jax.disable_jit():
        np.testing.assert_array_equal(env.render(one), frames[1])
