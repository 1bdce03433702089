"""The columns of the episodes that ended in a block of steps."""

import numpy as np

from jaxenvs.monitor.recording.episode_ends import EpisodeEnds
from jaxenvs.monitor.recording.packed_ends import PackedEnds
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.evaluate import Evaluation


def episode_columns(
    ends: EpisodeEnds,
    length: np.ndarray,
    episode_return: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    *,
    steps_before: int,
    seconds: tuple[float, float],
) -> dict[str, np.ndarray]:
    """The columns for `EpisodeWriter.add` of the episodes that ended in a block, in the order in which they did.

    Args:
        ends: where they ended.
        length: (episodes,) int64, their lengths.
        episode_return: (episodes,) float64, their returns.
        terminated: (steps, seeds, lanes) bool, of all steps of the block.
        truncated: (steps, seeds, lanes) bool, of all steps of the block.
        steps_before: the steps of all lanes of a seed before these.
        seconds: when the first of these steps began and the last one ended, in seconds since the run started. The
            steps in between are taken to last equally long.

    Returns:
        The columns, (episodes,) each.
    """
    count, seeds, lanes = terminated.shape
    seed, lane = (np.zeros_like(ends.lane), ends.lane) if seeds == 1 else np.divmod(ends.lane, lanes)
    begin, end = seconds
    return {
        "seed": seed.astype(np.int32),
        "lane": lane.astype(np.int32),
        "episode_return": episode_return,
        "length": length,
        "terminated": np.take(terminated, ends.index),
        "truncated": np.take(truncated, ends.index),
        "env_steps": steps_before + (ends.step + 1) * lanes,
        "seconds": begin + (ends.step + 1) * ((end - begin) / max(count, 1)),
    }


def packed_columns(
    ends: PackedEnds,
    episode_return: np.ndarray,
    *,
    shape: tuple[int, int],
    steps: int,
    steps_before: int,
    seconds: tuple[float, float],
) -> dict[str, np.ndarray]:
    """`episode_columns` of ends that were found in windows, in the order of these.

    Args:
        ends: where episodes ended.
        episode_return: their returns.
        shape: the numbers of seeds and of lanes of each.
        steps: the number of steps in a window.
        steps_before: the steps of all lanes of a seed before these.
        seconds: as in `episode_columns`, but episodes of one window have the same.
    """
    windows, seed, lane = len(ends.window), np.zeros(len(ends), np.int32), ends.lane
    if shape[0] > 1:
        seed, lane = np.divmod(lane, lane.dtype.type(shape[1]))
    begin, end = seconds
    times = begin + np.arange(1, windows + 1) * ((end - begin) / max(windows, 1))
    return {
        "seed": seed,
        "lane": lane,
        "episode_return": episode_return,
        "length": ends.length,
        "terminated": np.broadcast_to(ends.terminated, len(ends)),
        "truncated": np.broadcast_to(ends.truncated, len(ends)),
        "env_steps": (ends.step * np.int64(shape[1])) + (steps_before + shape[1]),
        "seconds": np.repeat(times, ends.window),
    }


def columns_of_endings(endings: Endings, *, steps_before: int, seconds: tuple[float, float]) -> dict[str, np.ndarray]:
    """`episode_columns` of steps that say how long each episode was, as NumPy arrays (steps, seeds, lanes)."""
    ended, terminated, truncated = map(np.asarray, (endings.ended, endings.terminated, endings.truncated))
    ends = EpisodeEnds.of(ended)
    length = np.take(endings.length, ends.index).astype(np.int64)
    episode_return = np.take(endings.episode_return, ends.index).astype(np.float64)
    return episode_columns(
        ends, length, episode_return, terminated, truncated, steps_before=steps_before, seconds=seconds
    )


def evaluation_columns(evaluation: Evaluation, *, seed: int, env_steps: int, seconds: float) -> dict[str, np.ndarray]:
    """The columns for `EpisodeWriter.add` of evaluated episodes; those that were cut short have neither flag.

    Args:
        evaluation: its episodes, each in its own lane.
        seed: which of several agents was evaluated.
        env_steps: the steps of training before the evaluation.
        seconds: the time of the evaluation, in seconds since the run started.
    """
    count = evaluation.num_episodes
    return {
        "seed": np.full(count, seed, np.int32),
        "lane": np.arange(count, dtype=np.int32),
        "episode_return": np.asarray(evaluation.returns, np.float64),
        "length": np.asarray(evaluation.lengths, np.int64),
        "terminated": np.asarray(evaluation.terminated),
        "truncated": np.asarray(evaluation.truncated),
        "env_steps": np.full(count, env_steps, np.int64),
        "seconds": np.full(count, seconds, np.float64),
    }
