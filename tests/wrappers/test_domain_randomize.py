"""DomainRandomize draws parameters for each episode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers import (
    AutoReset,
    DomainRandomize,
    TimeLimit,
)
from tests.wrappers.toy_envs import Counter, new_drift


@pytest.mark.parametrize("method", ["select", "chunked"])
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda env: TimeLimit(DomainRandomize(env, new_drift), 3), id="limit-around"),
        pytest.param(lambda env: DomainRandomize(TimeLimit(env, 3), new_drift), id="limit-inside"),
    ],
)
def test_domain_randomize_keeps_its_parameters_for_an_episode_and_draws_new_ones_for_the_next(wrap, method):
    env = AutoReset(wrap(Counter(longest=5)), method=method)
    state, first = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), 6))
    actions = jnp.ones((30, 6), jnp.int32)
    _, trajectory = jax.jit(lambda s: jax.lax.scan(jax.vmap(env.step), s, actions))(state)
    shown = np.concatenate([first.observation["position"][None], trajectory.observation["position"]])
    # Action 1 moves by the drift.
    drifts = np.asarray(trajectory.final_observation["position"])[..., 0] - shown[:-1, :, 0]
    done = np.asarray(trajectory.done)
    assert trajectory.truncated.any()
    per_episode = []
    for lane in range(6):
        for episode in np.split(drifts[:, lane], np.flatnonzero(done[:, lane]) + 1):
            # The difference of two positions up to 5 in size.
            np.testing.assert_allclose(episode, episode[:1].repeat(len(episode)), atol=2e-6)
            per_episode += list(episode[:1])
    per_episode = np.array(per_episode)
    assert ((per_episode > -1e-5) & (per_episode < 1)).all() and per_episode.std() > 0.2
    assert len(np.unique(per_episode.round(4))) > 0.9 * len(per_episode)


def test_domain_randomize_draws_arrays_of_no_weak_type_and_renders_the_drawn_environment():
    class Coloured(Counter):
        def render(self, state):
            return jnp.full((2, 2, 3), 200 * self.drift, jnp.float32).astype(jnp.uint8)

    env = DomainRandomize(TimeLimit(Coloured(), 9), lambda _, base: base.replace(drift=0.25, longest=3))
    state, _ = env.reset(jaxenvs.random.key(0))
    drift, longest = state.parameters
    assert (drift.dtype, longest.dtype) == (np.float32, np.int32)
    assert not drift.weak_type and not longest.weak_type
    assert env.render(state)[0, 0, 0] == 50
    assert jaxenvs.unwrap(env.drawn(state)).drift == 0.25


def test_domain_randomize_needs_no_trace_of_its_own_for_each_draw():
    env = DomainRandomize(Counter(), new_drift)
    reset = jax.jit(env.reset)
    drifts = {float(reset(jaxenvs.random.key(seed))[0].parameters[0]) for seed in range(5)}
    assert len(drifts) == 5 and reset._cache_size() == 1


def raise_means(key, env):
    return env if env.means is None else env.replace(means=env.means + 1)


def test_domain_randomize_goes_on_with_what_outlives_an_episode():
    """The bandit draws its means in the first episode; each later one begins in what `randomize` makes of them."""
    bandit = jaxenvs.make("rlenvs/MultiArmedBandit-v0", max_episode_steps=3)
    env = AutoReset(DomainRandomize(bandit, raise_means))

    def play(key):
        def body(state, action):
            state, _ = env.step(state, action)
            return state, jaxenvs.unwrap_state(env, state).means

        state, _ = env.reset(key)
        return jaxenvs.unwrap_state(env, state).means, jax.lax.scan(body, state, jnp.zeros((9,), jnp.int32))[1]

    first, means = jax.jit(jax.vmap(play))(jaxenvs.random.keys([0, 1]))
    expected = np.asarray(first)[:, None] + np.array([0, 0, 1, 1, 1, 2, 2, 2, 3], np.float32)[None, :, None]
    np.testing.assert_allclose(means, expected, rtol=1e-6)


def test_domain_randomize_says_that_the_key_comes_first():
    with pytest.raises(InvalidField, match="takes the key first"):
        DomainRandomize(jaxenvs.make("CartPole-v1"), lambda env, key: env.replace(gravity=jax.random.uniform(key)))
