"""BraxEnv: brax's interface, its wrappers, and its PPO on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.errors import InvalidAction, InvalidField, InvalidSpace, NameNotFound, WrapperOrderError
from jaxenvs.wrappers import StickyAction, TransformAction

training = pytest.importorskip("brax.envs.wrappers.training", reason="brax is not installed")
pytestmark = pytest.mark.neighbours


def _wrapped(wrap, env, steps, lanes=3, **settings):
    """Observations, `done`, `truncation` and `steps` of some steps with action 0 in a batch."""
    env = wrap(env, **settings)
    action = jnp.zeros((lanes, env.action_size))

    def body(state, _):
        state = env.step(state, action)
        return state, (state.obs, state.done, state.info["truncation"], state.info["steps"])

    first = jax.jit(env.reset)(jax.random.split(jax.random.PRNGKey(0), lanes))
    return first.obs, jax.jit(lambda state: jax.lax.scan(body, state, None, steps)[1])(first)


def test_steps_are_the_environments_with_actions_mapped_to_its_bounds():
    env, ours = adapters.BraxEnv("Pendulum-v1"), jaxenvs.make("Pendulum-v1", max_episode_steps=-1)
    assert (env.observation_size, env.action_size, env.backend, env.episode_length) == (3, 1, "jaxenvs", 200)
    state = env.reset(jax.random.PRNGKey(0))
    inner, opening = ours.reset(jax.random.split(jax.random.key(0))[1])
    np.testing.assert_array_equal(state.obs, opening.observation)
    step = jax.jit(env.step)
    for action, torque in ((0.25, 0.5), (-1.0, -2.0), (7.0, 2.0)):
        state = step(state, jnp.asarray([action]))
        inner, timestep = ours.step(inner, jnp.asarray([torque]))
        np.testing.assert_allclose(state.obs, timestep.observation, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state.reward, timestep.reward, rtol=1e-5, atol=1e-6)
    assert state.done.dtype == state.reward.dtype == state.obs.dtype == jnp.float32


def test_reset_and_step_return_one_structure():
    env = adapters.BraxEnv("Pendulum-v1")
    shape = jax.eval_shape(env.reset, jax.random.PRNGKey(0))
    assert jax.eval_shape(env.step, shape, jnp.zeros(1)) == shape


def test_chance_moves_on_where_a_start_is_replayed():
    env = adapters.BraxEnv(StickyAction(jaxenvs.make("Pendulum-v1"), 0.5))
    state = env.reset(jax.random.PRNGKey(0))
    later = env.step(state, jnp.ones(1))
    assert not np.array_equal(*(jax.random.key_data(s.info["rng"]) for s in (state, later)))
    start = state.pipeline_state
    twice = [jax.jit(env.step)(s.replace(pipeline_state=start), jnp.ones(1)).pipeline_state for s in (state, later)]
    assert not np.array_equal(*(jax.random.key_data(s.key) for s in twice))


def test_a_limit_beneath_other_wrappers_is_a_time_out():
    limited = jaxenvs.make("Pendulum-v1", max_episode_steps=2)
    env = adapters.BraxEnv(StickyAction(limited, 0.0))
    state = env.reset(jax.random.PRNGKey(0))
    seen = []
    for _ in range(2):
        state = env.step(state, jnp.zeros(1))
        seen.append((float(state.done), float(state.info["time_out"])))
    assert seen == [(0.0, 0.0), (1.0, 1.0)] and env.episode_length is None


@pytest.mark.usefixtures("default_numerics")
def test_braxs_own_wrapper_replays_starts_and_ours_draws_new_ones():
    env = adapters.BraxEnv("Pendulum-v1")
    first, (replayed, done, truncation, steps) = _wrapped(training.wrap, env, 9, episode_length=4)
    np.testing.assert_array_equal(replayed[3], first)
    opening, (fresh, *ends) = _wrapped(adapters.wrap_with_fresh_starts, env, 9, episode_length=4)
    for name, one, other in zip(("done", "truncation", "steps"), (done, truncation, steps), ends):
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert list(np.asarray(steps[:, 0])) == [1, 2, 3, 4, 1, 2, 3, 4, 1] and float(truncation[3].min()) == 1
    starts = np.concatenate([opening, fresh[3], fresh[7]])
    assert len(np.unique(starts[:, 2])) == 9


@pytest.mark.usefixtures("default_numerics")
@pytest.mark.parametrize("wrap", [training.wrap, adapters.wrap_with_fresh_starts])
def test_domain_randomisation_varies_the_environments_fields(wrap):
    env = adapters.BraxEnv("Pendulum-v1")

    def randomize(system, rng):
        gravities = jax.vmap(lambda key: jax.random.uniform(key, (), jnp.float32, 1.0, 20.0))(rng)
        batch = system.replace(gravity=gravities)
        return batch, jax.tree.map(lambda _: None, system).replace(gravity=0)

    keys = jax.random.split(jax.random.PRNGKey(1), 3)
    wrapped = wrap(env, episode_length=5, randomization_fn=lambda system: randomize(system, keys))
    state = wrapped.reset(jnp.stack([jax.random.PRNGKey(0)] * 3))
    assert len(np.unique(np.asarray(state.obs)[:, 2])) == 1
    assert len(np.unique(np.asarray(wrapped.step(state, jnp.zeros((3, 1))).obs)[:, 2])) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("default_numerics")
@pytest.mark.filterwarnings("default")
def test_braxs_ppo_trains_on_it(monkeypatch):
    # brax 0.14.2 calls this function, which JAX 0.10 no longer has, to copy its parameters to each device.
    def device_put_replicated(tree, devices):
        return jax.tree.map(lambda leaf: jnp.stack([leaf] * len(devices)), tree)

    monkeypatch.setattr(jax, "device_put_replicated", device_put_replicated, raising=False)
    ppo = pytest.importorskip("brax.training.agents.ppo.train", reason="brax is not installed")
    env = adapters.BraxEnv("Pendulum-v1")
    rewards = []
    _, params, _ = ppo.train(
        environment=env,
        wrap_env_fn=adapters.wrap_with_fresh_starts,
        num_timesteps=100_000,
        episode_length=env.episode_length,
        num_envs=32,
        num_eval_envs=32,
        num_evals=2,
        unroll_length=10,
        batch_size=32,
        num_minibatches=8,
        num_updates_per_batch=8,
        learning_rate=1e-3,
        discounting=0.95,
        reward_scaling=0.1,
        entropy_cost=1e-3,
        normalize_observations=True,
        progress_fn=lambda _, metrics: rewards.append(float(metrics["eval/episode_reward"])),
    )
    assert all(np.isfinite(leaf).all() for leaf in map(np.asarray, jax.tree.leaves(params)))
    assert len(rewards) == 2 and rewards[1] > rewards[0] + 100, rewards


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adapters.BraxEnv("CartPole-v1"), InvalidSpace, r"act in \[-1, 1\]"),
        (lambda: adapters.BraxEnv(_unbounded()), InvalidSpace, "is unbounded"),
        (lambda: adapters.BraxEnv("Pendulu-v1"), NameNotFound, "Did you mean: `Pendulum`"),
        (lambda: adapters.BraxEnv(None), InvalidField, "takes an id or a jaxenvs.Env"),
        (
            lambda: adapters.BraxEnv(jaxenvs.AutoReset(jaxenvs.make("Pendulum-v1"))),
            WrapperOrderError,
            "without AutoReset",
        ),
        (lambda: _stepped(jnp.zeros((4, 1))), InvalidAction, r"shape \(1,\), got \(4, 1\)"),
    ],
    ids=["discrete", "unbounded", "id", "none", "AutoReset", "batch of actions"],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _unbounded():
    space = jaxenvs.spaces.Box(-np.inf, np.inf, (1,))
    return TransformAction(jaxenvs.make("Pendulum-v1"), jnp.tanh, space=space)


def _stepped(action):
    env = adapters.BraxEnv("Pendulum-v1")
    return env.step(env.reset(jax.random.PRNGKey(0)), action)


def test_a_field_set_as_an_attribute_is_refused_since_it_would_have_no_effect():
    env = adapters.BraxEnv("Pendulum-v1")
    with pytest.raises(AttributeError, match="`gravity` is a field of Pendulum"):
        env.gravity = 500.0
