"""One emulator, which can be set to any state and stepped from there: the work of a worker for a lane.

Workers import this module, so it uses only NumPy and ale-py.
"""

import itertools
from typing import Any

import ale_py
import numpy as np
from ale_py import roms

from jaxenvs_ale_bridge.layout import (
    LATE_FRAMES,
    SNAPSHOT_BYTES,
    SOUND_FRAMES,
    WARM_FRAMES,
    Count,
    GameProgram,
    Machine,
)

_NOOP = 0

_LONGEST_FRAME = 50_000
"""If a snapshot has at most this number of cycles, it was certainly taken between two pictures. A picture takes about
20,000; if a game draws none, the emulator stops after 25,000 instructions of 2 cycles or more."""

_SHORTEST_FRAME = 18_000
"""Number of cycles in which a frame reaches the last line of the screen: 76 for each of about 244 lines."""

# In these games the emulator can stop in the middle of a picture, because they compute for long or boot that way. The
# snapshots of ale-py 0.12.1 do not record whether it did (that was added later, in pull request 732), nor what the
# screen shows meanwhile. So their snapshots are taken only between pictures.
_INTERRUPTED = {"qbert", "tetris", "tic_tac_toe_3d", "video_checkers", "video_chess"}

# In these games ale-py 0.12.1 does not save the whole state: Pitfall II's music has a fraction that is rounded, and
# Miniature Golf has some counters. Restoring each snapshot when it is taken makes both ways to a later state equal.
_ROUNDED = {"pitfall2", "miniature_golf"}

Lane = dict[str, np.ndarray]
"""The arrays of a block at one lane."""


class Boot:
    """The canonical start of a machine: that of a newly made emulator after its reset.

    `reset_game` on a used emulator gives a state that differs in a few bytes, so episodes never begin with that.

    Attributes:
        snapshot: the start, as in a state.
        needs_reset: whether an emulator must be reset before it is restored to the start. Otherwise its first picture
            is not the one after the boot, if that ended in the middle of a picture (Q*bert, Tetris) or the first frame
            is short and keeps old content (Amidar, Koolaid, Trondead).
        views: the observed picture or memory at the start, by view.
        sound: the sound at the start, None if no sound is recorded.
        counters: lives, and both frame numbers, which are above 0 if a mode was chosen with the switch.
    """

    def __init__(self, ale: ale_py.ALEInterface, sound: bool) -> None:
        serialised = ale.cloneState().serialize()
        self.snapshot = pack(serialised)
        self.views = {"rgb": ale.getScreenRGB(), "grayscale": ale.getScreenGrayscale(), "ram": ale.getRAM()}
        self.sound = ale.getAudio() if sound else None
        self.counters = ale.lives(), ale.getEpisodeFrameNumber(), ale.getFrameNumber()
        ale.act(_NOOP)
        first_frame = cycles(ale.cloneState().serialize())
        self.needs_reset = cycles(serialised) > _LONGEST_FRAME or first_frame < _SHORTEST_FRAME


def new_interface(machine: Machine) -> ale_py.ALEInterface:
    """A console with the game loaded, not reset yet. It uses no random numbers of its own: those come from JAX."""
    ale = ale_py.ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.setInt("random_seed", 0)
    ale.setBool("sound_obs", machine.sound)
    path = roms.get_rom_path(machine.game)
    if path is None:
        raise FileNotFoundError(f"ale-py has no ROM of {machine.game!r}")
    ale.loadROM(path)
    if machine.mode is not None:
        ale.setMode(machine.mode)
    if machine.difficulty is not None:
        ale.setDifficulty(machine.difficulty)
    return ale


def boot(machine: Machine) -> Boot:
    """Makes a machine's canonical start."""
    ale = new_interface(machine)
    ale.reset_game()
    return Boot(ale, machine.sound)


