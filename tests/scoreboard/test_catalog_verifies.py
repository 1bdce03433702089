"""An honest run of every id of the catalog verifies, whatever program recorded it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import monitor, scoreboard
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.scoreboard.board import board_of
from tests.scoreboard.honest import AUTHOR

FAST = ["FrozenLake-v1"]
"""The others take several seconds each to compile; the attacks are on CartPole and Pendulum."""

QUICK = ("algorithmic", "bsuite", "classic_control", "gymnax", "minatar", "rlenvs", "toy_text", "tutorial")
"""Families whose loops compile quickly, so that they are recorded with a single lane as well."""

EMULATED = ["ALE/Pong-v5", "ALE/Freeway-v5", "ALE/Boxing-v5"]
"""Games of the Atari, which an emulator plays."""

STEPS = 12_000
LANES = 3


def challenge_of(env_id):
    return scoreboard.public_challenge(env_id, episodes=1)


def recorded(env_id, folder, steps, lanes=LANES, change=lambda env: env):
    """A loop of random actions over a few lanes, as a person would write it.

    Returns:
        The submission, and the sum of the magnitudes of the rewards of each of its episodes.
    """
    env = change(jaxenvs.AutoReset(board_of(env_id).env))

    @jax.jit
    def loop(state, keys):
        def step(state, key):
            actions = jax.vmap(env.action_space.sample)(jax.random.split(key, lanes))
            state, timestep = jax.vmap(env.step)(state, actions)
            return state, (monitor.outcome(timestep), actions)

        return jax.lax.scan(step, state, keys)

    challenge = challenge_of(env_id)
    state, _ = jax.vmap(env.reset)(jax.random.split(challenge.key, lanes))
    has_ended, played = np.zeros(lanes, bool), []
    with monitor.record(env, key=challenge.key, path=folder, start=state) as recorder:
        for chunk in range(steps // 200):
            state, (outcomes, actions) = loop(state, jax.random.split(jax.random.key(chunk), 200))
            recorder.add(outcomes, actions)
            played.append((np.abs(outcomes.reward, dtype=np.float64), outcomes.terminated | outcomes.truncated))
            has_ended |= np.asarray(played[-1][1]).any(0)
            if has_ended.all():  # from then on, a training counts
                break
    assert has_ended.all(), f"a lane of {env_id} ended no episode within {steps} steps"
    submission = scoreboard.pack(folder, AUTHOR, challenge=challenge)
    rewards, done = (np.concatenate(columns) for columns in zip(*played))
    sums = [[part.sum() for part in np.split(rewards[:, i], np.flatnonzero(done[:, i]) + 1)] for i in range(lanes)]
    return submission, np.array([sums[lane].pop(0) for lane in submission.episodes.lane.tolist()])


def check(env_id, folder, lanes=LANES, **options):
    """An honest run verifies as it was recorded, and a false claim beside it does not."""
    rules = scoreboard.Rules(episodes=1)
    try:
        board = board_of(env_id)
    except DependencyNotInstalled as error:
        pytest.skip(str(error))
    if type(unwrap(board.env)).changes_between_episodes:
        policy = jaxenvs.RandomPolicy(board.env.action_space)
        submission, magnitude = scoreboard.play(env_id, policy, challenge_of(env_id), AUTHOR), 0.0
    else:
        submission, magnitude = recorded(env_id, folder, STEPS, lanes, **options)
    submission = scoreboard.Submission.read(submission.to_bytes())
    verdict = scoreboard.verify(submission, rules=rules)
    assert verdict.state == "verified", verdict.reason
    episodes = submission.episodes
    # A recorder adds rewards in float32: each addition rounds by at most 2**-24 of what is there. Rewards are rounded
    # otherwise in its program, by a few units of 2**-23. What was played is equal.
    rounding = magnitude * (episodes.length * 2.0**-24 + 1e-6)
    assert (abs(verdict.returns - episodes.episode_return) <= rounding).all()
    better = dataclasses.replace(episodes, episode_return=episodes.episode_return + 1 + abs(episodes.episode_return))
    forged = dataclasses.replace(submission, episodes=better)
    assert scoreboard.verify(forged, rules=rules).state == "rejected"
    flags = dataclasses.replace(episodes, terminated=~episodes.terminated, truncated=~episodes.truncated)
    assert scoreboard.verify(dataclasses.replace(submission, episodes=flags), rules=rules).state == "rejected"


@pytest.mark.parametrize("env_id", FAST)
def test_an_honest_run_verifies(env_id, tmp_path):
    check(env_id, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("env_id", [*(spec.id for spec in CATALOG if spec.id not in FAST), *EMULATED])
def test_an_honest_run_of_every_id_verifies(env_id, tmp_path):
    check(env_id, tmp_path / "run")


def test_a_single_lane_verifies(tmp_path):
    check("Pendulum-v1", tmp_path / "run", lanes=1)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", [spec.id for spec in CATALOG if spec.entry_point.split(".")[2] in QUICK])
def test_a_single_lane_of_every_quick_id_verifies(env_id, tmp_path):
    check(env_id, tmp_path / "run", lanes=1)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ["LunarLander-v3", "BipedalWalker-v3"])
def test_a_fused_loop_verifies(env_id, tmp_path):
    """Of which kernels are made from 16 lanes on."""
    pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
    check(env_id, tmp_path / "run", lanes=16, change=jaxenvs.fuse)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_a_robot_that_stumbles_verifies_from_any_number_of_lanes(lanes, tmp_path):
    """Where it jams, a solver amplifies the last bit within a step, so there must be no such bit."""
    check("BipedalWalker-v3", tmp_path / "run", lanes)


def test_a_policy_plays_as_it_is_verified_with_any_number_of_lanes():
    """One step a call and many steps a call are the same program, to the last bit."""
    env_id = "Acrobot-v1"
    challenge = scoreboard.public_challenge(env_id, episodes=2)

    def swing(observation, key):
        del key
        return jnp.where(observation[5] < 0, jnp.int32(0), jnp.int32(2))

    submission = scoreboard.play(env_id, swing, challenge, AUTHOR)
    verdict = scoreboard.verify(submission, rules=scoreboard.Rules(episodes=2))
    assert (verdict.state, verdict.by_checkpoints) == ("verified", 0)
    assert verdict.returns.tolist() == submission.episodes.episode_return.tolist()
