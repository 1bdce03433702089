"""Recorded transitions of BipedalWalker as states of this package."""

import numpy as np

from jaxenvs.envs.box2d._bipedal_lidar import RAYS
from jaxenvs.envs.box2d._bipedal_terrain import Terrain
from jaxenvs.envs.box2d.bipedal_walker import BipedalWalker, BipedalWalkerState
from jaxenvs.simulators.box2d import World
from jaxenvs.simulators.box2d.contacts import Contacts
from tests.parity import _bipedal_walker_reference as reference

IDS = {"plain": False, "hardcore": True}
"""Names of the versions, and whether they have obstacles."""


def state_of(rows, env: BipedalWalker) -> BipedalWalkerState:
    """The states before the transitions."""
    count, pairs = len(rows["action"]), env.model.pairs
    of = {name.removeprefix("before."): values for name, values in rows.items() if name.startswith("before.")}
    names = ("edge", "points", "feature", "impulse")
    contacts = Contacts(**{n: of[n][:, :, :pairs].astype(np.float32 if n == "impulse" else np.int32) for n in names})
    plain = ("position", "angle", "velocity", "angular_velocity", "sleep_time", "awake", "joint_impulse", "fat_box")
    world = World(
        **{name: of[name] for name in plain}, contacts=contacts, touched=of["touched"], overflow=np.zeros(count, bool)
    )
    boxes = rows["boxes"].astype(np.float32) if env.hardcore else None
    terrain = Terrain(rows["heights"].astype(np.float32), boxes, np.zeros((count, 10, 5, 2), np.float32))
    return BipedalWalkerState(world, terrain, np.zeros((count, RAYS), np.float32), of["fallen"])


def golden(name: str):
    """Recorded transitions, by version."""
    with np.load(reference.GOLDEN) as file:
        return {key.split("/")[1]: file[key] for key in file.files if key.startswith(f"{name}/")}
