"""Names of other libraries: what the error says is in their place, and that it exists."""

import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.elsewhere import OF_PACKAGE, OF_WRAPPERS
from jaxenvs.errors import AttributeNotFound, InvalidField, NameNotFound

ENV = jaxenvs.make("CartPole-v1")


@pytest.fixture(scope="module")
def state():
    return ENV.reset(jaxenvs.random.key(0))[0]


def exists(name):
    """Whether a dotted name of jaxenvs can be imported."""
    thing = jaxenvs
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing is not None


@pytest.mark.parametrize(("module", "habits"), [(jaxenvs, OF_PACKAGE), (jaxenvs.wrappers, OF_WRAPPERS)])
def test_every_habit_is_no_name_of_ours_and_names_what_exists(module, habits):
    for name, advice in habits.items():
        if (module, name) != (jaxenvs, "envs"):  # once something has imported the package of environments
            with pytest.raises(AttributeError, match=re.escape(f"has no attribute {name!r}: {advice}.")):
                getattr(module, name)
        for mentioned in re.findall(r"`((?:jaxenvs)\.[\w.]+)", advice):
            assert exists(mentioned), f"{name}: {mentioned}"
        for mentioned in re.findall(r"`([A-Z]\w+)`", advice):
            assert hasattr(jaxenvs.wrappers, mentioned), f"{name}: {mentioned}"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jaxenvs.Box, r"'jaxenvs' has no attribute 'Box': it is `jaxenvs\.spaces\.Box`\.$"),
        (lambda: jaxenvs.ClipReward, r"it is `jaxenvs\.wrappers\.ClipReward`\.$"),
        (lambda: jaxenvs.InvalidAction, r"it is `jaxenvs\.errors\.InvalidAction`\.$"),
        (lambda: jaxenvs.space, r"has no attribute 'space'\. Did you mean: `spaces`\?$"),
        (lambda: jaxenvs.wrappers.Framestack, r"Did you mean: `FrameStack`\? It has: ActionWrapper, "),
        (lambda: jaxenvs.random.PRNGKey, r"has no attribute 'PRNGKey'\. Write `jaxenvs\.random\.key\(seed\)`\.$"),
        (lambda: jaxenvs.random.uniform, r"draw from them with `jax\.random\.uniform`\.$"),
        (lambda: jaxenvs.random.nowhere, r"has no attribute 'nowhere'\.$"),
        (lambda: ENV.params, r"^TimeLimit has no attribute `params`: parameters are fields of the environment: "),
        (lambda: ENV.observation_spec, r"`observation_spec`: it is `env\.observation_space`, a property\.$"),
        (lambda: ENV.step_env, r"`step_env`: it is `env\.step\(state, action\)`"),
    ],
)
def test_a_name_of_another_library_is_answered(call, message):
    with pytest.raises(AttributeError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "wanted"), [("obs", "observation"), ("reward", "reward"), ("done", "done"), ("metrics", "info")]
)
def test_a_state_that_is_asked_for_what_the_timestep_holds_says_so(state, name, wanted):
    for node in (state, state.inner):
        with pytest.raises(AttributeNotFound, match=rf"has no attribute `{name}`\. .*`timestep\.{wanted}`\.$"):
            getattr(node, name)


def test_a_state_that_is_taken_for_the_observation_says_so(state):
    with pytest.raises(AttributeNotFound, match=r"`shape`, since it is not an array\. .*: `timestep\.observation`\.$"):
        state.shape  # noqa: B018


def test_a_state_of_another_version_says_that_it_lacks_a_field(state):
    older = pickle.loads(pickle.dumps(state.inner))
    del older.__dict__["theta_dot"]
    with pytest.raises(AttributeNotFound, match=r"^This CartPoleState holds no value for its field `theta_dot`\. It "):
        jaxenvs.unwrap(ENV).step(older, 1)


def test_every_namespace_that_has_the_name_is_listed():
    with pytest.raises(NameNotFound, match=r"`ALE` and `MinAtar`: `ALE/Breakout` and `MinAtar/Breakout`\.$"):
        jaxenvs.make("Breakout")


def test_an_environment_among_settings_says_where_it_belongs():
    training = pytest.importorskip("jaxenvs.training", reason="learners need optax, of the extra train")
    for settings in ((ENV,), ("MlpPolicy", ENV)):
        with pytest.raises(InvalidField, match=r"^PPO: `\w+` was given an environment, .*\.train\(env, key\)`\.$"):
            training.PPO(*settings)


def test_numbers_of_any_library_share_one_trace_and_have_derivatives():
    traces = []

    @jax.jit
    def step(env, state):
        traces.append(env)
        return env.step(state, jnp.int32(0))

    base = jaxenvs.unwrap(ENV)
    start = base.reset(jaxenvs.random.key(0))[0]
    for gravity in (1.5, 2, np.float64(2.5), np.float32(3), np.int64(4)):
        step(base.replace(gravity=gravity), start)
    assert len(traces) == 1
    slope = jax.grad(lambda env: env.step(start, jnp.int32(1))[1].observation.sum())(base.replace(gravity=10))
    assert slope.gravity != 0


def test_axis_numbers_stay_integers():
    base = jaxenvs.unwrap(ENV)
    axes = jax.tree.map(lambda _: None, base).replace(gravity=0)
    assert type(axes.gravity) is int
    batch = base.replace(gravity=jnp.linspace(1.0, 2.0, 3))
    starts = jax.vmap(lambda env, key: env.reset(key)[0], in_axes=(axes, None))(batch, jaxenvs.random.key(0))
    assert starts.x.shape == (3,)
