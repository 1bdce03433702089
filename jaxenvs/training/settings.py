"""Settings of learners: their types, which are checked when a learner is made."""

import functools
import math
import operator
import typing
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jaxenvs.core.checks import has_nan, is_real, unquoted
from jaxenvs.errors import InvalidField, did_you_mean

_MAY_BE_INFINITE = ("max_grad_norm", "clip")
"""Limits, which can be switched off by infinity."""

_ELSEWHERE = {
    "lr": "learning_rate",
    "n_envs": "num_envs",
    "n_steps": "num_steps",
    "n_epochs": "num_epochs",
    "update_epochs": "num_epochs",
    "n_minibatches": "num_minibatches",
    "total_timesteps": "total_steps",
    "lr_schedule": "anneal",
    "anneal_lr": "anneal",
    "discount": "gamma",
    "lambda": "gae_lambda",
    "lmbda": "gae_lambda",
    "clip_range": "clip",
    "clip_coef": "clip",
    "clip_eps": "clip",
    "vf_coef": "value_coefficient",
    "ent_coef": "entropy_coefficient",
    "net_arch": "hidden_sizes",
    "tau": "target_rate",
    "polyak": "target_rate",
    "alpha": "temperature",
    "train_freq": "num_steps",
    "exploration_initial_eps": "epsilon_start",
    "exploration_final_eps": "epsilon_end",
}
"""Names of settings in other libraries, and our names."""


def nearest_setting(name: str, known: typing.Iterable[str]) -> str:
    """The sentence ` Did you mean: ...?` for the setting that `name` is closest to, or an empty string.

    It knows the names of settings in Stable-Baselines3 and CleanRL.
    """
    known = list(known)
    here = _ELSEWHERE.get(name.lower())
    return f" Did you mean: `{here}`?" if here in known else did_you_mean(name, known)


@functools.cache
def hints_of(cls: type) -> dict[str, Any]:
    """The type annotations of a class by field."""
    return typing.get_type_hints(cls)


def checked(owner: str, name: str, value: Any, hint: Any) -> Any:
    """The value of a setting as a Python object: NumPy numbers become Python numbers, and lists become tuples.

    Sizes that are not integers are left to the checks of their ranges.

    Raises:
        InvalidField: the value is not of the annotated type, or not a usable number.
    """
    options = typing.get_args(hint) or (hint,)
    if jax.Array in options:
        return None if value is None and type(None) in options else _number(owner, name, value)
    if hint is bool:
        if not isinstance(value, bool | np.bool_):
            raise InvalidField(f"{owner}: `{name}` must be True or False, got {value!r}.")
        return bool(value)
    if hint is int:
        return _integer(value)
    if isinstance(value, list | tuple):  # JSON has only lists
        return tuple(_integer(item) for item in value)
    return value


def _integer(value: Any) -> Any:
    """`value` as an int if it is an integer of any library; else `value` itself."""
    if isinstance(value, bool | np.bool_ | Tracer):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def _number(owner: str, name: str, value: Any) -> Any:
    if isinstance(value, Tracer):
        return value
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_ or not is_real(value):
        raise InvalidField(f"{owner}: `{name}` must be a number, got {value!r}.{_advice(name, value)}")
    if isinstance(value, np.ndarray):
        value = value.item() if value.ndim == 0 else value.astype(np.float32)
    elif isinstance(value, np.generic):
        value = value.item()
    elif not isinstance(value, jax.Array | int):
        value = float(value)
    with np.errstate(over="ignore"):
        single = np.asarray(value if isinstance(value, jax.Array | np.ndarray) else _float(value), np.float32)
    if has_nan(single):
        raise InvalidField(f"{owner}: `{name}` is NaN; give it a number.")
    if name not in _MAY_BE_INFINITE and np.isinf(single).any():
        raise InvalidField(f"{owner}: `{name}` must be a finite float32, got {value!r}.")
    return value


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _advice(name: str, value: Any) -> str:
    """What to write instead, if that is known."""
    if callable(value):
        anneal = " With `anneal=True` it falls linearly to 0 over `total_steps`." if name == "learning_rate" else ""
        return f" Schedules are not passed as functions: pass the initial value.{anneal}"
    if isinstance(value, list | tuple):
        return f" To train with several values, `jax.vmap` over `learner.replace({name}=value).train(env, key)`."
    return unquoted(name, value)
