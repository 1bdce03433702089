"""What AlphaZero learns in a few minutes: `python -m benchmarks.alpha_zero ConnectFour`.

Trains with the preset of `two_player/<game>-v0`, and then plays against the built-in players. Each of two players moves
first in half of the games. For TicTacToe, all replies to the trained player are followed, which proves its worst
outcome.

It prints the time that passed and the time that all processors spent, which other programs on the machine disturb less,
without compilation and evaluation. `--json FILE` writes all figures to a file.
"""

import argparse
from typing import Any

import jax

import jaxenvs
from benchmarks.clocks import Times, now, since
from benchmarks.report import add_training_options, settings_of, training_report, write_report
from jaxenvs.games import Game
from jaxenvs.games.opponents import GreedyOpponent, Opponent, RandomOpponent, SearchOpponent, match, worst_outcome
from jaxenvs.training import AlphaZero, preset
from jaxenvs.training.alpha_zero import game_of


def train(env: jaxenvs.Env[Any, Any], learner: AlphaZero, seed: int) -> tuple[Any, list[dict[str, float]], Times]:
    """The last state, rows of figures, and the times after compilation."""
    start = now()
    state = jax.jit(learner.init)(env, jaxenvs.random.key(seed))
    update = jax.jit(learner.update).lower(env, state).compile()
    print(f"compiled in {since(start).passed:.0f} s; {learner.num_updates} updates", flush=True)
    rows, start = [], now()
    for index in range(learner.num_updates):
        state, metrics = jax.block_until_ready(update(env, state))
        if (index + 1) % max(1, learner.num_updates // 20) == 0 or index + 1 == learner.num_updates:
            row = {name: float(total / max(terms or 1, 1)) for name, (total, terms) in metrics.figures().items()}
            times = since(start)
            row |= {"env_steps": int(metrics.env_steps)}
            row |= {"minutes": times.passed / 60, "processor_minutes": times.spent / 60}
            rows.append({name: round(value, 4) for name, value in row.items()})
            shown = ("minutes", "processor_minutes", "env_steps", "policy_loss", "value_loss", "illegal", "mean_length")
            print("  ".join(f"{name} {rows[-1][name]:g}" for name in shown), flush=True)
    return state, rows, since(start)


def result_against(
    game: Game[Any], player: Opponent, other: Opponent, num_games: int, seed: int
) -> dict[str, float | int]:
    """Fractions of games won, drawn and lost, and of those won as the first and as the second player."""
    outcomes = match(game, player, other, jaxenvs.random.key(seed), num_games)
    half = num_games // 2
    shares = {
        "won": outcomes > 0,
        "drawn": outcomes == 0,
        "lost": outcomes < 0,
        "won_first": outcomes[:half] > 0,
        "won_second": outcomes[half:] > 0,
    }
    return {"games": num_games, **{name: round(float(share.mean()), 4) for name, share in shares.items()}}


def measure(name: str, seed: int, num_games: int, **settings: Any) -> dict[str, Any]:
    """Trains and plays; returns JSON values."""
    env_id = f"two_player/{name}-v0"
    env, learner = jaxenvs.make(env_id), preset(env_id, "alphazero", **settings)
    assert isinstance(learner, AlphaZero)
    game = game_of(env)
    state, rows, times = train(env, learner, seed)
    player = learner.opponent(env, state.agent)
    others = {
        "random": RandomOpponent(),
        "greedy": GreedyOpponent(),
        "search, 64 simulations": SearchOpponent(64),
        "search, 256 simulations": SearchOpponent(256),
    }
    results = {}
    for index, (title, other) in enumerate(others.items()):
        results[title] = result_against(game, player, other, num_games, seed + 1000 + index)
        print(f"against {title}: {results[title]}", flush=True)
    title = "search, 64 simulations"
    results[f"{title}; the network without search"] = result_against(
        game, learner.opponent(env, state.agent, num_simulations=0), others[title], num_games, seed + 2000
    )
    print(f"the network without search against it: {results[f'{title}; the network without search']}", flush=True)
    worst = {}
    if name == "TicTacToe":
        for first in (True, False):
            outcome, games = worst_outcome(game, player, jaxenvs.random.key(0), moves_first=first)
            worst["moving first" if first else "moving second"] = {"worst_outcome": outcome, "games": games}
        print(f"over all replies: {worst}", flush=True)
    return {
        **training_report(f"python -m benchmarks.alpha_zero {name}", env_id, learner, seed, times),
        "results": results,
        "over_all_replies": worst,
        "training": rows,
    }


def main() -> None:
    """Trains in one game, plays, and writes the figures."""
    parser = argparse.ArgumentParser(description="Measures what AlphaZero learns.")
    parser.add_argument("game", help="the game in the id, such as ConnectFour")
    add_training_options(parser)
    parser.add_argument("--games", type=int, default=200, help="games to play against each player")
    options = parser.parse_args()
    figures = measure(options.game, options.seed, options.games, **settings_of(options))
    write_report(options, figures)
    print(f"{figures['minutes']} minutes, {figures['processor_minutes']} processor minutes")


if __name__ == "__main__":
    main()
