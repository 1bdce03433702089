"""Training and evaluation: the environment that an agent is measured in, from the one that it is trained in."""

import dataclasses
from typing import Any

import jax

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.fields import fields_of
from jaxenvs.core.wrapper import Wrapper, has_plain_values
from jaxenvs.errors import InvalidField


def evaluation(env: Env[Any, Any]) -> Env[Any, Any]:
    """The environment without what belongs to training only.

        env = ClipReward(jaxenvs.make("MinAtar/Breakout-v1"), -1.0, 1.0)  # what the agent learns from
        jaxenvs.evaluation(env)  # what its returns are measured in: without ClipReward

    Wrappers that are `training_only` are removed, and fields in `training_fields` get the values that they have outside
    training. Everything else stays, in the same order and with the same fields: time limits, AutoReset, preprocessing,
    stacks of frames, statistics of observations. So a policy sees the observations that it was trained on.

    `training_only` is an attribute of a wrapper's class, and a field where both make sense:
    `ClipReward(env, -1.0, 1.0, training_only=False)` stays, `TransformReward(env, shaped, training_only=True)` goes.
    The wrappers of jaxenvs that belong to training by default are `ClipReward`, `ScaleReward`, `NoisyReward`,
    `NormalizeReward` and `EpisodicLife`.

    A state of `env` is not a state of the result: reset the result. `NormalizeObservation` stays, but its statistics
    are in the state, so give them to it as `initial` (its docstring says how).

    Args:
        env: any stack; it is not changed. If there is nothing to remove, it is returned as it is.

    Raises:
        InvalidField: `env` is not an environment, or a wrapper to be removed changes a space, so that a policy could
            not act without it.
    """
    check_is_env("evaluation", env)
    changed: dict[str, Any] = dict(type(env).training_fields)
    for field in fields_of(type(env)):  # `env`, and whatever else a wrapper keeps an environment in
        value = getattr(env, field.name)
        if isinstance(value, Env) and (inner := evaluation(value)) is not value:
            changed[field.name] = inner
    if isinstance(env, Wrapper) and is_training_only(env):
        _check_spaces(env)
        return changed.get("env", env.env)
    return dataclasses.replace(env, **changed) if changed else env


def is_training_only(wrapper: Wrapper[Any, Any]) -> bool:
    """Whether a wrapper belongs to training only.

    Raises:
        InvalidField: `training_only` is neither True nor False.
    """
    declared: Any = wrapper.training_only
    if not isinstance(declared, bool):
        raise InvalidField(
            f"{type(wrapper).__name__}: `training_only` must be True or False, got {declared!r}. Declare it as"
            " `training_only = True`, or as a field, `training_only: bool = static(default=True, kw_only=True)`."
        )
    return declared


def _check_spaces(wrapper: Wrapper[Any, Any]) -> None:
    """Raises `InvalidField` if a wrapper's spaces differ from those inside it, as far as they can be compared."""
    if not has_plain_values(wrapper):
        return
    name = type(wrapper).__name__
    with jax.ensure_compile_time_eval():
        for kind in ("observation_space", "action_space"):
            outer, inner = getattr(wrapper, kind), getattr(wrapper.env, kind)
            if outer != inner:
                raise InvalidField(
                    f"{name} is `training_only`, but changes the {kind.replace('_', ' ')} from {inner!r} to {outer!r},"
                    " so a policy trained with it cannot act without it. Do not declare it `training_only`."
                )
