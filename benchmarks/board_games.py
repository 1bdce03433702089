"""Board games beside pgx: `python -m benchmarks.board_games --json docs/figures/speed_board_games.json`.

Both sides play random legal moves in a jitted scan over a batch of games, each with its own auto-reset, in one process
and in turn. A step has a move for each game, the choice of it, what is legal next, the rewards of both players, the
observation and the next game where one ended; the observation and the mask are carried from step to step. The moves are
drawn by the same function from keys of the same generator. Games are played for a while first, so that they are not in
step with each other. Ratios compare neighbouring measurements: of the time that passed, and of the time that all
processors spent, which other programs on the machine disturb less.

Needs pgx: `pip install "jaxenvs[test]"`.
"""

import argparse
import dataclasses
import importlib.metadata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

import jaxenvs
from benchmarks.clocks import now, since
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.figures import Spread, short
from jaxenvs.bench.provenance import provenance
from jaxenvs.games.opponents import uniform_action

COMMAND = "python -m benchmarks.board_games --json docs/figures/speed_board_games.json"

PEERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "two_player/TicTacToe-v0": ("tic_tac_toe", {}),
    "two_player/ConnectFour-v0": ("connect_four", {}),
    "two_player/Othello-v0": ("othello", {}),
    "two_player/Hex11x11-v0": ("hex", {"swap": True}),
    "two_player/Go9x9-v0": ("go_9x9", {}),
    "two_player/Go19x19-v0": ("go_19x19", {}),
}
"""By id: the same game in pgx, and the fields with which the rules are the same."""

Block = Callable[[Any], Any]
"""Some steps: from the state of all games to the next."""


def our_block(id: str, fields: Mapping[str, Any], games: int, steps: int) -> tuple[Block, Any]:
    """Steps of an id of jaxenvs, and the games at their start."""
    env = jaxenvs.AutoReset(jaxenvs.make(id, **fields), reset_info=True)

    def step(carry: Any, _: None) -> Any:
        state, legal, _, key = carry
        key, action_key = jax.random.split(key)
        actions = jax.vmap(uniform_action)(legal, jax.random.split(action_key, games))
        state, timestep = jax.vmap(env.step)(state, actions)
        # The rewards of both players: with `reset_info`, those in `info` are of the next game.
        rewards = timestep.reward, -timestep.reward
        carry = state, timestep.info["legal_action_mask"], timestep.observation, key
        return carry, (rewards, timestep.terminated)

    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), games))
    first = state, timestep.info["legal_action_mask"], timestep.observation, jaxenvs.random.key(1)
    return partial(_scanned, step=step, steps=steps), first


def pgx_block(name: str, games: int, steps: int) -> tuple[Block, Any]:
    """Steps of a game of pgx, and the games at their start."""
    import pgx  # only this side needs it
    from pgx.experimental import auto_reset

    env = pgx.make(name)  # pyright: ignore[reportArgumentType]  # `PEERS` has only names that it knows
    step_each = jax.vmap(auto_reset(env.step, env.init))

    def step(carry: Any, _: None) -> Any:
        state, key = carry
        key, action_key, reset_key = jax.random.split(key, 3)
        actions = jax.vmap(uniform_action)(state.legal_action_mask, jax.random.split(action_key, games))
        state = step_each(state, actions, jax.random.split(reset_key, games))
        return (state, key), (state.rewards, state.terminated)

    state = jax.jit(jax.vmap(env.init))(jax.random.split(jaxenvs.random.key(0), games))
    return partial(_scanned, step=step, steps=steps), (state, jaxenvs.random.key(1))


def _scanned(carry: Any, *, step: Callable[..., Any], steps: int) -> Any:
    carry, outputs = jax.lax.scan(step, carry, None, length=steps)
    return carry, jax.tree.map(lambda output: output.sum(), outputs)


