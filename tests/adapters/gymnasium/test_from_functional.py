"""from_gymnasium_functional: Gymnasium's functional environments as ours: each transition equals its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.errors import InvalidAction, InvalidField, InvalidSpace, RenderingUnavailable
from jaxenvs.testing import CHECKS
from jaxenvs.testing.subject import Subject

pytestmark = pytest.mark.gymnasium

gymnasium = pytest.importorskip("gymnasium", reason='needs the extra "gymnasium"')
functional = pytest.importorskip("gymnasium.experimental.functional", reason='needs the extra "gymnasium"')
phys2d = pytest.importorskip("gymnasium.envs.phys2d", reason='needs the extra "gymnasium"')
blackjack = pytest.importorskip("gymnasium.envs.tabular.blackjack", reason='needs the extra "gymnasium"')
cliffwalking = pytest.importorskip("gymnasium.envs.tabular.cliffwalking", reason='needs the extra "gymnasium"')
jax_env = pytest.importorskip("gymnasium.envs.functional_jax_env", reason='needs the extra "gymnasium"')

MAKERS = {
    "CartPole": phys2d.CartPoleFunctional,
    "Pendulum": phys2d.PendulumFunctional,
    "Blackjack": blackjack.BlackjackFunctional,
    "CliffWalking": cliffwalking.CliffWalkingFunctional,
}


def _picture(state, params):
    """A picture for the check that needs one: the first number of the state as a grey level."""
    del params
    shade = (jnp.abs(jnp.asarray(jax.tree.leaves(state)[0], jnp.float32)).sum() * 40) % 200 + 50
    return jnp.zeros((8, 8, 3), jnp.uint8).at[:4].set(shade.astype(jnp.uint8))


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("CartPole", {}),
        pytest.param("Pendulum", {"reaches": set()}, marks=pytest.mark.slow),
        pytest.param("Blackjack", {}, marks=pytest.mark.slow),
        pytest.param("CliffWalking", {"random": False, "steps": 4000}, marks=pytest.mark.slow),
    ],
)
def test_it_conforms(name, claims):
    env = adapters.from_gymnasium_functional(MAKERS[name](), draw=_picture)
    subject = Subject(env, lanes=4, **claims)
    for check in CHECKS:
        check(subject)


@pytest.mark.parametrize("name", MAKERS)
def test_transitions_are_gymnasiums_own(name):
    """In the order, and with the keys, in which `FunctionalJaxEnv` calls the same functions."""
    theirs = jax_env.FunctionalJaxEnv(MAKERS[name]())
    env = adapters.from_gymnasium_functional(MAKERS[name]())
    key, start_key = jax.random.split(jax.random.key(0))
    state, timestep = env.reset(jax.random.key(0))
    step = jax.jit(env.step)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs.state = theirs.func_env.initial(start_key)
        opening = theirs.func_env.observation(theirs.state, start_key)
    np.testing.assert_allclose(timestep.observation, opening, rtol=1e-6)
    for action_key in jax.random.split(jax.random.key(1), 12):
        action = env.action_space.sample(action_key)
        key, step_key = jax.random.split(key)
        state, timestep = step(state, action)
        rules = theirs.func_env
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            after = rules.transition(theirs.state, action, step_key)
            expected = (
                rules.observation(after, step_key),
                rules.reward(theirs.state, action, after, step_key),
                rules.terminal(after, step_key),
            )
        theirs.state = after
        # One runs compiled and the other not, so floats may differ by a rounding.
        np.testing.assert_allclose(timestep.observation, expected[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(timestep.reward, float(expected[1]), rtol=1e-5, atol=1e-5)
        assert bool(timestep.terminated) == bool(expected[2])
        assert not bool(timestep.truncated)


def test_floats_among_the_params_are_leaves():
    env = adapters.from_gymnasium_functional(phys2d.PendulumFunctional())
    state, _ = env.reset(jax.random.key(0))
    state = state.replace(inner=jnp.asarray([0.5, 0.0], jnp.float32))

    def speed(gravity):
        rules = env.replace(params=env.params.replace(g=gravity))
        return rules.step(state, jnp.zeros(1))[1].observation[2]

    assert len(np.unique(np.asarray(jax.vmap(speed)(jnp.asarray([1.0, 5.0, 10.0]))))) == 3


def test_flags_among_the_params_decide_the_program():
    func_env = phys2d.CartPoleFunctional()
    env = adapters.from_gymnasium_functional(func_env, func_env.get_default_params(sutton_barto_reward=True))
    state, _ = env.reset(jax.random.key(0))
    assert float(jax.jit(env.step)(state, 1)[1].reward) == 0.0


def test_it_takes_our_wrappers():
    env = adapters.from_gymnasium_functional(phys2d.CartPoleFunctional())
    env = jaxenvs.AutoReset(jaxenvs.TimeLimit(env, max_episode_steps=3))
    state, _ = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 2))
    _, trajectory = jax.lax.scan(jax.vmap(env.step), state, jnp.ones((6, 2), jnp.int32))
    np.testing.assert_array_equal(trajectory.truncated[:, 0], [False, False, True] * 2)


class _Still(functional.FuncEnv):
    """An environment in which nothing moves."""

    observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def initial(self, rng, params=None):
        return jnp.zeros(1)

    def observation(self, state, rng, params=None):
        return jnp.zeros(1)

    def transition(self, state, action, rng, params=None):
        return state

    def reward(self, state, action, next_state, rng, params=None):
        return 0.0

    def terminal(self, state, rng, params=None):
        return False


class _Growing(_Still):
    """An environment whose state gets another axis in each step."""

    def transition(self, state, action, rng, params=None):
        return state[None]


class _Branching(_Still):
    """An environment that JAX cannot trace: it branches on a value."""

    def transition(self, state, action, rng, params=None):
        return state if action else -state


class _Unbounded(_Still):
    """An environment that declares its observations as sequences of any length."""

    observation_space = gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adapters.from_gymnasium_functional("phys2d/CartPole-v1"), InvalidField, "an instance of"),
        (
            lambda: adapters.from_gymnasium_functional(jax_env.FunctionalJaxEnv(phys2d.CartPoleFunctional())),
            InvalidField,
            "env.unwrapped.func_env",
        ),
        (lambda: adapters.from_gymnasium_functional(_Growing()), InvalidField, "changes with every step"),
        (lambda: adapters.from_gymnasium_functional(_Branching()), InvalidField, "JAX cannot trace _Branching"),
        (lambda: adapters.from_gymnasium_functional(_Unbounded()), InvalidSpace, "max_length"),
        (lambda: _cart_pole_step(jnp.zeros(3, int)), InvalidAction, r"shape \(\)"),
        (lambda: _cart_pole_picture(), RenderingUnavailable, "Pass a function"),
    ],
    ids=["id", "env", "growing", "branching", "sequence", "batch of actions", "no picture"],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _cart_pole_step(action):
    env = adapters.from_gymnasium_functional(phys2d.CartPoleFunctional())
    return env.step(env.reset(jax.random.key(0))[0], action)


def _cart_pole_picture():
    env = adapters.from_gymnasium_functional(phys2d.CartPoleFunctional())
    return env.render(env.reset(jax.random.key(0))[0])


def test_it_renders_only_if_a_drawing_function_is_given():
    env = adapters.from_gymnasium_functional(phys2d.CartPoleFunctional())
    check = next(check for check in CHECKS if check.name == "renders")
    assert not env.can_render and not jaxenvs.AutoReset(env).can_render
    check(env)
    assert adapters.from_gymnasium_functional(phys2d.CartPoleFunctional(), draw=_picture).can_render
