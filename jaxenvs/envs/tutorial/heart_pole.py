"""HeartPole: work as much as coffee, beer and sleep allow, without a heart attack."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_probability
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

NOTHING, COFFEE, BEER, SLEEP, WALK = range(5)

_SLEEP_LENGTH = 16
_WALK_LENGTH = 2
_DECAY = 0.97
_ATTACK_REWARD = -100.0
_DRAWS = 5  # alertness, hypertension, intoxication, waking up, heart attack

_WIDTH, _HEIGHT = 640, 360  # pixels


class HeartPoleState(PyTreeNode):
    """State of `HeartPole`; numbers are () float32, or all float64.

    Attributes:
        alertness: how awake the worker is, about 1 after sleep.
        hypertension: how high the blood pressure is; from 6 on a heart attack is likely.
        intoxication: alcohol in the blood.
        time_since_slept: time since sleep, half-hours.
        time_elapsed: time since the start, half-hours.
        work_done: sum of the productivity so far.
        had_attack: () bool, whether the last step brought a heart attack; for the picture only.
        key: () key that chance is drawn from.
    """

    alertness: Array
    hypertension: Array
    intoxication: Array
    time_since_slept: Array
    time_elapsed: Array
    work_done: Array
    had_attack: Array
    key: Key


class HeartPole(Env[HeartPoleState, Array]):
    """A creative worker balances alertness against blood pressure, half an hour per step.

    The amount of work added in half an hour is alertness (1 - s(alertness - 3)) b(intoxication), where s is the
    logistic function and b(i) is s(50 (0.05 - i)) + 2 exp(-(i - 0.135)^2 / (2 0.005^2)), Ballmer's peak. In each
    half-hour, alertness falls by s((time since sleep - 40) / 10), and hypertension and intoxication shrink by 3 %.

    Observation: (6,) float32.

        | index | meaning          | min  | max | unit       |
        |-------|------------------|------|-----|------------|
        | 0     | alertness        | -inf | inf |            |
        | 1     | hypertension     | 0    | inf |            |
        | 2     | intoxication     | 0    | inf |            |
        | 3     | time since sleep | 0    | inf | half-hours |
        | 4     | time elapsed     | 0    | inf | half-hours |
        | 5     | work done        | -inf | inf |            |

    Action: () int32. U is a uniform distribution; half an hour of work follows.

        | action                  | effect                                                                     |
        |-------------------------|----------------------------------------------------------------------------|
        | 0 nothing               |                                                                            |
        | 1 coffee                | alertness +U(0, 1), hypertension +U(0, 0.3)                                |
        | 2 beer                  | alertness -U(0, 0.5), hypertension +U(0, 0.3), intoxication +U(0.01, 0.03) |
        | 3 sleep                 | 16 half-hours pass; alertness becomes U(0.7, 1.3)                          |
        | 4 walk, with `has_walk` | 2 half-hours pass; hypertension halves, alertness +U(0, 0.3)               |

    Reward: the change of the score, which is the work done per half-hour elapsed; minus 100 for a heart attack. A heart
        attack comes with probability `heart_attack_proclivity` s(hypertension - 6) and resets hypertension to 0.

    Start: alertness U(0.7, 1.3), all else 0.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: `heart_attack`, () bool: whether the step brought a heart attack.

    Parameters:
        heart_attack_proclivity: greatest probability of a heart attack in a step.
        has_walk: whether there is a fifth action, the one the tutorial's homework asks for.

    Differences from the reference: none without `has_walk`. The walk is an addition of jaxenvs.

    Source: V. Liventsev, the package heartpole 1.2 and its tutorial on writing an environment.

    Version history:
        v1: adds the walk.
        v0: same behaviour as in the tutorial.
    """

    heart_attack_proclivity: ArrayLike = 0.5
    has_walk: bool = static(default=False)

    def check_fields(self) -> None:
        check_probability(self, "heart_attack_proclivity", self.heart_attack_proclivity)

    @property
    def observation_space(self) -> Box:
        """(6,) float32: only alertness and work can be negative."""
        low = np.array([-np.inf, 0, 0, 0, 0, -np.inf], np.float32)
        return Box(low, np.full(6, np.inf, np.float32))

    @property
    def action_space(self) -> Discrete:
        """Nothing, coffee, beer, sleep and, with `has_walk`, a walk."""
        return Discrete(WALK + 1 if self.has_walk else WALK)

    def reset(self, key: Key) -> tuple[HeartPoleState, TimeStep[Array]]:
        key, wake_key = jax.random.split(check_key(key))
        zero = jnp.zeros((), jnp.float32)
        state = HeartPoleState(
            alertness=_alertness_after_sleep(jax.random.uniform(wake_key, (), jnp.float32)),
            hypertension=zero,
            intoxication=zero,
            time_since_slept=zero,
            time_elapsed=zero,
            work_done=zero,
            had_attack=jnp.zeros((), bool),
            key=key,
        )
        return state, restart(self.observe(state), {"heart_attack": state.had_attack})

    def step(self, state: HeartPoleState, action: Array) -> tuple[HeartPoleState, TimeStep[Array]]:
        """Spends half an hour, or a night."""
        key, draw_key = jax.random.split(state.key)
        draws = jax.random.uniform(draw_key, (_DRAWS,), jnp.float32).astype(state.alertness.dtype)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draws)

    def step_with(self, state: HeartPoleState, action: Array, draws: Array) -> tuple[HeartPoleState, TimeStep[Array]]:
        """A step with given randomness: `draws`, (5,) in [0, 1).

        They are for alertness, hypertension, intoxication, the alertness after sleep, and the heart attack.
        """
        score = state.work_done / jnp.maximum(state.time_elapsed, 1.0)
        before = state.time_elapsed
        state = _rested(_drunk(state, action, draws), action, draws)
        work = _productivity(state)
        state = _half_hour(state.replace(work_done=state.work_done + work))
        # The difference (w + work) / (t + h) - w / t, without subtracting two nearly equal numbers.
        elapsed = state.time_elapsed
        reward = (work - score * (elapsed - before)) / elapsed
        risk = self.heart_attack_proclivity * jax.nn.sigmoid(state.hypertension - 6.0)
        had_attack = draws[4] < risk
        state = state.replace(hypertension=jnp.where(had_attack, 0.0, state.hypertension), had_attack=had_attack)
        reward = reward + jnp.where(had_attack, _ATTACK_REWARD, 0.0)
        return state, transition(self.observe(state), reward, False, {"heart_attack": had_attack})

    def observe(self, state: HeartPoleState) -> Array:
        parts = (
            state.alertness,
            state.hypertension,
            state.intoxication,
            state.time_since_slept,
            state.time_elapsed,
            state.work_done,
        )
        return jnp.stack(parts).astype(jnp.float32)

    def render(self, state: HeartPoleState) -> Array:
        """(360, 640, 3) uint8: a heart that reddens with the risk, and gauges of alertness, drink, sleep and score."""
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER)
        risk = jax.nn.sigmoid(state.hypertension - 6.0).astype(jnp.float32)
        pale, red = (np.array(color, np.float32) for color in (palette.RED_LIGHT, palette.RED))
        color = jnp.where(state.had_attack, np.array(palette.INK, np.float32), pale + risk * (red - pale))
        color = jnp.round(color).astype(jnp.uint8)
        canvas = canvas.circle((116.0, 140.0), 52.0, color).circle((204.0, 140.0), 52.0, color)
        canvas = canvas.polygon([(70.0, 162.0), (160.0, 108.0), (250.0, 162.0), (160.0, 268.0)], color)
        score = state.work_done / jnp.maximum(state.time_elapsed, 1.0)
        gauges = (
            ("alert", state.alertness / 3.0, palette.BLUE),
            ("pressure", state.hypertension / 8.0, palette.RED),
            ("drink", state.intoxication / 0.2, palette.YELLOW_DARK),
            ("awake", state.time_since_slept / 60.0, palette.PURPLE),
            ("score", score / 1.5, palette.TEAL),
        )
        left, right = 420.0, 600.0
        for i, (name, share, bar) in enumerate(gauges):
            y = 72.0 + 54.0 * i
            share = jnp.clip(share, 0.0, 1.0).astype(jnp.float32)
            canvas = canvas.text(name, (left - 18.0, y + 6.0), 14.0, palette.SLATE, align="right")
            canvas = canvas.line((left, y), (right, y), 16.0, palette.MIST)
            seen = (share > 0.01).astype(jnp.float32)
            canvas = canvas.line((left, y), (left + (right - left) * share, y), 16.0, bar, opacity=seen)
        return canvas.to_rgb()


def _drunk(state: HeartPoleState, action: Array, draws: Array) -> HeartPoleState:
    """The state after coffee or beer, if any."""
    coffee, beer = action == COFFEE, action == BEER
    alertness = jnp.where(coffee, draws[0], jnp.where(beer, -0.5 * draws[0], 0.0))
    hypertension = jnp.where(coffee | beer, 0.3 * draws[1], 0.0)
    intoxication = jnp.where(beer, 0.01 + 0.02 * draws[2], 0.0)
    return state.replace(
        alertness=state.alertness + alertness,
        hypertension=state.hypertension + hypertension,
        intoxication=state.intoxication + intoxication,
    )


def _rested(state: HeartPoleState, action: Array, draws: Array) -> HeartPoleState:
    """The state after sleep or a walk, if any."""
    count = jnp.where(action == SLEEP, _SLEEP_LENGTH, jnp.where(action == WALK, _WALK_LENGTH, 0))
    asleep, walked = action == SLEEP, action == WALK
    hours = count.astype(state.alertness.dtype)
    shrink = jnp.where(asleep, _DECAY**_SLEEP_LENGTH, jnp.where(walked, _DECAY**_WALK_LENGTH, 1.0))
    tired = _alertness_lost(state.time_since_slept) + _alertness_lost(state.time_since_slept + 1.0)
    on_foot = state.alertness - tired + 0.3 * draws[0]
    alertness = jnp.where(walked, on_foot, state.alertness)
    return state.replace(
        alertness=jnp.where(asleep, _alertness_after_sleep(draws[3]), alertness),
        hypertension=state.hypertension * shrink * jnp.where(walked, 0.5, 1.0),
        intoxication=state.intoxication * shrink,
        time_since_slept=jnp.where(asleep, 0.0, state.time_since_slept + hours),
        time_elapsed=state.time_elapsed + hours,
    )


def _half_hour(state: HeartPoleState) -> HeartPoleState:
    """The state after half an hour."""
    return state.replace(
        alertness=state.alertness - _alertness_lost(state.time_since_slept),
        hypertension=_DECAY * state.hypertension,
        intoxication=_DECAY * state.intoxication,
        time_since_slept=state.time_since_slept + 1.0,
        time_elapsed=state.time_elapsed + 1.0,
    )


def _productivity(state: HeartPoleState) -> Array:
    """The work done in half an hour."""
    drink = state.intoxication
    peak = 2.0 * jnp.exp(-0.5 * ((drink - 0.135) / 0.005) ** 2)
    calm = 1.0 - jax.nn.sigmoid(state.alertness - 3.0)
    return state.alertness * calm * (jax.nn.sigmoid(50.0 * (0.05 - drink)) + peak)


def _alertness_lost(time_since_slept: Array) -> Array:
    """By how much alertness falls in half an hour."""
    return jax.nn.sigmoid((time_since_slept - 40.0) / 10.0)


def _alertness_after_sleep(draw: Array) -> Array:
    return 0.7 + 0.6 * draw