class Side:
    """One of the two that take turns: its compiled steps, its games, and what it measured.

    Attributes:
        passed: seconds of each measurement.
        spent: seconds of all processors.
    """

    def __init__(self, block: Block, carry: Any, steps: int, warm_up: int) -> None:
        start = now()
        self._block = jax.jit(block)
        carry, _ = jax.block_until_ready(self._block(carry))
        self.compiled_in = since(start).passed
        for _ in range(max(0, warm_up // steps - 1)):
            carry, _ = self._block(carry)
        self._carry = jax.block_until_ready(carry)
        self.passed: list[float] = []
        self.spent: list[float] = []

    def measure(self, blocks: int) -> None:
        """Plays some blocks of steps."""
        start = now()
        for _ in range(blocks):
            self._carry, _ = self._block(self._carry)
        jax.block_until_ready(self._carry)
        passed, spent = since(start)
        self.passed.append(passed)
        self.spent.append(spent)


def compare(id: str, games: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The measurements of both sides for one game and batch, in the form of `jaxenvs bench --json`."""
    name, fields = PEERS[id]
    ours = Side(*our_block(id, fields, games, options.steps), options.steps, options.warm_up)
    theirs = Side(*pgx_block(name, games, options.steps), options.steps, options.warm_up)
    ours.measure(1)
    blocks = max(1, round(options.seconds / ours.passed.pop()))
    ours.spent.pop()
    theirs.measure(1)
    their_blocks = max(1, round(options.seconds / theirs.passed.pop()))
    theirs.spent.pop()
    for _ in range(options.repeats):
        ours.measure(blocks)
        theirs.measure(their_blocks)
    rows = []
    for peer, side, count in (("jaxenvs", ours, blocks), ("pgx", theirs, their_blocks)):
        steps = count * options.steps * games
        row: dict[str, Any] = {
            "env_id": id,
            "peer": peer,
            "num_envs": games,
            "steps": options.steps,
            "repeats": options.repeats,
            "compile_seconds": [round(side.compiled_in, 2)],
            "steps_per_second": float(np.median(steps / np.array(side.passed))),
            "cpu_nanoseconds_per_step": float(np.median(np.array(side.spent) / steps * 1e9)),
        }
        if peer == "pgx":
            row["task"] = name
            share = blocks / their_blocks
            for key, mine, other in (
                ("jaxenvs_is_faster_by", ours.passed, theirs.passed),
                ("jaxenvs_needs_less_processor_time_by", ours.spent, theirs.spent),
            ):
                spread = Spread.of((np.array(other) / np.array(mine) * share).tolist())
                row[key] = spread and dataclasses.asdict(spread)
        rows.append(row)
    return rows


def main() -> None:
    """Measures the games that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [id for id in PEERS if id in jaxenvs.registry]
    parser.add_argument("ids", nargs="*", default=known, metavar="ID", help=", ".join(PEERS))
    parser.add_argument("--games", type=int, nargs="+", default=[256, 4096], help="how many are played at once")
    parser.add_argument("--steps", type=int, default=32, help="steps of a compiled block")
    parser.add_argument("--warm-up", type=int, default=160, help="steps before the measurements")
    parser.add_argument("--seconds", type=float, default=0.5, help="about how long a measurement takes")
    parser.add_argument("--repeats", type=int, default=9)
    add_report_options(parser)
    options = parser.parse_args()
    if unknown := [id for id in options.ids if id not in known]:
        parser.error(f"no such id: {', '.join(unknown)}; known are {', '.join(known)}")

    origin = provenance(COMMAND, versions=[{"pgx": importlib.metadata.version("pgx")}])
    measurements = []
    for id in options.ids:
        for games in options.games:
            rows = compare(id, games, options)
            measurements += rows
            ours, theirs = rows
            passed, spent = theirs["jaxenvs_is_faster_by"], theirs["jaxenvs_needs_less_processor_time_by"]
            print(
                f"{id:26} {games:6,} games: {short(ours['steps_per_second']):>7} steps/s,"
                f" pgx {short(theirs['steps_per_second']):>7}; x {passed['median']:.2f}"
                f" ({passed['low']:.2f} to {passed['high']:.2f}), in processor time x {spent['median']:.2f}"
                f" ({spent['low']:.2f} to {spent['high']:.2f})",
                flush=True,
            )
            # After every comparison, so that a run that is stopped keeps what it has.
            write_report(options, {**origin, "measurements": measurements})


if __name__ == "__main__":
    main()
