"""Verification between checkpoints: what rounding explains, and that nobody can push an episode with the rest."""

import dataclasses
import functools
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.scoreboard.board import board_of
from jaxenvs.scoreboard.program import program_of
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.segments import joined, most_drift, split, verify_segments
from jaxenvs.scoreboard.submission import Checkpoints
from tests.scoreboard.honest import played

ENV_ID = "MountainCarContinuous-v0"
EPISODES = 3


def pushed(push, index, episode=0):
    """Random actions whose states have another velocity at some checkpoints of an episode."""
    submission = played(ENV_ID, EPISODES)
    leaves, first = split(submission.checkpoints, submission.episodes.length, program_of(ENV_ID))
    velocity = next(i for i, leaf in enumerate(leaves) if leaf.dtype.kind == "f" and np.abs(leaf).max() < 0.08)
    leaves[velocity][first[episode] + np.asarray(index)] += np.float32(push)
    return dataclasses.replace(
        submission, checkpoints=dataclasses.replace(submission.checkpoints, states=joined(leaves))
    )


def verified(submission, episodes=range(EPISODES)):
    return verify_segments(submission, board_of(ENV_ID), program_of(ENV_ID), np.asarray(episodes), lambda done: None)


def test_what_was_played_follows_from_its_checkpoints():
    submission = played(ENV_ID, EPISODES)
    np.testing.assert_array_equal(verified(submission), submission.episodes.episode_return)


def test_episodes_may_have_no_checkpoints_at_all():
    submission = played(ENV_ID, EPISODES)
    without = dataclasses.replace(submission, checkpoints=Checkpoints(10_000, b""))
    np.testing.assert_array_equal(verified(without), submission.episodes.episode_return)


def test_a_push_counts_relative_to_the_speed_of_the_car():
    """The engine adds at most 0.0015 a step, and the car is never faster than 0.07."""
    verified(pushed(1e-6, range(10)))
    with pytest.raises(Rejected, match="to another state than its checkpoint"):
        verified(pushed(3e-4, [5]))


def test_small_pushes_add_up_over_an_episode():
    with pytest.raises(Rejected, match=r"Episode 0 .* are off by .* rounding explains"):
        verified(pushed(1e-5, range(20)))
    with pytest.raises(Rejected, match=r"Episode 2 .* are off by"):
        verified(pushed(1e-5, range(0, 40, 2), episode=2))


def test_all_pushes_of_an_episode_together_are_less_than_one_step_of_the_engine():
    length = played(ENV_ID, EPISODES).episodes.length.max()
    assert most_drift(length) * 0.07 < 0.0015 / 10


def test_states_of_other_episodes_do_not_make_the_scale():
    """Those of an episode that needs no checkpoints are not verified, and could be anything."""
    submission = pushed(1e6, range(10), episode=1)
    with pytest.raises(Rejected, match=r"Episode 0 .* are off by"):
        leaves, first = split(submission.checkpoints, submission.episodes.length, program_of(ENV_ID))
        small = next(i for i, leaf in enumerate(leaves) if np.abs(leaf[: first[1]]).max() < 0.08)
        leaves[small][first[0] : first[0] + 20] += np.float32(1e-5)
        states = dataclasses.replace(submission.checkpoints, states=joined(leaves))
        verified(dataclasses.replace(submission, checkpoints=states), [0, 2])


PLAYS = """
import sys
import jaxenvs
from jaxenvs import scoreboard
challenge = scoreboard.public_challenge(sys.argv[1], episodes=int(sys.argv[3]))
policy = jaxenvs.RandomPolicy(jaxenvs.make(sys.argv[1]).action_space)
author = scoreboard.Author("Random", kind="hand-written")
open(sys.argv[2], "wb").write(scoreboard.play(sys.argv[1], policy, challenge, author).to_bytes())
"""


@functools.cache
def played_without_fused_multiply_adds(env_id, episodes):
    environment = {**os.environ, "XLA_FLAGS": "--xla_cpu_max_isa=AVX", "JAX_PLATFORMS": "cpu"}
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "played.zip"
        subprocess.run([sys.executable, "-c", PLAYS, env_id, archive, str(episodes)], env=environment, check=True)
        return scoreboard.Submission.read(archive)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs an x86 processor, to leave out a part")
@pytest.mark.parametrize(("env_id", "episodes"), [("Pendulum-v1", 20), ("LunarLander-v3", 20), ("BipedalWalker-v3", 5)])
def test_what_a_processor_without_fused_multiply_adds_played_verifies(env_id, episodes):
    """It rounds otherwise in nearly every step, so that episodes come out differently and their checkpoints count."""
    submission = played_without_fused_multiply_adds(env_id, episodes)
    verdict = scoreboard.verify(submission, rules=scoreboard.Rules(episodes=episodes))
    assert verdict.state == "verified" and verdict.by_checkpoints, verdict.reason


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs an x86 processor, to leave out a part")
def test_pushes_in_contacts_are_no_rounding():
    """A contact amplifies rounding in a direction of its own, which explains no speed that is pushed in another."""
    env_id, every_episode = "LunarLander-v3", np.arange(20)
    submission = played_without_fused_multiply_adds(env_id, 20)
    board, program = board_of(env_id), program_of(env_id)
    verify_segments(submission, board, program, every_episode, lambda done: None)

    states = jax.eval_shape(board.env.reset, jax.random.key(0, impl="jaxenvs"))[0]
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(states)[0]]
    leaves, first = split(submission.checkpoints, submission.episodes.length, program)
    velocity, points = (leaves[names.index(f".inner.world.{name}")] for name in ("velocity", "contacts.points"))
    touching = np.flatnonzero((points > 0).any(axis=(1, 2)))
    assert len(touching) >= 3
    for index in touching:
        honest = velocity[index].copy()
        velocity[index, :, 0] += np.float32(3e-3) * np.maximum(np.abs(honest[:, 0]), np.float32(1))
        pushed = dataclasses.replace(submission.checkpoints, states=joined(leaves))
        velocity[index] = honest
        episode = np.searchsorted(first, index, side="right") - 1
        with pytest.raises(Rejected, match="another state"):
            verify_segments(
                dataclasses.replace(submission, checkpoints=pushed), board, program, episode[None], lambda done: None
            )
