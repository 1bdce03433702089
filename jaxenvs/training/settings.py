"""Settings of learners: their types, checked when a learner is made."""

import functools
import math
import numbers
import operator
import typing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxenvs.errors import InvalidField, did_you_mean

MOST = 2**31 - 1
"""What an int32 holds: the largest size, and the most updates."""

_MAY_BE_INFINITE = ("max_grad_norm", "clip")
"""Limits, which infinity switches off."""

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
"""Names of settings in other libraries, and here."""


def nearest_setting(name: str, known: typing.Iterable[str]) -> str:
    """The sentence ` Did you mean: ...?` for the setting that `name` is closest to, or an empty string.

    Knows what Stable-Baselines3 and CleanRL call the settings.
    """
    known = list(known)
    here = _ELSEWHERE.get(name.lower())
    return f" Did you mean: `{here}`?" if here in known else did_you_mean(name, known)


@functools.cache
def hints_of(cls: type) -> dict[str, Any]:
    """The type annotations of a class by field."""
    return typing.get_type_hints(cls)


def checked(owner: str, name: str, value: Any, hint: Any) -> Any:
    """A setting's value as Python has it: NumPy's numbers become Python's, lists become tuples.

    Sizes that are not integers are left to the checks of their ranges.

    Raises:
        InvalidField: it is not of the annotated type, or not a number that can be computed with.
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
    if isinstance(value, list | tuple):  # JSON returns a list
        return tuple(_integer(item) for item in value)
    return value


def _integer(value: Any) -> Any:
    """`value` as an int where it is an integer of any library; else `value` itself."""
    if isinstance(value, bool | np.bool_ | Tracer):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def _number(owner: str, name: str, value: Any) -> Any:
    if isinstance(value, Tracer):
        return value
    is_real_array = isinstance(value, np.ndarray | np.generic | jax.Array) and (
        jnp.issubdtype(value.dtype, jnp.floating) or jnp.issubdtype(value.dtype, jnp.integer)
    )
    if isinstance(value, bool) or not (is_real_array or isinstance(value, numbers.Real)):
        raise InvalidField(f"{owner}: `{name}` must be a number, got {value!r}.{_advice(name, value)}")
    if isinstance(value, np.ndarray):
        value = value.item() if value.ndim == 0 else value.astype(np.float32)
    elif isinstance(value, np.generic):
        value = value.item()
    elif not isinstance(value, jax.Array | int):
        value = float(value)
    with np.errstate(over="ignore"):
        numbers_in_it = np.asarray(value if isinstance(value, jax.Array | np.ndarray) else _float(value), np.float32)
    if np.isnan(numbers_in_it).any():
        raise InvalidField(f"{owner}: `{name}` is NaN; give it a number.")
    if name not in _MAY_BE_INFINITE and np.isinf(numbers_in_it).any():
        raise InvalidField(f"{owner}: `{name}` must be a finite float32, got {value!r}.")
    return value


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _advice(name: str, value: Any) -> str:
    """What to write instead, where that can be told."""
    if callable(value):
        anneal = " With `anneal=True` it falls linearly to 0 over `total_steps`." if name == "learning_rate" else ""
        return f" Schedules are not given as functions: give the value to begin with.{anneal}"
    if isinstance(value, str):
        try:
            return f" Write it without quotes: {name}={float(value):g}."
        except ValueError:
            return ""
    if isinstance(value, list | tuple):
        return f" To train with several values, `jax.vmap` over `learner.replace({name}=value).train(env, key)`."
    return ""


def check_range(owner: str, name: str, value: Any, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Raises `InvalidField` where a concrete number lies outside [low, high], or with `above` outside (low, high]."""
    if value is None or isinstance(value, Tracer):
        return
    array = np.asarray(value)
    if not ((array > low if above else array >= low) & (array <= high)).all():
        least = f"above {low}" if above else f"at least {low}"
        raise InvalidField(
            f"{owner}: `{name}` must be {least if high == math.inf else f'in [{low}, {high}]'}, got {value!r}."
        )
