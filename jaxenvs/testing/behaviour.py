"""Checks of behaviour over long random rollouts."""

from typing import Any

import jax
import numpy as np

from jaxenvs.core.wrapper import Wrapper, WrapperState
from jaxenvs.random import key
from jaxenvs.spaces import Space
from jaxenvs.testing.rollouts import Rollout
from jaxenvs.testing.self_resets import draws_new_start, returns_to_start
from jaxenvs.testing.subject import Fault, Subject
from jaxenvs.wrappers import TimeLimit

_ROUNDING = 1e-6
"""The tolerance of a reward in float32, relative to it."""


def in_spaces(subject: Subject) -> None:
    """Observations, including `final_observation`, and sampled actions lie in their spaces."""
    seen = subject.auto_rollout
    outside = np.asarray(seen.outside)
    if outside.any():
        step, lane = (int(i) for i in np.argwhere(outside)[0])
        example = jax.tree.map(lambda x: np.asarray(x)[lane], seen.example)
        _check_form(subject.env.observation_space, example)
        raise Fault(
            f"the observation after step {step} is {example}, outside {subject.env.observation_space}",
            "Widen the space to what the task can show, or clip, and note the dtype that bounds are rounded to.",
        )
    if np.asarray(seen.action_outside).any():
        raise Fault("action_space.sample leaves the action space", "Correct the space's `sample` or `contains`.")


def _check_form(space: Space[Any], observation: Any) -> None:
    """Raises `Fault` if an observation has another structure, or other shapes or dtypes, than a space's elements."""
    element = jax.eval_shape(space.sample, jax.eval_shape(lambda: key(0)))
    wanted, seen = (jax.tree.map(lambda x: f"{x.dtype}{list(x.shape)}", tree) for tree in (element, observation))
    if wanted != seen:
        raise Fault(
            f"observations are {seen}, and those of {space} are {wanted}".replace("'", ""),
            "Give the space the shape and dtype of the observation, or the observation those of the space.",
        )


def rewards_in_range(subject: Subject) -> None:
    """Rewards lie in `reward_range`, up to rounding."""
    low, high = (float(bound) for bound in subject.env.reward_range)
    rewards = np.asarray(subject.auto_rollout.reward, np.float64)[1:]  # the first row belongs to no step
    slack = _ROUNDING * np.abs(rewards)
    outside = (rewards < low - slack) | (rewards > high + slack)
    if outside.any():
        step, lane = (int(i) for i in np.argwhere(outside)[0])
        raise Fault(
            f"step {step + 1} is rewarded with {rewards[step, lane]:.9g}; `reward_range` is {low:.9g} to {high:.9g}",
            "Correct `reward_range`, of the environment or of the wrapper that changes rewards.",
        )


def finite(subject: Subject) -> None:
    """States contain no NaN and timesteps only finite numbers, even when stepping on after the end."""
    for rollout, when in ((subject.auto_rollout, "between resets"), (subject.plain_rollout, "without resets")):
        for path, flag in jax.tree_util.tree_leaves_with_path(rollout.not_finite):
            if np.asarray(flag).any():
                keys = jax.tree_util.keystr(path)
                where = ("state" if keys.startswith("[0]") else "timestep") + keys[3:]
                raise Fault(
                    f"{where} becomes NaN or infinite within {subject.steps} random steps {when}",
                    "Bound what grows, guard divisions and roots, and keep the step defined after the end.",
                )


def ends_are_reached(subject: Subject) -> None:
    """Each kind of end that is declared is reached, and no other."""
    seen = _ends(subject.auto_rollout) | _ends(subject.plain_rollout)
    unclaimed = seen - subject.ends
    if unclaimed:
        raise Fault(
            f"an episode ended with {', '.join(sorted(unclaimed))}, but `reaches` is {set(subject.ends) or '{}'}",
            "Name that end in `reaches`, or keep the flag from being set.",
        )
    missing = subject.ends - seen
    if missing and subject.policy is not None:
        missing -= _ends(subject.run_auto(4, subject.policy))
    if "truncated" in missing and _stops_on_time(subject):
        missing -= {"truncated"}
    if missing:
        raise Fault(
            f"{subject.lanes} times {subject.steps} random steps contain no {' or '.join(sorted(missing))} episode",
            "If the task never ends that way, leave it out of `reaches`; otherwise raise `steps` or `lanes`,"
            " or pass a `policy` that gets there.",
        )


def _ends(rollout: Rollout) -> set[str]:
    return {end for end in ("terminated", "truncated") if np.asarray(getattr(rollout, end)).any()}


def _stops_on_time(subject: Subject) -> bool:
    """Whether the last step that a TimeLimit allows is truncated; its clock is set forward to reach it."""

    def last_step(env: Any, state: Any) -> Any:
        if isinstance(env, TimeLimit):
            return state.replace(elapsed=state.elapsed + (env.max_episode_steps - 1))
        if isinstance(env, Wrapper):
            inner = last_step(env.env, env.inner_state(state))
            return state.replace(inner=inner) if isinstance(state, WrapperState) else inner
        return state

    _, timestep = subject.step(subject.env, last_step(subject.env, subject.after_reset[0]), subject.action)
    return bool(timestep.truncated)


def base_never_truncates(subject: Subject) -> None:
    """The environment under all wrappers never sets `truncated`, which is the task of TimeLimit."""
    for rollout in (subject.auto_rollout, subject.plain_rollout):
        if np.asarray(rollout.base_truncated).any():
            raise Fault(
                "the base environment sets `truncated`",
                "Return `transition(...)`, which never does, and put the limit in `TimeLimit` or the spec.",
            )


def base_never_resets(subject: Subject) -> None:
    """The environment under all wrappers does not begin the next episode, neither in what it shows nor in its state.

    Its `observation` is its `final_observation`: only AutoReset tells them apart.
    """
    for rollout in (subject.auto_rollout, subject.plain_rollout):
        if np.asarray(rollout.base_moves_on).any():
            raise Fault(
                "a step of the base environment returns another `final_observation` than `observation`",
                "Return `transition(observation, ...)`, which sets both, of the state that the step leads to, even if"
                " the episode ends there: AutoReset begins the next one.",
            )
    if subject.resetting is subject.env:
        return  # an AutoReset in it begins episodes, as it should
    end = subject.ended_rollout.first_end
    if returns_to_start(subject, end) or draws_new_start(subject, end):
        raise Fault(
            "the step that ends an episode returns the state of a new start",
            "Return the state that the step leads to, even if the episode ends there: AutoReset begins the next one."
            " If the task does end in its start, keep in the state that it is over.",
        )
