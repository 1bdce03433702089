"""Environments and agents from what was typed at the command line."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("mctx", reason="needs the extra board")

import jaxenvs
from jaxenvs.cli import agents
from jaxenvs.errors import InvalidField
from jaxenvs.training import PPO, AlphaZero
from jaxenvs.training.network_opponent import NetworkOpponent


@pytest.fixture
def trained(monkeypatch):
    """What loading a folder gives, by its name: a player of TicTacToe, and an agent of PPO."""
    env = jaxenvs.make("two_player/TicTacToe-v0")
    learner = AlphaZero(total_steps=1_000, channels=4, blocks=1)
    policy = SimpleNamespace(agent=learner.init(env, jaxenvs.random.key(0)).agent)

    def load(path):
        settings = SimpleNamespace(env_id="two_player/TicTacToe-v0", algorithm=path.name)
        by = learner if path.name == "alphazero" else PPO()
        return SimpleNamespace(env=env, learner=by, policy=policy, run=SimpleNamespace(settings=settings))

    monkeypatch.setattr(agents, "load_agent", load)
    return policy.agent


def test_a_trained_player_becomes_the_opponent(trained):
    env = agents.against_agent(
        jaxenvs.make("TicTacToe-v0", num_simulations=7, max_episode_steps=5), Path("runs/alphazero")
    )
    player = jaxenvs.unwrap(env).chosen_opponent
    assert isinstance(player, NetworkOpponent) and player.num_simulations == 7
    assert player.weights is trained.network
    assert env.max_episode_steps == 5


@pytest.mark.parametrize(
    ("id", "folder", "message"),
    [
        ("CartPole-v1", "alphazero", "needs a game against an opponent, such as ConnectFour-v0; CartPole has none"),
        ("two_player/TicTacToe-v0", "alphazero", "TwoPlayerTicTacToe has none"),
        ("ConnectFour-v0", "alphazero", "has learnt two_player/TicTacToe-v0, which is another game"),
        ("TicTacToe-v0", "ppo", "was trained by ppo; --against needs alphazero"),
    ],
)
def test_what_cannot_play_is_refused(trained, id, folder, message):
    with pytest.raises(InvalidField, match=re.escape(message)):
        agents.against_agent(jaxenvs.make(id), Path("runs") / folder)
