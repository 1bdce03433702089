"""play: the episodes of a challenge, played by policies in the program that judges them."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs import spaces
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.run_folder.description import describe_env, describe_machine
from jaxenvs.rollouts.policy import Policy, as_policy
from jaxenvs.scoreboard.archive import check_author
from jaxenvs.scoreboard.board import Board, board_of, difference, on_cpu
from jaxenvs.scoreboard.challenge import Challenge, check_challenge
from jaxenvs.scoreboard.limits import MEMBERS
from jaxenvs.scoreboard.playback import Played
from jaxenvs.scoreboard.program import Program, program_of
from jaxenvs.scoreboard.segments import counts_of, joined
from jaxenvs.scoreboard.submission import Author, Checkpoints, Episodes, Submission

_POLICY = 2**32 - 1
"""The number folded into a challenge's key for the policies' own random numbers; no episode has it."""


def play(
    env_id: str,
    policies: Policy | Sequence[Policy],
    challenge: Challenge,
    author: Author,
    *,
    env: Env[Any, Any] | None = None,
    video: bytes | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Plays the episodes of a challenge: those of the first policy, then those of the next.

    Args:
        env_id: the id of the environment.
        policies: one policy, or one for each seed of a training: `policy(observation, key) -> action`. Actions of a Box
            are clipped to its bounds.
        challenge: the challenge.
        author: what the author says.
        env: the environment that the policies were made for, if it is not `make(env_id)`.
        video: an MP4 file; None for none.
        on_progress: `on_progress(done, total)`, with numbers of episodes.

    Returns:
        A submission for the control board.

    Raises:
        InvalidField: `env` is not the environment of the board, there is no policy, an argument is of another type, or
            an action does not fit the action space.
        InvalidSubmission: the name, the link or the write-up of the author would be refused.
    """
    check_author(author)
    check_challenge(challenge)
    board, program = board_of(env_id), program_of(env_id)
    if env is not None:
        check_env(board, env)
    several = [policies] if callable(policies) else list(policies)
    if not several:
        raise InvalidField("`policies` is one policy, or one for each seed, got none.")
    players = [_player(program, policy, challenge) for policy in map(as_policy, several)]
    return _played(board, program, players, challenge, author, video, on_progress)


def play_in_lanes(env_id: str, act: Callable[[Any, Any], Any], challenge: Challenge, author: Author) -> Submission:
    """Plays the episodes of a challenge with a policy for all lanes at once; see `load_policy`.

    Args:
        env_id: the id of the environment.
        act: `act(observations, words) -> actions`.
        challenge: the challenge.
        author: what the author says.
    """
    board, program = board_of(env_id), program_of(env_id)
    own, space = _own_key(challenge), board.env.action_space

    @jax.jit
    def player(observation: Any, numbers: Any, step: Any) -> Any:
        keys = jax.vmap(lambda number: _policy_key(own, number, step))(numbers)
        actions = act(observation, jax.random.key_data(keys))
        return jax.vmap(lambda action: _clipped(space, action))(actions)

    return _played(board, program, [_on_cpu(player)], challenge, author, None, None)


