"""Classic control against Gymnasium: single transitions, whole episodes, starts and spaces."""

import functools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.classic_control.acrobot import Acrobot, AcrobotState
from jaxenvs.envs.classic_control.cart_pole import CartPole
from tests.parity._classic_control_reference import (
    CASES,
    DEFAULTS,
    Case,
    columns,
    follow_ours,
    follow_reference,
    pumping_actions,
    step_ours,
    step_reference,
)
from tests.parity._classic_control_states import actions_like, margin, states_and_actions
from tests.parity.differences import record, relative
from tests.parity.rows_classic_control import ROWS

# Gymnasium warns that CartPole-v0 is out of date.
pytestmark = pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")

TOLERANCE = {row.id: row.tolerance for row in ROWS}

# One rounding of Gymnasium's MountainCarContinuous, which keeps its state in float32, at positions up to 1.2.
FLOAT32_STATE = 1.2e-7


def angle_columns(case):
    """The columns of the state that are angles within a turn: they may differ by a whole turn."""
    return [0, 1] if isinstance(case.env, Acrobot) else []


def state_differences(case, ours, reference):
    """Differences of states, of angles the short way round."""
    ours = ours.copy()
    for column in angle_columns(case):
        ours[:, column] -= np.round((ours[:, column] - reference[:, column]) / (2 * np.pi)) * 2 * np.pi
    return relative(ours, reference)


@pytest.mark.measures_parity
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_in_float32_agrees_within_the_rows_tolerance(case):
    states, actions = states_and_actions(case, np.float32)
    assert len(states) > 3000
    reference = step_reference(case, states, actions)
    ours = step_ours(case, states, actions, jnp.float32)
    tolerance = TOLERANCE[case.id]
    # At the left wall, the last bit of the position decides whether a small velocity becomes 0.
    assert record(case.id, state_differences(case, ours.state, reference.state)) < tolerance
    assert record(case.id, relative(ours.observation, reference.observation)) < tolerance
    disagree = ours.terminated != reference.terminated
    assert (margin(case, reference.state)[disagree] < tolerance).all()
    assert disagree.mean() < 0.01
    assert record(case.id, relative(ours.reward, reference.reward)[~disagree]) < tolerance


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_in_float64_agrees_to_the_last_digits(case):
    states, actions = states_and_actions(case, np.float64)
    reference = step_reference(case, states, actions)
    with jax.enable_x64():
        ours = step_ours(case, states, actions, jnp.float64)
    np.testing.assert_array_equal(ours.terminated, reference.terminated)
    if case.id == "MountainCarContinuous-v0":
        assert np.abs(ours.state - reference.state).max() < FLOAT32_STATE
    else:
        # A few roundings in float64, which NumPy and XLA do differently.
        assert relative(ours.state, reference.state).max() < 1e-12
    # Observations and our rewards are rounded to float32.
    assert relative(ours.observation, reference.observation).max() < 1.2e-7
    assert relative(ours.reward, reference.reward).max() < 6e-8
    if case.id != "Pendulum-v1":
        assert 0 < reference.terminated.sum() < len(states)


EPISODES = {
    "CartPole-v1": 500,
    "MountainCar-v0": 200,
    "MountainCarContinuous-v0": 999,
    "Pendulum-v1": 200,
    "Acrobot-v1": 500,
}
# Float64 roundings, 1e-16 each, grow with the sensitivity to the start, most in the chaotic Acrobot. Its
# angles in float32 differ by several radians after an episode.
EPISODE_TOLERANCE = {"CartPole-v1": 1e-9, "MountainCar-v0": 1e-12, "Pendulum-v1": 1e-9, "Acrobot-v1": 1e-7}


def episodes(case, count, seed):
    """(count, k) starts, and (steps, count, ...) actions: random, and in every other lane actions that add energy."""
    steps = EPISODES[case.id]
    starts = columns(jax.vmap(case.env.reset)(jax.random.split(jaxenvs.random.key(seed), count))[0])
    actions = actions_like(case, (steps, count), np.random.default_rng(seed))
    if case.id != "CartPole-v1":
        actions[:, ::2] = pumping_actions(case, starts, steps)[:, ::2]
    return starts, actions


