"""The gallery at the top of README: `python -m docs.generator.gallery`.

Each row of pictures is as wide as the gallery. Needs the extra `robotics`. The tasks of Box2D take a minute to
compile.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

import jaxenvs
from docs.generator.pictures import play

FILE = Path(__file__).parents[2] / "notebooks" / "images" / "gallery.png"
WIDTH, GAP = 1200, 10
"""Pixels."""


@dataclasses.dataclass(frozen=True)
class Shot:
    """What a picture shows.

    Attributes:
        id: the environment.
        steps: number of steps with random actions that are played first.
        actions: actions that are played instead, and how often each: `((action, count), ...)`.
        seed: of the start, unless actions are random.
    """

    id: str
    steps: int = 0
    actions: tuple[tuple[Any, int], ...] = ()
    seed: int = 0


ROWS = (
    (
        Shot("LunarLander-v3", actions=((0, 34), (2, 8)), seed=3),
        Shot("BipedalWalker-v3", actions=(((0.2, -0.4, -0.6, 0.5), 25),)),
        Shot("CarRacing-v3", actions=(((0.0, 0.4, 0.0), 70),)),
        Shot("FetchPickAndPlace-v4"),
    ),
    (
        Shot("CartPole-v1", actions=((1, 6),)),
        Shot("MountainCar-v0", 60),
        Shot("Pendulum-v1", 5),
        Shot("Acrobot-v1", actions=((2, 6), (0, 5), (2, 6), (0, 5), (2, 4))),
        Shot("HalfCheetah-v5", 10),
    ),
    (
        Shot("rlenvs/Minecraft-v0"),
        Shot("VoxelCraft-v0", seed=4),
        Shot("MinAtar/SpaceInvaders-v1", 30),
        Shot("PointMaze_Medium-v3"),
        Shot("two_player/Go9x9-v0", 40),
        Shot("two_player/ConnectFour-v0", 8),
    ),
    (
        Shot("FrozenLake-v1", 3),
        Shot("Taxi-v4"),
        Shot("CliffWalking-v1"),
        Shot("Blackjack-v1"),
    ),
)


def frame(shot: Shot) -> Image.Image:
    """The picture of one environment."""
    env = jaxenvs.make(shot.id)
    if shot.steps:
        return Image.fromarray(play(env, num_frames=2, stride=shot.steps)[-1])

    @jax.jit
    def drawn(key: Any) -> Any:
        state, _ = env.reset(key)
        for action, count in shot.actions:
            chosen = env.action_space.validate(np.asarray(action, np.int32 if isinstance(action, int) else np.float32))
            state = jax.lax.fori_loop(0, count, lambda _, state, chosen=chosen: env.step(state, chosen)[0], state)
        return env.render(state)

    return Image.fromarray(np.asarray(drawn(jaxenvs.random.key(shot.seed))))


def row(pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side, scaled to one height so that they fill the width."""
    room = WIDTH - GAP * (len(pictures) - 1)
    height = round(room / sum(picture.width / picture.height for picture in pictures))
    joined = Image.new("RGB", (WIDTH, height), "white")
    left = 0
    for index, picture in enumerate(pictures):
        width = round(picture.width / picture.height * height)
        if index + 1 == len(pictures):
            width = WIDTH - left
        joined.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        left += width + GAP
    return joined


def gallery(rows: list[Image.Image]) -> Image.Image:
    """Rows one below the other."""
    joined = Image.new("RGB", (WIDTH, sum(one.height for one in rows) + GAP * (len(rows) - 1)), "white")
    top = 0
    for one in rows:
        joined.paste(one, (0, top))
        top += one.height + GAP
    return joined


if __name__ == "__main__":
    whole = gallery([row([frame(shot) for shot in shots]) for shots in ROWS])
    whole.save(FILE, optimize=True)
    print(f"{FILE}: {whole.width} x {whole.height}, {FILE.stat().st_size // 1024} KiB")
