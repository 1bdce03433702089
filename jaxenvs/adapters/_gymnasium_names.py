"""Gymnasium's attributes that have another name here, with the same meaning and unit, or that are computed here."""

from collections.abc import Callable, Container
from typing import Any

import numpy as np

NAMES: dict[str, dict[str, str]] = {
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
    "nS": lambda env: int(env.observation_space.n),
    "nA": lambda env: int(env.action_space.n),
}
"""Numbers of states and actions of toy text, which solutions by dynamic programming read, beside `P`."""


def _starts(env: Any) -> np.ndarray:
    return env.transition_table().start


COMPUTED: dict[str, dict[str, Callable[[Any], Any]]] = {
    "CartPole": {
        "total_mass": lambda env: env.cart_mass + env.pole_mass,
        "polemass_length": lambda env: env.pole_mass * env.half_length,
    },
    "FrozenLake": {
        "desc": lambda env: np.array([list(row) for row in env.tiles], "S1"),
        "nrow": lambda env: len(env.tiles),
        "ncol": lambda env: len(env.tiles[0]),
        "initial_state_distrib": _starts,
        **_SIZES,
    },
    "CliffWalking": {
        "initial_state_distrib": _starts,
        "shape": lambda env: (4, int(env.observation_space.n) // 4),
        "start_state_index": lambda env: int(_starts(env).argmax()),
        **_SIZES,
    },
    "MountainCar": {"low": lambda env: env.observation_space.low, "high": lambda env: env.observation_space.high},
    "MountainCarContinuous": {
        "low_state": lambda env: env.observation_space.low,
        "high_state": lambda env: env.observation_space.high,
    },
    "Taxi": {"initial_state_distrib": _starts, "locs": lambda env: [(0, 0), (0, 4), (4, 0), (4, 3)], **_SIZES},
}
"""Attributes that can be read, by the name of the environment's class."""


_PICTURE = "a picture is drawn when `render` is called, and nothing is kept open"
_BODIES = "positions and velocities of all bodies are arrays in `env.unwrapped.state`"

INSTEAD: dict[str, str] = {
    **dict.fromkeys(("screen", "clock", "isopen", "surf", "viewer", "window", "mujoco_renderer"), _PICTURE),
    **dict.fromkeys(("lander", "legs", "hull", "joints", "moon", "car", "world", "contactListener_keepref"), _BODIES),
    "sim": "MuJoCo's data and model are `env.unwrapped.data` and `env.unwrapped.model`",
    "do_simulation": "`step` applies controls; `jaxenvs.make(id, frame_skip=1)` makes its steps shorter",
    "reset_model": "`reset` begins an episode",
    "observation_structure": "`jaxenvs info ID` describes each entry of the observation",
    "lastaction": "the last action is no part of the state",
    "reward_range": "Gymnasium removed it; `jaxenvs.unwrap(jaxenvs.make(id)).reward_range` has it",
    "get_action_meanings": "`jaxenvs info ID` describes the actions; games of the ALE have the method",
    "get_keys_to_action": "`jaxenvs play ID` is for people",
    "seed": "the seed is an argument: `env.reset(seed=3)`",
}
"""Attributes of Gymnasium's environments that ours do not have, and what there is in their place."""


WITHOUT_EFFECT: dict[str, frozenset[str]] = {
    "CarRacing": frozenset({"verbose"}),
    "AntMaze": frozenset(
        {
            "contact_cost_weight",
            "ctrl_cost_weight",
            "forward_reward_weight",
            "healthy_reward",
            "healthy_z_range",
            "main_body",
            "terminate_when_unhealthy",
        }
    ),
}
"""Arguments of Gymnasium's constructors that change nothing of the task, by the name of the environment's class.

Our CarRacing prints nothing; a maze ignores the reward and the health of its ant.
"""


def name_here(cls: type[Any], name: str, fields: Container[str]) -> str:
    """The name that a field has here; `name` itself if it is one, or if Gymnasium has no such field.

    Args:
        cls: class of the environment.
        name: its name here or in Gymnasium.
        fields: names of the class's fields.
    """
    ours = NAMES.get(cls.__name__, {}).get(name, name)
    return ours if name not in fields and ours in fields else name


def fields_here(cls: type[Any], given: dict[str, Any], fields: Container[str]) -> dict[str, Any]:
    """Values for fields under the names that they have here; a field given under both names keeps them.

    Arguments of Gymnasium's constructors that have no effect here are left out.

    Args:
        cls: class of the environment.
        given: values by name, here or in Gymnasium.
        fields: names of the class's fields.
    """
    left_out = WITHOUT_EFFECT.get(cls.__name__, frozenset()) if cls.__module__.startswith("jaxenvs.envs.") else ()
    given = {name: value for name, value in given.items() if name in fields or name not in left_out}
    names = {name: name_here(cls, name, fields) for name in given}
    return {name if ours in given else ours: given[name] for name, ours in names.items()}
