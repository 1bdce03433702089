"""How many episodes are verified a second."""

import dataclasses
import time

import jax.numpy as jnp
import pytest

from jaxenvs import scoreboard
from tests.scoreboard.honest import AUTHOR

EPISODES = 1024


@pytest.mark.slow
def test_a_core_verifies_a_thousand_episodes_of_cart_pole_a_second():
    def balance(observation, key):
        del key
        position, velocity, angle, turning = observation
        return (angle + 0.3 * turning + 0.05 * velocity + 0.02 * position > 0).astype(jnp.int32)

    challenge = scoreboard.public_challenge("CartPole-v1", episodes=EPISODES)
    played = scoreboard.play("CartPole-v1", balance, challenge, AUTHOR)
    assert (played.episodes.length == 500).all()
    submission = scoreboard.Submission.read(dataclasses.replace(played, checkpoints=None).to_bytes())
    assert len(submission.episodes.actions) == 63 * EPISODES
    rules = scoreboard.Rules(episodes=EPISODES)
    scoreboard.verify(submission, rules=rules)  # compiles
    seconds = []
    for _ in range(3):
        began = time.process_time()
        assert scoreboard.verify(submission, rules=rules).state == "verified"
        seconds.append(time.process_time() - began)
    assert EPISODES / min(seconds) > 1000
