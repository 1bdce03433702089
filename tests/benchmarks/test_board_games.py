"""The program that measures board games beside pgx."""

import json

import pytest

from benchmarks import board_games
from docs.generator.figure_tables import speed_and_processor_time

ID = "two_player/TicTacToe-v0"


@pytest.mark.slow
def test_a_game_beside_pgx_becomes_a_row_of_the_page(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pgx", reason="needs pgx, which is in the extra `test`")
    file = tmp_path / "speed.json"
    sizes = ["--games", "4", "--steps", "3", "--warm-up", "6", "--seconds", "0.01", "--repeats", "2"]
    monkeypatch.setattr("sys.argv", ["board_games", ID, *sizes, "--json", str(file)])
    board_games.main()
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions", "measurements"} < set(figures) and "pgx" in figures["versions"]
    ours, theirs = figures["measurements"]
    assert (ours["peer"], theirs["peer"]) == ("jaxenvs", "pgx") and ours["steps_per_second"] > 0
    spread = theirs["jaxenvs_is_faster_by"]
    assert 0 < spread["low"] <= spread["median"] <= spread["high"]
    assert f"| {ID} | 4 |" in speed_and_processor_time(figures)
    assert ID in capsys.readouterr().out


def test_an_unknown_id_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["board_games", "CartPole-v1"])
    with pytest.raises(SystemExit):
        board_games.main()
    assert "no such id: CartPole-v1; known are two_player/TicTacToe-v0" in capsys.readouterr().err
