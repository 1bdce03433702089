"""Recorded transitions of LunarLander as states of this package."""

import jax
import numpy as np

from jaxenvs.envs.box2d.lunar_lander import LunarLander, LunarLanderState
from jaxenvs.simulators.box2d import World
from jaxenvs.simulators.box2d.contacts import Contacts
from tests.parity import _lunar_lander_reference as reference


def env_of(variant, solver="converged"):
    return LunarLander(**reference.VARIANTS[variant], solver=solver)


def state_of(rows, env):
    """The states before the transitions."""
    count = len(rows["action"])
    of = {name.removeprefix("before."): values for name, values in rows.items() if name.startswith("before.")}
    names = ("edge", "points", "feature", "impulse")
    contacts = Contacts(**{n: of[n].astype(np.float32 if n == "impulse" else np.int32) for n in names})
    plain = ("position", "angle", "velocity", "angular_velocity", "sleep_time", "awake", "joint_impulse", "fat_box")
    world = World(
        **{name: of[name] for name in plain}, contacts=contacts, touched=of["touched"], overflow=np.zeros(count, bool)
    )
    return LunarLanderState(
        world=world,
        terrain=rows["terrain"].astype(np.float32),
        crashed=of["crashed"],
        shaping=of["shaping"],
        wind_index=of["wind_index"] if env.enable_wind else None,
        engines=np.zeros((count, 2), np.float32),
        key=jax.random.split(jax.random.key(0), count),
    )


def golden(variant):
    with np.load(reference.GOLDEN) as file:
        return {name.split("/")[1]: file[name] for name in file.files if name.startswith(f"{variant}/")}
