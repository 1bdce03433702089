"""AutoReset against a plain loop, under every way of mapping it with JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.pendulum import Pendulum
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.testing.trees import difference
from jaxenvs.wrappers import (
    AutoReset,
    DelayObservation,
    EpisodeStatistics,
    NormalizeObservation,
    NormalizeReward,
    PixelObservation,
    RepeatAction,
    StickyAction,
    TimeLimit,
)
from tests.wrappers.auto_reset_loops import (
    KEYS,
    LANES,
    LIMITED,
    METHODS,
    ONE_OF_EACH,
    STEPS,
    actions,
    assert_equal,
    expected,
    loop,
    play,
    reference,
)
from tests.wrappers.toy_envs import CostlyCounter, Counter


@pytest.mark.parametrize(
    ("method", "chunk_size", "kind"),
    [
        *((*param.values, "jaxenvs") for param in METHODS),
        ("select", None, "threefry"),
        ("chunked", 3, "threefry"),
        ("select", None, "raw"),
        ("chunked", 3, "raw"),
    ],
)
def test_a_batch_equals_a_loop_over_its_lanes(method, chunk_size, kind):
    env = AutoReset(LIMITED, method=method, chunk_size=chunk_size)
    got = jax.jit(play, static_argnums=0)(env, KEYS[kind](), actions(LANES))
    assert_equal(got, expected(kind))
    trajectory = got[2]
    assert trajectory.terminated.any() and trajectory.truncated.any()
    assert (trajectory.terminated & trajectory.truncated).any()


@pytest.mark.parametrize(("method", "chunk_size"), ONE_OF_EACH)
def test_one_lane_without_vmap_equals_the_loop(method, chunk_size):
    env = AutoReset(LIMITED, method=method, chunk_size=chunk_size)
    state, _ = env.reset(KEYS["jaxenvs"]()[0])
    state, trajectory = jax.lax.scan(env.step, state, actions(LANES)[:, 0])
    states, _, lanes = expected("jaxenvs")
    assert_equal(state, jax.tree.map(lambda x: x[0], states))
    assert_equal(trajectory, jax.tree.map(lambda x: x[:, 0], lanes))


@pytest.mark.parametrize(("method", "chunk_size"), [METHODS[0], METHODS[1], METHODS[4]])
def test_nested_vmap_equals_the_loop(method, chunk_size):
    env = AutoReset(LIMITED, method=method, chunk_size=chunk_size)
    keys = jnp.stack([KEYS["jaxenvs"](), jax.random.split(jaxenvs.random.key(8), LANES)])
    both = actions(2, LANES)
    got = jax.jit(jax.vmap(lambda k, a: play(env, k, a), in_axes=(0, 1)))(keys, both)
    for i in range(2):
        assert_equal(jax.tree.map(lambda x, i=i: x[i], got), reference(LIMITED, keys[i], both[:, i]))


@pytest.mark.parametrize(("method", "chunk_size"), ONE_OF_EACH)
def test_a_batch_of_parameters_equals_the_loop(method, chunk_size):
    drifts, longest = jnp.linspace(0.0, 1.0, LANES, dtype=jnp.float32), jnp.arange(1, LANES + 1, dtype=jnp.int32)

    def play_with(drift, longest, key, lane_actions):
        env = AutoReset(Counter(drift=drift, longest=longest), method=method, chunk_size=chunk_size)
        state, _ = env.reset(key)
        return jax.lax.scan(env.step, state, lane_actions)

    keys, taken = KEYS["jaxenvs"](), actions(LANES)
    state, trajectory = jax.jit(jax.vmap(play_with, in_axes=(0, 0, 0, 1)))(drifts, longest, keys, taken)
    for i in range(LANES):
        last, _, lane = loop(Counter(drift=drifts[i], longest=longest[i]), keys[i], taken[:, i])
        got = jax.tree.map(lambda x, i=i: x[i], (state, trajectory))
        assert_equal(got, (last, lane))


@pytest.mark.parametrize("method", ["select", "chunked"])
def test_an_environment_may_be_a_batched_argument_of_a_mapped_function(method):
    drifts = jnp.linspace(0.0, 1.0, LANES, dtype=jnp.float32)
    envs = jax.vmap(lambda drift: AutoReset(Counter(drift=drift), method=method))(drifts)
    assert jax.tree.leaves(envs)[0].shape == (LANES,)
    state, _ = jax.vmap(lambda env, key: env.reset(key))(envs, KEYS["jaxenvs"]())
    step = jax.jit(jax.vmap(lambda env, state, action: env.step(state, action)))
    for action in actions(LANES)[:6]:
        state, timestep = step(envs, state, action)
    assert timestep.reward.shape == (LANES,)
    assert step._cache_size() == 1


class Blind(Pendulum):
    """Pendulum as if its observation were no function of its state."""

    can_observe = False


@pytest.mark.parametrize("reset_info", [False, True])
@pytest.mark.parametrize(("method", "chunk_size"), [METHODS[0], METHODS[2], METHODS[4]])
def test_observing_the_state_gives_what_selecting_observations_gives(method, chunk_size, reset_info):
    def play(env):
        env = AutoReset(TimeLimit(env, max_episode_steps=3), method, chunk_size, reset_info)
        state, first = jax.vmap(env.reset)(KEYS["jaxenvs"]())
        steps = jnp.linspace(-2, 2, STEPS * LANES, dtype=jnp.float32).reshape(STEPS, LANES, 1)
        return first, jax.lax.scan(jax.vmap(env.step), state, steps)[1]

    observing, selecting = jax.jit(play)(Pendulum()), jax.jit(play)(Blind())
    assert observing[1].truncated.any()
    assert_equal(observing, selecting)


class Shifted(Pendulum):
    """Redefines `step`, so that the inherited `observe` no longer applies to it."""

    def step(self, state, action):
        state, timestep = super().step(state, action)
        seen = timestep.observation + 1
        return state, timestep.replace(observation=seen, final_observation=seen)


@pytest.mark.parametrize("env", [Shifted(), DelayObservation(Pendulum(), 2)], ids=["step redefined", "delayed"])
def test_observations_that_are_no_function_of_the_state_are_kept(env):
    assert Pendulum().can_observe and TimeLimit(Pendulum(), 3).can_observe
    assert not env.can_observe and not TimeLimit(env, 3).can_observe
    limited = TimeLimit(env, max_episode_steps=4)
    steps = jnp.linspace(-2, 2, STEPS * LANES, dtype=jnp.float32).reshape(STEPS, LANES, 1)
    _, _, trajectory = jax.jit(play, static_argnums=0)(AutoReset(limited), KEYS["jaxenvs"](), steps)
    _, _, expected = reference(limited, KEYS["jaxenvs"](), steps)
    np.testing.assert_allclose(trajectory.observation, expected.observation, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("method", "chunk_size"), ONE_OF_EACH)
def test_it_compiles_once_and_has_no_weak_types(method, chunk_size):
    env = AutoReset(LIMITED, method=method, chunk_size=chunk_size)
    step = jax.jit(jax.vmap(env.step))
    state, timestep = jax.vmap(env.reset)(KEYS["jaxenvs"]())
    for action in actions(LANES)[:5]:
        state, timestep = step(state, action)
    assert step._cache_size() == 1
    assert not any(leaf.weak_type for leaf in jax.tree.leaves((state.inner, timestep)))


@pytest.mark.parametrize(("method", "chunk_size"), [METHODS[0], METHODS[2], METHODS[4]])
def test_stepping_without_jit_compiles_nothing_after_the_first_episode(method, chunk_size):
    env = AutoReset(TimeLimit(Counter(), max_episode_steps=2), method=method, chunk_size=chunk_size)
    state, _ = env.reset(jaxenvs.random.key(0))
    states, _ = jax.vmap(env.reset)(KEYS["jaxenvs"]())
    one, each = jnp.int32(1), jnp.ones(LANES, jnp.int32)
    for _ in range(4):
        state, _ = env.step(state, one)
        states, _ = jax.vmap(env.step)(states, each)
    with jax.log_compiles(False), _count_compilations() as compilations:
        for _ in range(4):
            state, _ = env.step(state, one)
            states, _ = jax.vmap(env.step)(states, each)
    assert compilations == []


class _count_compilations:
    """Collects the durations of backend compilations within the `with` block."""

    def __enter__(self):
        self.events = []
        self.listener = lambda name, duration, **_: self.events.append(duration) if "backend_compile" in name else None
        jax.monitoring.register_event_duration_secs_listener(self.listener)
        return self.events

    def __exit__(self, *_):
        from jax._src import monitoring  # the public module cannot take a listener back

        monitoring.unregister_event_duration_listener(self.listener)


def test_starts_differ_between_episodes_and_lanes():
    env = AutoReset(TimeLimit(Counter(longest=1), max_episode_steps=1))
    state, first = jax.vmap(env.reset)(KEYS["jaxenvs"]())
    _, trajectory = jax.lax.scan(jax.vmap(env.step), state, jnp.zeros((STEPS, LANES), jnp.int32))
    starts = np.concatenate([first.observation["position"][None], trajectory.observation["position"]])
    assert trajectory.done.all()
    assert len(np.unique(starts.reshape(-1, 2), axis=0)) == (STEPS + 1) * LANES


def test_reward_flags_info_and_final_observation_belong_to_the_episode_that_ended():
    _, _, trajectory = expected("jaxenvs")
    done = np.asarray(trajectory.done)
    final, shown = trajectory.final_observation, trajectory.observation
    time = np.asarray(final["time"][0])
    assert (np.asarray(trajectory.info["time"]) == time).all()
    np.testing.assert_array_equal(trajectory.reward, final["position"][..., 0] + 10.0 * time)
    assert (np.asarray(shown["time"][0])[done] == 0).all() and (time[done] >= 1).all()
    np.testing.assert_array_equal(shown["position"][~done], final["position"][~done])
    assert (shown["position"][done] != final["position"][done]).all()


@pytest.mark.parametrize(("method", "chunk_size"), ONE_OF_EACH)
def test_with_reset_info_the_info_goes_with_the_observation(method, chunk_size):
    """Everything else is as without it."""
    plain = AutoReset(jaxenvs.make("Taxi-v4", max_episode_steps=4), method, chunk_size)
    env = plain.replace(reset_info=True)
    keys, steps = KEYS["jaxenvs"](), jnp.zeros((STEPS, LANES), jnp.int32)

    @jax.jit
    def play(env):
        state, _ = jax.vmap(env.reset)(keys)
        return jax.lax.scan(jax.vmap(env.step), state, steps)

    (_, expected), (_, timesteps) = play(plain), play(env)
    assert_equal(timesteps.replace(info={}), expected.replace(info={}))
    done = np.asarray(timesteps.done)
    assert done.any()
    begin = jax.jit(env.env.reset)
    for lane, key in enumerate(keys):
        for episode, t in enumerate(np.flatnonzero(done[:, lane]), 1):
            _, start = begin(jax.random.fold_in(key, episode))
            for name, value in start.info.items():
                np.testing.assert_array_equal(timesteps.info[name][t, lane], value)
    assert (np.asarray(timesteps.info["action_mask"]) != np.asarray(expected.info["action_mask"])).any()
    for name in timesteps.info:
        np.testing.assert_array_equal(timesteps.info[name][~done], expected.info[name][~done])


STACKS = {
    "repeated": lambda method: RepeatAction(AutoReset(TimeLimit(Pendulum(), 5), method), 2),
    "normalized": lambda method: NormalizeObservation(
        NormalizeReward(AutoReset(TimeLimit(StickyAction(Pendulum(), 0.3), 4), method))
    ),
}


@pytest.mark.parametrize("stack", ["repeated", pytest.param("normalized", marks=pytest.mark.slow)])
def test_methods_agree_on_whatever_is_no_float_and_on_floats_to_rounding(stack):
    """The methods are different programs, in which a compiler may round differently."""
    steps = jnp.linspace(-1, 1, STEPS * LANES, dtype=jnp.float32).reshape(STEPS, LANES, 1)
    first, *others = [
        jax.jit(play, static_argnums=0)(STACKS[stack](method), KEYS["jaxenvs"](), steps)
        for method in ("select", "cond", "chunked")
    ]
    for other in others:
        assert difference("outcome", other, first) is None
    assert np.asarray(first[2].done).any()


@pytest.mark.parametrize("method", ["select", pytest.param("auto", marks=pytest.mark.slow), "chunked"])
def test_both_modes_differentiate_every_method(method):
    def reward(drift, key, lane_actions):
        env = AutoReset(Counter(drift=drift), method=method)
        state, _ = env.reset(key)
        return jax.lax.scan(env.step, state, lane_actions)[1].reward.sum()

    each = jax.vmap(reward, in_axes=(None, 0, 1))
    keys, taken = KEYS["jaxenvs"](), actions(LANES)
    drift = jnp.float32(0.5)
    # The sum is linear in drift, so a difference quotient is exact except for rounding about a hundred terms.
    slopes = jax.jit(lambda: each(drift + 0.5, keys, taken) - each(drift - 0.5, keys, taken))()
    forms = {
        "reverse of all": jax.jit(jax.grad(lambda d: each(d, keys, taken).sum()))(drift),
        "reverse of each": jax.jit(jax.vmap(jax.grad(reward), in_axes=(None, 0, 1)))(drift, keys, taken),
        "forward of all": jax.jit(jax.jacfwd(lambda d: each(d, keys, taken)))(drift),
        "forward of each": jax.jit(jax.vmap(jax.jacfwd(reward), in_axes=(None, 0, 1)))(drift, keys, taken),
    }
    for name, form in forms.items():
        expected = slopes.sum() if name == "reverse of all" else slopes
        np.testing.assert_allclose(form, expected, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("env", "chunked"),
    [
        pytest.param(Counter(), False, id="cheap"),
        pytest.param(CostlyCounter(), True, id="costly"),
        pytest.param(TimeLimit(CostlyCounter(), max_episode_steps=3), True, id="costly-inside"),
        pytest.param(PixelObservation(Counter()), True, id="costly-wrapper"),
    ],
)
def test_the_default_method_follows_reset_is_costly(env, chunked):
    def has_loop(env):
        state, _ = jax.vmap(env.reset)(KEYS["jaxenvs"]())
        return "while[" in str(jax.make_jaxpr(jax.vmap(env.step))(state, jnp.zeros(LANES, jnp.int32)))

    assert has_loop(AutoReset(env)) == chunked
    assert not has_loop(AutoReset(env, method="select"))
    assert has_loop(AutoReset(env, method="chunked"))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: AutoReset(Counter(), method="serial"),
            InvalidField,
            "one of 'auto', 'select', 'cond', 'chunked', got",
        ),
        (lambda: AutoReset(Counter(), chunk_size=0), InvalidField, "at least 1, got 0"),
        (lambda: AutoReset(Counter(), chunk_size=True), InvalidField, "integer"),
        (lambda: AutoReset(AutoReset(Counter())), WrapperOrderError, "Drop one"),
        (lambda: TimeLimit(AutoReset(Counter()), max_episode_steps=3), WrapperOrderError, "Put it inside"),
        (lambda: AutoReset(EpisodeStatistics(Counter())), WrapperOrderError, "Put it around"),
        (lambda: AutoReset(TimeLimit(EpisodeStatistics(Counter()), max_episode_steps=3)), WrapperOrderError, "around"),
        (lambda: AutoReset("CartPole-v1"), InvalidField, "jaxenvs.make"),
        (lambda: AutoReset(Counter), InvalidField, "got the class Counter"),
    ],
)
def test_mistakes_are_refused_with_advice(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_normalizing_inside_is_refused():
    from jaxenvs.wrappers import FlattenObservation

    with pytest.raises(WrapperOrderError, match="statistics"):
        AutoReset(NormalizeObservation(FlattenObservation(Counter())))
