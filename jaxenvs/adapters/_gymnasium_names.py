"""Gymnasium's attributes that have another name here, with the same meaning and unit, or that are computed here."""

from collections.abc import Callable, Container
from typing import Any

import numpy as np

_NAMES: dict[str, dict[str, str]] = {
    "CartPole": {
        "masscart": "cart_mass",
        "masspole": "pole_mass",
        "length": "half_length",
        "force_mag": "force",
        "theta_threshold_radians": "theta_threshold",
    },
    "Pendulum": {"g": "gravity", "m": "mass", "l": "length", "dt": "tau"},
    "Acrobot": {
        "dt": "tau",
        "LINK_LENGTH_1": "link_length_1",
        "LINK_LENGTH_2": "link_length_2",
        "LINK_MASS_1": "link_mass_1",
        "LINK_MASS_2": "link_mass_2",
        "LINK_COM_POS_1": "link_com_1",
        "LINK_COM_POS_2": "link_com_2",
        "LINK_MOI": "link_moi",
        "MAX_VEL_1": "max_velocity_1",
        "MAX_VEL_2": "max_velocity_2",
        "AVAIL_TORQUE": "torques",
    },
}
"""Fields, by the name of the environment's class."""

_SIZES: dict[str, Callable[[Any], Any]] = {
    "nS": lambda env: env.observation_space.n,
    "nA": lambda env: env.action_space.n,
}
"""Numbers of states and actions of toy text, which solutions by dynamic programming read, beside `P`."""

COMPUTED: dict[str, dict[str, Callable[[Any], Any]]] = {
    "CartPole": {
        "total_mass": lambda env: env.cart_mass + env.pole_mass,
        "polemass_length": lambda env: env.pole_mass * env.half_length,
    },
    "FrozenLake": {
        "desc": lambda env: np.array([list(row) for row in env.tiles], "S1"),
        "nrow": lambda env: len(env.tiles),
        "ncol": lambda env: len(env.tiles[0]),
        **_SIZES,
    },
    "CliffWalking": _SIZES,
    "Taxi": _SIZES,
}
"""Attributes that can be read, by the name of the environment's class."""


def name_here(cls: type[Any], name: str, fields: Container[str]) -> str:
    """The name that a field has here; `name` itself if it is one, or if Gymnasium has no such field.

    Args:
        cls: class of the environment.
        name: its name here or in Gymnasium.
        fields: names of the class's fields.
    """
    ours = _NAMES.get(cls.__name__, {}).get(name, name)
    return ours if name not in fields and ours in fields else name


def fields_here(cls: type[Any], given: dict[str, Any], fields: Container[str]) -> dict[str, Any]:
    """Values for fields under the names that they have here; a field given under both names keeps them.

    Args:
        cls: class of the environment.
        given: values by name, here or in Gymnasium.
        fields: names of the class's fields.
    """
    names = {name: name_here(cls, name, fields) for name in given}
    return {name if ours in given else ours: given[name] for name, ours in names.items()}
