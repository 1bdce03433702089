"""Playing on a board: what the page is told of it, and moves that are refused."""

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.play.boards import board_of

IDS = [id for id, spec in jaxenvs.registry.items() if spec.family in ("board", "two_player")]


def test_only_board_games_are_played_on_a_board():
    assert len(IDS) >= 10
    assert board_of(jaxenvs.make("CartPole-v1")) is None
    assert board_of(jaxenvs.make("FrozenLake-v1")) is None


@pytest.mark.parametrize("id", IDS)
def test_every_action_of_a_board_has_one_name_and_most_have_a_place(id):
    env = jaxenvs.make(id)
    board = board_of(env)
    assert board is not None
    introduction = board.introduction()
    names, points = introduction["names"], np.array(introduction["points"])
    assert len(names) == len({name.lower() for name in names}) == env.action_space.n
    assert ((points >= 0) & (points < [1, 1, len(names)])).all()
    without = set(range(len(names))) - {int(action) for action in points[:, 2]}
    assert {names[action] for action in without} <= {"pass", "resign", "swap"}


def test_a_page_plays_on_a_board_and_illegal_moves_cost_nothing(page):
    introduction, first = page.open("two_player/TicTacToe-v0")
    assert introduction["board"]["names"][4] == "b2"
    assert introduction["bindings"] == []
    assert introduction["idle"] == "wait"
    assert (first["legal"], first["caption"]) == (list(range(9)), "X to move")
    page.send("hold", action=4)
    page.send("hold", action=None)
    update = page.update(step=1)
    assert (update["legal"], update["caption"]) == ([0, 1, 2, 3, 5, 6, 7, 8], "O to move")
    page.send("hold", action=4)
    assert page.error() == "b2 is not a legal move here."
    page.send("hold", action=9)
    assert "whole number from 0 to 8" in page.error()
    for count, action in enumerate((0, 3, 1, 5), 2):
        page.send("hold", action=action)
        page.send("hold", action=None)
        end = page.update(step=count)
    assert (end["terminated"], end["legal"], end["caption"]) == (True, [], "X won")


def test_the_opponent_answers_and_the_caption_speaks_to_the_player(page):
    _, first = page.open("TicTacToe-v0")
    assert first["caption"] == "Your move, as X"
    page.send("hold", action=4)
    page.send("hold", action=None)
    assert len(page.update(step=1)["legal"]) == 7


def test_captions_name_the_winner():
    env = jaxenvs.unwrap(jaxenvs.make("TicTacToe-v0"))
    state, _ = env.reset(jaxenvs.random.key(0))
    over = state.position.replace(is_over=jax.numpy.array(True))
    ends = {winner: env.caption(state.replace(position=over.replace(winner=winner))) for winner in (0, 1, -1)}
    assert ends == {0: "You won, as X", 1: "You lost, as X", -1: "Drawn"}
