"""The columns of the episodes that ended in a block of steps."""

import numpy as np

from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.evaluate import Evaluation


def episode_columns(endings: Endings, *, steps_before: int, seconds: tuple[float, float]) -> dict[str, np.ndarray]:
    """The columns for `EpisodeWriter.add` of the episodes that ended, in the order in which they did.

    Args:
        endings: NumPy arrays with axes (steps, seeds, lanes).
        steps_before: the steps of all lanes of a seed before these.
        seconds: when the first of these steps began and the last one ended, in seconds since the run started. The
            steps in between are taken to last equally long.

    Returns:
        The columns, (episodes,) each.
    """
    steps, seeds, lanes = endings.ended.shape
    index = np.flatnonzero(endings.ended)
    step, place = np.divmod(index, seeds * lanes)
    seed, lane = np.divmod(place, lanes)
    begin, end = seconds
    return {
        "seed": seed.astype(np.int32),
        "lane": lane.astype(np.int32),
        "episode_return": np.take(endings.episode_return, index).astype(np.float64),
        "length": np.take(endings.length, index).astype(np.int64),
        "terminated": np.take(endings.terminated, index),
        "truncated": np.take(endings.truncated, index),
        "env_steps": steps_before + (step + 1) * lanes,
        "seconds": begin + (step + 1) * ((end - begin) / steps),
    }


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