def _played(
    board: Board,
    program: Program,
    players: list[Any],
    challenge: Challenge,
    author: Author,
    video: bytes | None,
    on_progress: Callable[[int, int], None] | None,
) -> Submission:
    parts, total = [], len(players) * challenge.episodes
    for begin in range(0, total, program.lanes):
        numbers = np.arange(begin, min(begin + program.lanes, total))
        for agent, player in enumerate(players):
            mine = numbers[numbers // challenge.episodes == agent]
            if len(mine):
                parts.append(_part(board, program, challenge, player, mine, agent))
        if on_progress is not None:
            on_progress(int(numbers[-1]) + 1, total)
    return _submission(board, program, challenge, author, parts, video)


def check_env(board: Board, env: Env[Any, Any]) -> None:
    """Checks that an environment, without AutoReset, is that of a board; fused or not.

    Raises:
        InvalidField: it has other fields, another time limit, or further wrappers.
    """
    env = _bare(env)
    names = [type(wrapper).__name__ for wrapper in wrappers_of(env) if type(wrapper).__name__ != "TimeLimit"]
    described = describe_env(env, board.spec.id)
    if names:
        text: str | None = f"Its wrappers are {', '.join(names)}."
    else:
        engine = {"engine": board.description["fields"].get("engine")} if "engine" in described["fields"] else {}
        text = difference(board, {**described, "fields": {**described["fields"], **engine}})
    if text:
        raise InvalidField(
            f"{type(unwrap(env)).__name__} is not the environment of the board, `jaxenvs.make({board.spec.id!r})`."
            f" {text} Results in other environments cannot be compared."
        )


def _bare(env: Env[Any, Any]) -> Env[Any, Any]:
    """The environment without wrappers that change only how it is computed."""
    bare = unwrap(env)
    for wrapper in reversed(wrappers_of(env)):
        bare = bare if wrapper.is_transparent else wrapper.replace(env=bare)
    return bare


@dataclasses.dataclass(frozen=True)
class _Part:
    """Episodes that were played at once.

    Attributes:
        numbers: (k,) their numbers.
        agent: who played them.
        played: their ends and returns.
        actions: the packed actions of each.
        states: the leaves of the checkpoints of each; None for an environment without floats.
    """

    numbers: np.ndarray
    agent: int
    played: Played
    actions: list[bytes]
    states: Any


def _part(board: Board, program: Program, challenge: Challenge, player: Any, numbers: np.ndarray, agent: int) -> _Part:
    """Plays episodes of one agent, at most as many as the program has lanes."""
    count = len(numbers)
    lanes = np.resize(numbers, program.lanes)
    states, observation = program.reset(challenge.key, lanes)
    played = Played.nothing_yet(np.full(count, board.longest, np.int64))
    rows, taken, saved = np.arange(count), [], []
    keeps = program.has_floats
    for step in range(board.longest):
        if keeps and step and step % program.every == 0:
            saved.append([leaf[:count] for leaf in program.data(states)])
        actions = jax.tree.map(np.asarray, player(observation, lanes, np.int32(step)))
        _check_actions(board, actions, program.lanes)
        taken.append(jax.tree.map(lambda leaf: leaf[:count], actions))
        steps = program.advance(states, jax.tree.map(lambda leaf: leaf[None], actions), 1)
        states, observation = steps.states, steps.observation
        left = np.where(played.end > 0, 0, 1)
        played.add(rows, step, left, *(x[:, :count] for x in (steps.rewards, steps.terminated, steps.truncated)))
        if (played.end > 0).all():
            break
    lengths = np.where(played.end > 0, played.end, len(taken))
    actions = jax.tree.map(lambda *leaves: np.stack(leaves), *taken)
    packed = [_packed(board, actions, int(row), int(lengths[row])) for row in rows]
    states_of = None
    if keeps:
        counts = counts_of(lengths, program.every)
        states_of = [[[leaf[row] for leaf in saved[i]] for i in range(counts[row])] for row in rows]
    return _Part(numbers, agent, dataclasses.replace(played, steps=lengths), packed, states_of)


def _packed(board: Board, actions: Any, row: int, length: int) -> bytes:
    return board.packing.pack(jax.tree.map(lambda leaf: leaf[:length, row], actions), length)


def _check_actions(board: Board, actions: Any, lanes: int) -> None:
    """Raises `InvalidAction` on the first step, with the shapes, rather than when all is played."""
    board.packing.codes(actions, (lanes,))


def _player(program: Program, policy: Any, challenge: Challenge) -> Any:
    """`player(observation, numbers, step) -> actions`, with an axis of lanes."""
    own, space = _own_key(challenge), program.env.action_space

    @jax.jit
    def act(policy: Any, observation: Any, numbers: Any, step: Any) -> Any:
        def one(observation: Any, number: Any) -> Any:
            return _clipped(space, policy(observation, _policy_key(own, number, step)))

        return jax.vmap(one)(observation, numbers)

    return _on_cpu(partial(act, policy))


def _own_key(challenge: Challenge) -> Any:
    return jax.random.fold_in(challenge.key, np.uint32(_POLICY))


def _policy_key(own: Any, number: Any, step: Any) -> Any:
    return jax.random.fold_in(jax.random.fold_in(own, number), step)


def _on_cpu(act: Callable[[Any, Any, Any], Any]) -> Callable[[Any, np.ndarray, np.int32], Any]:
    def player(observation: Any, numbers: np.ndarray, step: np.int32) -> Any:
        with on_cpu():
            return act(observation, np.asarray(numbers, np.int32), step)

    return player


def _clipped(space: Any, action: Any) -> Any:
    """An action with the floats of a Box within its bounds."""
    if isinstance(space, spaces.Box) and space.dtype.kind == "f":
        return jnp.clip(jnp.asarray(action), space.low, space.high)
    return action


def _submission(
    board: Board, program: Program, challenge: Challenge, author: Author, parts: list[_Part], video: bytes | None
) -> Submission:
    joined_column = partial(_column, parts)
    end = joined_column("end") > 0
    length = joined_column("steps")
    states = None
    if parts[0].states is not None:
        rows = [state for part in parts for episode in part.states for state in episode]
        size = len(rows) * program.state_size
        if rows and size <= MEMBERS["checkpoints.bin"] // 2:
            states = Checkpoints(program.every, joined([np.stack(leaf) for leaf in zip(*rows)]))
    count = len(length)
    return Submission(
        env_id=board.spec.id,
        environment=board.description,
        board="control",
        mode="evaluation",
        challenge=challenge,
        lanes=None,
        machine=describe_machine(),
        author=author,
        episodes=Episodes(
            agent=np.concatenate([np.full(len(part.numbers), part.agent, np.int32) for part in parts]),
            lane=np.zeros(count, np.int32),
            episode_return=joined_column("returns"),
            length=length,
            terminated=joined_column("terminated") & end,
            truncated=joined_column("truncated") & end,
            seconds=np.zeros(count),
            actions=b"".join(packed for part in parts for packed in part.actions),
        ),
        checkpoints=states,
        video=video,
    )


def _column(parts: list[_Part], name: str) -> np.ndarray:
    return np.concatenate([getattr(part.played, name) for part in parts])