class Emulator:
    """A live emulator, and the state it is at.

    If it is already at the state to step, it continues from there; else it restores the state's snapshot and replays
    the actions since then. Both give the same result, bit for bit.
    """

    def __init__(self, machine: Machine, start: Boot) -> None:
        self._machine, self._start = machine, start
        self._ale = new_interface(machine)
        self._snapshot = b""
        self._log = bytearray()
        self._strengths: list[float] = []
        self._next: tuple[int, bytes] | None = None  # the snapshot to come: frames since the last one, and bytes
        self._is_over = False
        self._spare: dict[tuple[int, ...], np.ndarray] = {}

    def step(self, program: GameProgram, lane: Lane) -> None:
        """Steps the state in `lane` in place, and writes the results."""
        self._bring_to(program, lane)
        actions = lane["actions"][: lane["counts"][Count.FRAMES]].tolist()
        strengths = lane["strengths"].tolist() if program.continuous else itertools.repeat(1.0)
        before_last = None
        lives = self._ale.lives()
        reward = 0
        for left, action, strength in zip(range(len(actions) - 1, -1, -1), actions, strengths):
            if self._is_over or (program.stops_at_life_loss and self._ale.lives() < lives):
                break
            if left == 0 and program.frames != "last":
                before_last = self._spare_frame(program)
                self._see(program, before_last)
            reward += self._act(program, action, strength)
        self._move_snapshot(lane)
        self._write_log(program, lane)
        self._observe(program, lane, before_last)
        ale = self._ale
        lane["facts"][:] = (
            len(self._log),
            reward,
            self._is_over,
            ale.lives(),
            ale.getEpisodeFrameNumber(),
            ale.getFrameNumber(),
        )

    def render(self, program: GameProgram, lane: Lane) -> None:
        """Draws the state in `lane`."""
        self._bring_to(program, lane)
        if self._log:
            self._ale.getScreenRGB(lane["picture"])
        else:
            lane["picture"][...] = self._start.views["rgb"]

    def _bring_to(self, program: GameProgram, lane: Lane) -> None:
        snapshot, length = lane["snapshot"].tobytes(), lane["counts"][Count.LOG_LENGTH]
        log = lane["log"][:length].tobytes()
        strengths = lane["log_strength"][:length].tolist() if program.continuous else []
        if snapshot == self._snapshot and log == self._log and strengths == self._strengths:
            return
        self._restore(snapshot)
        for frame, action in enumerate(log):
            self._act(program, action, strengths[frame] if strengths else 1.0)

    def _restore(self, snapshot: bytes) -> None:
        ale, start, serialised = self._ale, self._start, unpack(snapshot)
        if cartridge(serialised) != cartridge(unpack(start.snapshot)):
            raise ValueError(f"the state belongs to another game than {self._machine.game!r}")
        self._snapshot = b""  # if anything fails before it is set, the emulator is at no state
        if snapshot == start.snapshot and self._machine.sound:
            # Only a new emulator resets the sound chip, whose state is not part of a snapshot.
            ale = self._ale = new_interface(self._machine)
            ale.reset_game()
        elif snapshot == start.snapshot and start.needs_reset:
            ale.reset_game()
        elif self._machine.game in _INTERRUPTED:
            ale.restoreState(ale_py.ALEState(unpack(start.snapshot)))
            for _ in range(WARM_FRAMES):  # so that it is not in the middle of a picture
                ale.act(_NOOP)
        ale.restoreState(ale_py.ALEState(serialised))
        self._log, self._strengths, self._next = bytearray(), [], None
        self._is_over = ale.game_over()
        self._snapshot = snapshot

    def _act(self, program: GameProgram, action: int, strength: float) -> int:
        """One frame."""
        frames = len(self._log)
        if frames >= program.interval and self._next is None:
            self._prepare_snapshot(frames, program.interval + LATE_FRAMES)
        reward = self._ale.act(action, strength)
        self._log.append(action)
        if program.continuous:
            self._strengths.append(strength)
        self._is_over = self._ale.game_over()
        if self._next is not None and self._machine.game in _INTERRUPTED:
            self._check_next(frames + 1, program.interval + LATE_FRAMES)
        return reward

    def _check_next(self, frames: int, latest: int) -> None:
        """Drops the next snapshot if one of the frames needed after it drew no complete picture."""
        is_warming = self._next is not None and frames <= self._next[0] + WARM_FRAMES
        if is_warming and frames < latest and cycles(self._ale.cloneState().serialize()) > _LONGEST_FRAME:
            self._next = None

    def _prepare_snapshot(self, frames: int, latest: int) -> None:
        if self._machine.sound:
            raise ValueError(f"with sound an episode can hold {SOUND_FRAMES} frames; end it before with a TimeLimit")
        serialised = self._ale.cloneState().serialize()
        if cycles(serialised) > _LONGEST_FRAME and frames < latest:
            return
        if self._machine.game in _ROUNDED:
            self._ale.restoreState(ale_py.ALEState(serialised))
        self._next = frames, serialised

    def _move_snapshot(self, lane: Lane) -> None:
        if self._next is None or len(self._log) < self._next[0] + WARM_FRAMES:
            return
        frames, serialised = self._next
        self._snapshot, self._next = pack(serialised), None
        del self._log[:frames]
        del self._strengths[:frames]
        lane["snapshot"][...] = np.frombuffer(self._snapshot, np.uint8)

    def _write_log(self, program: GameProgram, lane: Lane) -> None:
        length = len(self._log)
        lane["log"][:length] = self._log
        lane["log"][length:] = 0
        if program.continuous:
            lane["log_strength"][:length] = self._strengths
            lane["log_strength"][length:] = 0

    def _observe(self, program: GameProgram, lane: Lane, before_last: np.ndarray | None) -> None:
        observation = lane["observation"]
        last = observation[1] if program.frames == "last_two" else observation
        self._see(program, last)
        if program.frames == "last_two":
            observation[0] = last if before_last is None else before_last
        elif before_last is not None:
            np.maximum(observation, before_last, out=observation)
        if self._machine.sound:
            if self._log:
                self._ale.getAudio(lane["sound"])
            else:
                lane["sound"][...] = self._start.sound

    def _see(self, program: GameProgram, into: np.ndarray) -> None:
        """Copies the view of the current frame. A restored emulator has no picture before its first frame."""
        if not self._log:
            into[...] = self._start.views[program.view]
        elif program.view == "rgb":
            self._ale.getScreenRGB(into)
        elif program.view == "grayscale":
            self._ale.getScreenGrayscale(into)
        else:
            self._ale.getRAM(into)

    def _spare_frame(self, program: GameProgram) -> np.ndarray:
        shape = program.frame_shape
        if shape not in self._spare:
            self._spare[shape] = np.empty(shape, np.uint8)
        return self._spare[shape]


