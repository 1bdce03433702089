"""The arrays of a batch that are exchanged between the process that runs JAX and the workers, and their layout.

Workers import this module, so it uses only NumPy.
"""

import dataclasses
import math
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

SNAPSHOT_BYTES = 8448
"""Room for a serialised emulator: a length (4 bytes, little-endian) and at most 8.3 KB in any game, most of
which is a random generator written as decimal text."""

SOUND_BYTES = 512
"""Number of sound samples per frame."""

RAM_BYTES = 128

SCREEN_WIDTH = 160

WARM_FRAMES = 3
"""A state keeps the actions of at least this many frames since its snapshot. A short frame leaves old content in its
picture, and the emulator has two picture buffers, which are not part of a snapshot. Two frames repaint both, and one
more may be short."""

LATE_FRAMES = 64
"""By how many frames a snapshot can be delayed if the emulator stopped in the middle of a picture."""

SOUND_FRAMES = 108_000
"""Greatest number of frames of an episode with sound, which is Gymnasium's limit of an episode."""

ObservationKind = Literal["rgb", "grayscale", "ram"]
Frames = Literal["last", "last_two", "maximum"]


class Machine(NamedTuple):
    """A console with a game in it; emulators of equal machines are interchangeable.

    Attributes:
        game: the game's name in snake_case.
        mode: the position of its mode switch, None for the game's default.
        difficulty: the position of its difficulty switch, None for the game's default.
        sound: whether sound is recorded.
    """

    game: str
    mode: int | None
    difficulty: int | None
    sound: bool


@dataclasses.dataclass(frozen=True)
class GameProgram:
    """Everything about a step that determines shapes, or how it is computed.

    Attributes:
        machine: the machine that is emulated.
        height: number of rows of the screen.
        view: which view of a frame is observed.
        frames: which frames of a step are observed.
        frameskip: greatest number of frames in a step.
        interval: number of frames between snapshots.
        continuous: whether actions have a strength.
        stops_at_life_loss: whether a step ends with the frame that loses a life.
    """

    machine: Machine
    height: int
    view: ObservationKind
    frames: Frames
    frameskip: int
    interval: int
    continuous: bool
    stops_at_life_loss: bool

    @cached_property
    def log_size(self) -> int:
        """The greatest number of frames between a state and its snapshot."""
        return self.interval + LATE_FRAMES + WARM_FRAMES + self.frameskip

    @cached_property
    def frame_shape(self) -> tuple[int, ...]:
        """The shape of the view of one frame."""
        screen = self.height, SCREEN_WIDTH
        return {"rgb": (*screen, 3), "grayscale": screen, "ram": (RAM_BYTES,)}[self.view]

    @cached_property
    def state(self) -> dict[str, "Field"]:
        """The emulator's part of a state that is read and written: the snapshot, and the actions since."""
        fields = {"snapshot": Field((SNAPSHOT_BYTES,), "uint8"), "log": Field((self.log_size,), "uint8")}
        return fields | ({"log_strength": Field((self.log_size,), "float32")} if self.continuous else {})

    @cached_property
    def action(self) -> dict[str, "Field"]:
        """The arrays that are only read: `counts` as in `Count`, and the actions of a step's frames."""
        fields = {"counts": Field((len(Count),), "int32"), "actions": Field((self.frameskip,), "uint8")}
        return fields | ({"strengths": Field((self.frameskip,), "float32")} if self.continuous else {})

    @cached_property
    def outcome(self) -> dict[str, "Field"]:
        """The arrays that are only written: `facts` as in `Fact`, the views and the sound."""
        seen = (2, *self.frame_shape) if self.frames == "last_two" else self.frame_shape
        fields = {"facts": Field((len(Fact),), "int32"), "observation": Field(seen, "uint8")}
        return fields | ({"sound": Field((SOUND_BYTES,), "uint8")} if self.machine.sound else {})

    @cached_property
    def picture(self) -> dict[str, "Field"]:
        """The array of the drawn picture."""
        return {"picture": Field((self.height, SCREEN_WIDTH, 3), "uint8")}


class Count(IntEnum):
    """The places of numbers in `counts`."""

    LOG_LENGTH = 0
    FRAMES = 1


class Fact(IntEnum):
    """The places of numbers in `facts`."""

    LOG_LENGTH = 0
    REWARD = 1
    TERMINATED = 2
    LIVES = 3
    EPISODE_FRAME_NUMBER = 4
    FRAME_NUMBER = 5


class Field(NamedTuple):
    """Shape and dtype of an array, for one lane."""

    shape: tuple[int, ...]
    dtype: str


_ALIGNMENT = 64


def block_fields(program: GameProgram, op: str) -> dict[str, Field]:
    """The arrays of a block of shared memory: those of the state are read and written in place."""
    return program.state | program.action | (program.picture if op == "render" else program.outcome)


def block_size(fields: dict[str, Field], lanes: int) -> int:
    """The size of a block in bytes."""
    return sum(_padded(field, lanes) for field in fields.values())


def block_views(buffer: Any, fields: dict[str, Field], lanes: int) -> dict[str, np.ndarray]:
    """The arrays within a block, each with a leading axis of lanes."""
    views, offset = {}, 0
    for name, field in fields.items():
        count = lanes * math.prod(field.shape)
        views[name] = np.frombuffer(buffer, field.dtype, count, offset).reshape(lanes, *field.shape)
        offset += _padded(field, lanes)
    return views


def _padded(field: Field, lanes: int) -> int:
    size = lanes * math.prod(field.shape) * np.dtype(field.dtype).itemsize
    return -(-size // _ALIGNMENT) * _ALIGNMENT
