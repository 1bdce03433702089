"""What is played is recorded, and replays."""

import jax
import numpy as np

import jaxenvs
from jaxenvs.monitor import read_episodes
from jaxenvs.monitor.recording.replayer import Replayer
from jaxenvs.play import RunRecording
from jaxenvs.play.recording import Recorder
from jaxenvs.play.session import Session


def play(session, choose):
    """Plays the episode to its end; returns the actions."""
    taken = []
    while not session.done:
        taken.append(choose(len(taken)))
        session.step(taken[-1])
    return taken


def test_a_session_hands_on_finished_episodes_alone():
    kept = []
    session = Session("CartPole-v1", jaxenvs.make("CartPole-v1"), 4, Recorder(kept.append))
    session.step(1)
    session.reset()  # the first episode is left early
    actions = play(session, lambda n: n % 2)
    session.reset()
    session.close()
    (episode,) = kept
    assert [int(action) for action in episode.actions] == actions
    assert episode.length == len(actions) == episode.episode_return
    assert episode.terminated and not episode.truncated
    expected = jax.random.fold_in(jaxenvs.random.key(4), 1)
    assert jax.random.key_data(episode.key).tolist() == jax.random.key_data(expected).tolist()


def test_a_recording_is_a_run_folder_that_replays(tmp_path):
    env = jaxenvs.make("CartPole-v1")
    recording = RunRecording(env, tmp_path / "played", "CartPole-v1", seed=7)
    session = Session("CartPole-v1", env, 7, recording.recorder())
    lengths = [len(play(session, lambda n: 1))]
    session.reset()
    lengths.append(len(play(session, lambda n: n % 2)))
    recording.close()
    episodes = read_episodes(tmp_path / "played")
    assert episodes["length"].tolist() == lengths
    np.testing.assert_array_equal(episodes["episode_return"], lengths)
    assert episodes["env_steps"].tolist() == np.cumsum(lengths).tolist()
    assert recording.run.manifest()["status"] == "finished"
    replayed = Replayer(tmp_path / "played").play(1, "player")
    assert replayed.differences == ()
    assert replayed.episode.actions.tolist() == [n % 2 for n in range(lengths[1])]