@pytest.mark.filterwarnings("ignore:.*You are calling 'step:UserWarning")  # Gymnasium's, for steps after the end
@pytest.mark.parametrize("case", [case for case in DEFAULTS if case.id in EPISODE_TOLERANCE], ids=str)
def test_whole_episodes_in_float64_agree_also_after_their_end(case):
    starts, actions = episodes(case, 6, seed=1)
    with jax.enable_x64():
        ours = follow_ours(case, starts, actions, jnp.float64)
    for i, start in enumerate(starts):
        steps = len(actions)
        if case.id == "Acrobot-v1" and ours.terminated[:, i].any():
            # After the swing-up, the two differ within a hundred steps even in float64. What
            # follows is compared from our own states, step by step.
            steps = ours.terminated[:, i].argmax() + 10
            later = step_reference(case, ours.state[steps:-1, i], actions[steps + 1 :, i])
            assert relative(ours.state[steps + 1 :, i], later.state).max() < 1e-12
            np.testing.assert_array_equal(ours.terminated[steps + 1 :, i], later.terminated)
            np.testing.assert_array_equal(ours.reward[steps + 1 :, i], later.reward)
        reference = follow_reference(case, start, actions[:steps, i])
        assert relative(ours.state[:steps, i], reference.state).max() < EPISODE_TOLERANCE[case.id]
        np.testing.assert_array_equal(ours.terminated[:steps, i], reference.terminated)
        assert relative(ours.reward[:steps, i], reference.reward).max() < max(EPISODE_TOLERANCE[case.id], 6e-8)
    ended = ours.terminated[:-10].any(0)
    assert ended.sum() == {"CartPole-v1": 6, "MountainCar-v0": 3, "Pendulum-v1": 0, "Acrobot-v1": 4}[case.id]


def test_whole_episodes_of_mountain_car_continuous_agree_in_float32():
    # Gymnasium keeps this environment's state in float32, so its episodes are compared in float32.
    case = next(case for case in DEFAULTS if case.id == "MountainCarContinuous-v0")
    starts, actions = episodes(case, 6, seed=1)
    ours = follow_ours(case, starts, actions, jnp.float32)
    for i, start in enumerate(starts):
        reference = follow_reference(case, start, actions[:, i])
        # Both round at every step, sometimes differently; the differences add up over 999 steps.
        assert relative(ours.state[:, i], reference.state).max() < 1e-4
        disagree = ours.terminated[:, i] != reference.terminated
        assert (margin(case, reference.state)[disagree] < 1e-4).all()
        assert relative(ours.reward[:, i], reference.reward)[~disagree].max() < 1e-6
    assert ours.terminated[:-10].any(0).sum() == 3


@pytest.mark.filterwarnings("ignore:.*You are calling 'step:UserWarning")  # Gymnasium's, for steps after the end
@pytest.mark.parametrize("sutton_barto", [False, True])
def test_a_cart_pole_that_comes_back_and_falls_again_is_paid_as_gymnasium_pays(sutton_barto):
    case = next(case for case in CASES if case.env == CartPole(sutton_barto_reward=sutton_barto))
    start, actions = np.array([0.0, 0.0, 0.19, 0.7]), np.ones(60, np.int32)
    reference = follow_reference(case, start, actions)
    changes = np.nonzero(np.diff(reference.terminated))[0]
    assert len(changes) == 3, "the pole is to fall, come back and fall to the other side"
    ours = follow_ours(case, start[None], actions[:, None], jnp.float32)
    np.testing.assert_array_equal(ours.terminated[:, 0], reference.terminated)
    np.testing.assert_array_equal(ours.reward[:, 0], reference.reward)
    np.testing.assert_array_equal(np.signbit(ours.reward[:, 0]), np.signbit(reference.reward))  # 0 is not -0


@pytest.mark.parametrize("angle", [0.5, np.pi, -np.pi, 3.2, -3.2, 7.0, -9.4, 12.0, -12.0, 100.0])
def test_acrobot_wraps_angles_as_repeated_subtraction_does(angle):
    from gymnasium.envs.classic_control.acrobot import wrap

    case = Case("Acrobot-v1", Acrobot(tau=0.0), attributes={"dt": 0.0})
    states = np.array([[a, 0.3, 0.0, 0.0] for a in (angle, np.nextafter(angle, 99), np.nextafter(angle, -99))])
    with jax.enable_x64():
        ours = step_ours(case, states, np.zeros(3, np.int32), jnp.float64).state[:, 0]
    expected = np.array([wrap(a, -np.pi, np.pi) for a in states[:, 0]])
    if abs(angle) < 3 * np.pi:
        np.testing.assert_array_equal(ours, expected)
    else:
        np.testing.assert_allclose(
            ours, expected, rtol=0, atol=1e-13
        )  # several subtractions, each rounded, compared with one


