"""bsuite's loggers and scores, of runs through DmEnvironment."""

import importlib.util
import warnings

import numpy as np
import pytest

pytest.importorskip("dm_env", reason="dm_env is not installed")

from jaxenvs.adapters import DmEnvironment  # needs dm_env
from jaxenvs.bsuite import make_bsuite

pytestmark = pytest.mark.neighbours

EPISODES = 10
"""bsuite logs each of the first ten."""
RANDOM_REGRET = 1.6
"""What bsuite takes as an episode's regret without learning: 1 minus the return of a paddle that moves at random."""


def follow(board):
    """Catch: 0 to go left, 1 to stay, 2 to go right. The paddle is in the last row."""
    paddle = int(np.argmax(board[-1]))
    ball = int(np.argmax(board[:-1].max(axis=0))) if board[:-1].any() else paddle
    return 1 + int(np.sign(ball - paddle))


def test_bsuite_scores_what_its_logger_recorded(tmp_path):
    if importlib.util.find_spec("bsuite") is None:
        pytest.skip("needs bsuite, which the extra `test-neighbours` installs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about escapes in strings and older packages
        from bsuite.experiments.summary_analysis import bsuite_score
        from bsuite.logging import csv_load, csv_logging

    env = DmEnvironment(make_bsuite("catch/0"), seed=0)
    logged = csv_logging.wrap_environment(env, "catch/0", str(tmp_path))
    returns = []
    for episode in range(EPISODES):
        timestep = logged.reset()
        while not timestep.last():
            timestep = logged.step(follow(timestep.observation) if episode % 2 else 1)
        returns.append(timestep.reward)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table, _ = csv_load.load_bsuite(str(tmp_path))
        scores = bsuite_score(table)
    assert scores["bsuite_env"].tolist() == ["catch"] and not scores["finished"].any()  # 10,000 episodes are wanted
    assert returns[1::2] == [1] * (EPISODES // 2) and -1 in returns
    regret = 1 - np.mean(returns)
    assert scores["score"].tolist() == pytest.approx([(RANDOM_REGRET - regret) / RANDOM_REGRET])
