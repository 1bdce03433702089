"""The episodes that end in windows of steps whose flags are bits. It does not use JAX."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class PackedEnds:
    """The ends of episodes in a block, in the order of windows, of lanes in a window, and of steps in a lane.

    Attributes:
        window: (windows,) int64, how many ended in each window.
        lane: (episodes,) uint16 or wider, the lane.
        step: (episodes,) uint16 or wider, the step of the block.
        length: (episodes,) uint16 or wider, the steps of the episode.
        terminated: (episodes,) bool, or the value of all.
        truncated: the same for the other flag.
    """

    window: np.ndarray
    lane: np.ndarray
    step: np.ndarray
    length: np.ndarray
    terminated: np.ndarray | bool
    truncated: np.ndarray | bool

    def __len__(self) -> int:
        return len(self.lane)


def packed_ends(terminated: np.ndarray, truncated: np.ndarray, steps: int, elapsed: np.ndarray) -> PackedEnds:
    """Finds the episodes that end in a block, and goes on counting.

    The windows of all lanes are treated as a whole, since operations on single episodes take most of the time.

    Args:
        terminated: (windows, lanes) uint8, a bit for each step, the first the lowest.
        truncated: the same for the other flag.
        steps: the number of steps in a window.
        elapsed: (lanes,) int64, the steps of the episode that each lane is in; it is changed to those after the block.
    """
    windows, lanes = terminated.shape
    has_truncated = bool(truncated.max(initial=0))
    ended = terminated | truncated if has_truncated else terminated
    counts = np.bitwise_count(ended)
    is_single = counts.max(initial=0) <= 1
    is_end = counts.view(bool) if is_single else counts != 0
    # Steps are counted from `first`, so that they are above 0 before the block as well, and 0 is free for no step.
    first = int(elapsed.max(initial=0)) + 1
    number = np.uint16 if max(first + windows * steps, lanes) < 2**16 else np.uint32
    begins = np.arange(first + 1, first + 1 + windows * steps, steps, dtype=number)[:, None]
    end = begins + (_place(ended) if is_single else _LAST[ended])  # (windows, lanes), of the last episode in the window
    np.multiply(end, is_end, out=end)
    start = np.empty_like(end)  # the end of the episode before those of the window
    running = (first - elapsed).astype(number)
    for before, ends in zip(start, end):
        before[:] = running
        np.maximum(running, ends, out=running)
    elapsed[:] = windows * steps + first - running.astype(np.int64)
    index = np.flatnonzero(is_end)
    if is_single:
        last, length = np.take(end, index), np.take(np.subtract(end, start, out=start), index)
    else:
        index, last, length = _several(ended, index, begins, start)
    step = last - number(first + 1)
    bounds = np.arange(windows + 1) * lanes
    found = np.searchsorted(index, bounds)
    window = found[1:] - found[:-1]
    lane = index.astype(number)  # numbers of two bytes wrap around twice, here and in the next line
    lane -= np.repeat(bounds[:-1].astype(number), window)
    flags: list[np.ndarray | bool] = [True, False]
    if has_truncated:
        place = (step % number(steps)).astype(np.uint8)
        flags = [(np.take(x, index) >> place & np.uint8(1)).astype(bool) for x in (terminated, truncated)]
    return PackedEnds(window, lane, step, length, *flags)


def _several(
    ended: np.ndarray, index: np.ndarray, begins: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the window, end and length of each episode, if several end in one window."""
    bits = ended.reshape(-1)[index]
    counts = np.bitwise_count(bits)
    index, bits = np.repeat(index, counts), np.repeat(bits, counts)
    again = np.concatenate([[False], index[1:] == index[:-1]])
    for _ in range(int(counts.max()) - 1):  # each drops the bits of the episodes before it in its window
        bits[1:] = np.where(again[1:], bits[:-1] & (bits[:-1] - np.uint8(1)), bits[1:])
    end = begins[index // ended.shape[1], 0] + _place(bits & (~bits + np.uint8(1)))
    before = np.where(again, np.roll(end, 1), np.take(start, index))
    return index, end, end - before


def _place(bits: np.ndarray) -> np.ndarray:
    """The place of the only bit of each byte, from 0; 8 if there is none."""
    return np.bitwise_count(bits - np.uint8(1))


_LAST = np.array([max(byte.bit_length() - 1, 0) for byte in range(256)], np.uint8)
"""The place of the highest bit of each byte."""
