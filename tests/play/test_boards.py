"""Playing on a board: what the page is told of it, and moves that are refused."""

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.play.boards import board_of, choices_of, chosen

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


def test_the_opponent_is_chosen_on_the_page(page):
    introduction, _ = page.open("TicTacToe-v0")
    assert introduction["choices"] == [
        {"field": "opponent", "values": ["random", "greedy", "search"], "value": "random"},
        {"field": "agent_moves_first", "values": [True, False], "value": True},
    ]
    page.send("open", id="TicTacToe-v0", fields={"opponent": "greedy", "agent_moves_first": False})
    introduction = page.until(lambda values: values["type"] == "env")
    assert [choice["value"] for choice in introduction["choices"]] == ["greedy", False]
    assert page.update(step=0)["caption"] == "Your move, as O"


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"opponent": "me"}, "opponent='random' or 'greedy' or 'search'"),
        ({"agent_moves_first": 1}, "not agent_moves_first=1"),
        ({"custom_opponent": None}, "not custom_opponent=None"),
        ([1], "must be an object"),
    ],
)
def test_only_what_is_offered_may_be_chosen(page, fields, message):
    page.open("two_player/TicTacToe-v0")
    page.send("open", id="TicTacToe-v0", fields=fields)
    assert message in page.error()
    page.send("hold", action=4)
    assert page.update(step=1)["id"] == "two_player/TicTacToe-v0"


def test_an_environment_without_choices_offers_none():
    env = jaxenvs.make("CartPole-v1")
    assert choices_of(env) == []
    with pytest.raises(InvalidField, match="no fields to choose, but not gravity=1"):
        chosen(env, {"gravity": 1.0})