def pack(serialised: bytes) -> bytes:
    """A serialised emulator in the fixed size of a state's snapshot."""
    if len(serialised) + 4 > SNAPSHOT_BYTES:
        raise ValueError(f"the emulator's state has {len(serialised)} bytes, above the {SNAPSHOT_BYTES - 4} foreseen")
    return len(serialised).to_bytes(4, "little") + serialised.ljust(SNAPSHOT_BYTES - 4, b"\0")


def unpack(snapshot: bytes) -> bytes:
    """What `pack` packed."""
    return snapshot[4 : 4 + int.from_bytes(snapshot[:4], "little")]


_FIRST_PART = len(b"System").to_bytes(4, "little") + b"System"
_CARTRIDGE_BYTES = 32


def cycles(serialised: bytes) -> int:
    """The processor's cycles since the current picture was begun; they follow the name of the first part."""
    place = serialised.index(_FIRST_PART) + len(_FIRST_PART)
    return int.from_bytes(serialised[place : place + 4], "little")


def cartridge(serialised: bytes) -> bytes:
    """The digest of the game's ROM, which comes before the first part; empty if there is no emulator."""
    place = serialised.find(_FIRST_PART)
    return serialised[max(place - _CARTRIDGE_BYTES, 0) : max(place, 0)]


def start_outcome(program: GameProgram, start: Boot) -> dict[str, Any]:
    """The state at the start and its views, in the form of a step's arrays for one lane, without zeros."""
    frame = start.views[program.view]
    outcome = {
        "snapshot": np.frombuffer(start.snapshot, np.uint8),
        "observation": np.stack([frame, frame]) if program.frames == "last_two" else frame,
        "facts": (0, 0, 0, *start.counters),
    }
    return outcome | ({"sound": start.sound} if program.machine.sound else {})