def test_acrobot_adds_noise_to_the_torque_from_its_own_key():
    env = Acrobot(torque_noise=True, torque_noise_max=0.5)
    keys = jax.random.split(jaxenvs.random.key(3), 200)
    state, _ = jax.vmap(env.reset)(keys)
    still = state.replace(
        **{name: jnp.zeros(200, jnp.float32) for name in ("theta1", "theta2", "theta1_dot", "theta2_dot")}
    )
    step = jax.jit(jax.vmap(env.step))
    once, _ = step(still, jnp.ones(200, jnp.int32))
    # From rest, over one step, the speed of the elbow is nearly proportional to the torque.
    clean = AcrobotState(*[jnp.zeros((), jnp.float32)] * 4)
    speeds = [float(Acrobot(torques=(t, t, t)).step(clean, jnp.int32(1))[0].theta2_dot) for t in (-0.5, 0.5)]
    noise = np.interp(np.asarray(once.theta2_dot), speeds, [-0.5, 0.5])
    assert np.abs(noise).max() < 0.5
    assert scipy.stats.kstest(noise, scipy.stats.uniform(-0.5, 1.0).cdf).pvalue > 1e-3
    twice, _ = step(
        once.replace(**{k: getattr(still, k) for k in ("theta1", "theta2", "theta1_dot", "theta2_dot")}),
        jnp.ones(200, jnp.int32),
    )
    assert abs(np.corrcoef(np.asarray(once.theta2_dot), np.asarray(twice.theta2_dot))[0, 1]) < 0.3
    assert state.key is not None and Acrobot().reset(keys[0])[0].key is None


LAWS = [
    ("CartPole-v1", {}, {}, [(-0.05, 0.05)] * 4),
    ("CartPole-v1", {"start_low": -0.3, "start_high": 0.1}, {"low": -0.3, "high": 0.1}, [(-0.3, 0.1)] * 4),
    ("MountainCar-v0", {}, {}, [(-0.6, -0.4), (0, 0)]),
    ("MountainCar-v0", {"start_low": -1.0, "start_high": 0.2}, {"low": -1.0, "high": 0.2}, [(-1.0, 0.2), (0, 0)]),
    ("MountainCarContinuous-v0", {}, {}, [(-0.6, -0.4), (0, 0)]),
    (
        "MountainCarContinuous-v0",
        {"start_low": -1.0, "start_high": 0.2},
        {"low": -1.0, "high": 0.2},
        [(-1.0, 0.2), (0, 0)],
    ),
    ("Pendulum-v1", {}, {}, [(-np.pi, np.pi), (-1, 1)]),
    (
        "Pendulum-v1",
        {"max_start_theta": 0.5, "max_start_theta_dot": 3.0},
        {"x_init": 0.5, "y_init": 3.0},
        [(-0.5, 0.5), (-3, 3)],
    ),
    ("Acrobot-v1", {}, {}, [(-0.1, 0.1)] * 4),
    ("Acrobot-v1", {"start_low": 0.0, "start_high": 0.4}, {"low": 0.0, "high": 0.4}, [(0.0, 0.4)] * 4),
]


@pytest.mark.parametrize(("id", "fields", "options", "law"), LAWS, ids=[f"{law[0]}{list(law[1])}" for law in LAWS])
def test_starts_follow_the_uniform_law_and_gymnasiums(id, fields, options, law):
    env = jaxenvs.unwrap(jaxenvs.make(id, **fields))
    count = 4096
    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), count))
    assert timestep.info == {} and not timestep.reward.any() and not timestep.done.any()
    starts = columns(state)
    reference = gymnasium.make(id).unwrapped
    reference.reset(seed=0)
    drawn = np.stack(
        [(reference.reset(options=options), np.array(reference.state, np.float64))[1] for _ in range(1000)]
    )
    for i, (low, high) in enumerate(law):
        assert np.float32(low) <= starts[:, i].min() and starts[:, i].max() <= np.float32(high)
        if low == high:
            continue
        # Fixed seeds: a fair sample fails one of these with probability 1e-3.
        assert scipy.stats.kstest(starts[:, i], scipy.stats.uniform(low, high - low).cdf).pvalue > 1e-3
        assert scipy.stats.ks_2samp(starts[:, i], drawn[:, i]).pvalue > 1e-3
    varying = starts[:, [low < high for low, high in law]]
    correlations = np.corrcoef(np.stack([*varying.T, np.arange(count)])) - np.eye(varying.shape[1] + 1)
    assert np.abs(correlations).max() < 4 / np.sqrt(count)  # four standard deviations, also against the lane


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_spaces_limits_and_thresholds_are_gymnasiums(row):
    env, reference = jaxenvs.make(row.id), gymnasium.make(row.id)
    assert env.observation_space.to_gymnasium() == reference.observation_space
    assert env.action_space.to_gymnasium() == reference.action_space
    spec = jaxenvs.spec(row.id)
    assert reference.spec is not None
    assert spec.max_episode_steps == reference.spec.max_episode_steps
    assert spec.reward_threshold == reference.spec.reward_threshold


@functools.cache
def first_frames():
    return {
        case.id: np.asarray(jax.jit(case.env.render)(case.env.reset(jaxenvs.random.key(0))[0])) for case in DEFAULTS
    }


@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_pictures_have_gymnasiums_size(case):
    frame = first_frames()[case.id]
    assert frame.dtype == np.uint8
    size = (500, 500, 3) if case.id in ("Pendulum-v1", "Acrobot-v1") else (400, 600, 3)
    assert frame.shape == size
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 20
