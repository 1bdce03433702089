"""What a manifest says about an environment and about the machine."""

import platform
from typing import Any

import flax
import jax
import numpy as np
from jaxlib.version import __version__ as jaxlib_version

from jaxenvs.core.env import Env
from jaxenvs.core.fields import fields_of
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.monitor.run_folder.field_values import path_of, to_json
from jaxenvs.monitor.run_folder.key_words import implementation_of, key_words
from jaxenvs.random import Key, check_key
from jaxenvs.registration import find_id


def describe_env(env: Env[Any, Any], env_id: str | None = None) -> dict[str, Any]:
    """An environment as JSON: its id, its class with every field, and its wrappers, the outermost first.

    Args:
        env: the environment, with its wrappers.
        env_id: its id; None to look for a registered one with this class and these fields.
    """
    base = unwrap(env)
    return {
        "id": find_id(env) if env_id is None else env_id,
        **_layer(base),
        "wrappers": [_layer(wrapper) for wrapper in wrappers_of(env)],
        "action_space": repr(env.action_space),
    }


def _layer(env: Env[Any, Any]) -> dict[str, Any]:
    """The class and the fields of one environment, without the one that it wraps."""
    cls = type(env)
    values = {field.name: getattr(env, field.name) for field in fields_of(cls) if field.name != "env"}
    return {
        "class": path_of(cls),
        "fields": {name: to_json(value) for name, value in values.items()},
    }


def describe_machine() -> dict[str, Any]:
    """Backend, devices, dtypes, versions and platform."""
    from jaxenvs import __version__

    device = jax.devices()[0]
    return {
        "backend": jax.default_backend(),
        "device": f"{jax.device_count()} x {device.device_kind}",
        "x64": bool(jax.config.read("jax_enable_x64")),
        "versions": {
            "jaxenvs": __version__,
            "jax": jax.__version__,
            "jaxlib": jaxlib_version,
            "numpy": np.__version__,
            "flax": flax.__version__,
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
    }


def describe_key(key: Key | None) -> dict[str, Any]:
    """The words and the implementation of a root key; the implementation alone if it is not known."""
    if key is None:
        return {"key": None, "key_implementation": "jaxenvs"}
    key = check_key(key, name="Run.record")
    return {"key": key_words(key), "key_implementation": implementation_of(key)}
