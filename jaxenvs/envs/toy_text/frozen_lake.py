"""FrozenLake: cross a frozen lake to a goal without falling into a hole."""

import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_probability
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.envs._terminal import colorize
from jaxenvs.envs.toy_text._chance import draw_side
from jaxenvs.envs.toy_text._frozen_lake_picture import KINDS, picture_of, tileset
from jaxenvs.envs.toy_text._tabular import HasTransitionTable, TabularState, TransitionTable
from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.random import key as make_key
from jaxenvs.spaces import Discrete

MAPS: dict[str, tuple[str, ...]] = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": (
        "SFFFFFFF",
        "FFFFFFFF",
        "FFFHFFFF",
        "FFFFFHFF",
        "FFFHFFFF",
        "FHHFFFHF",
        "FHFFHFHF",
        "FFFHFFFG",
    ),
}
"""The maps that `map_name` can name."""

_MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # (rows, columns) of left, down, right, up
_FROZEN, _HOLE, _GOAL, _ABSORBED = range(4)  # how a move ends; `_ABSORBED`: it began in a hole or at the goal
_TILE, _SMALLEST_TILE, _LARGEST_FRAME = 64, 8, 512  # pixels
_MAX_ATTEMPTS, _ATTEMPTS_AT_ONCE = 10_000, 50


class FrozenLake(Env[TabularState, Array], RendersText, HasTransitionTable):
    """Cross a frozen lake from the start to the goal without falling into a hole. The ice is slippery.

    Observation: () int32, from 0 to rows * columns - 1: the cell, `row * columns + column`.

    Action: () int32. 0 left, 1 down, 2 right, 3 up. On slippery ice, a step goes in the chosen direction with
        probability `success_rate`, and otherwise to either side of it with equal probability. A step off the map leaves
        the agent where it is.

    Reward: that of the tile stepped on. It is 1 for the goal and 0 elsewhere, unless `reward_schedule` says otherwise.

    Start: the start tile, or one of them at random if there are several.

    Episode end:
        Termination: the agent is in a hole or at the goal. Later steps leave it there, with reward 0.
        Truncation: none here; `make` adds a time limit of 100 steps, or 200 on the 8x8 map.

    Info: `prob`, () float32: the probability of the direction that the step took, even if another direction leads to
        the same cell; 1 at reset.

    Parameters:
        success_rate: probability of moving in the chosen direction on slippery ice.
        reward_schedule: rewards for stepping on the goal, on a hole, and on a frozen (or start) tile.
        desc: rows of the map, one letter per tile: S start, F frozen, H hole, G goal. It replaces `map_name`. A list of
            strings, or an array of letters such as Gymnasium's `env.unwrapped.desc`, becomes a tuple of strings.
        map_name: `"4x4"` or `"8x8"`.
        is_slippery: whether the ice is slippery. If not, the state has no key.

    Differences from the reference: Gymnasium makes a random 8x8 map if `desc` and `map_name` are both None. An
        environment here is a value, so pass the map explicitly: `desc=FrozenLake.random_map(seed)`. A map without a
        start, or with any other letter, is refused. The text rendering does not show the last action, which is not part
        of the state.

    Source: Gymnasium 1.4.0, `FrozenLake-v1` and `FrozenLake8x8-v1`.

    Version history:
        v1: same rewards as Gymnasium's v1.
    """

    frames_per_second: ClassVar[int] = 4

    success_rate: ArrayLike = 1.0 / 3.0
    reward_schedule: tuple[ArrayLike, ArrayLike, ArrayLike] = (1.0, 0.0, 0.0)
    desc: tuple[str, ...] | None = static(default=None)
    map_name: str | None = static(default="4x4")
    is_slippery: bool = static(default=True)

    def check_fields(self) -> None:
        """Checks the map, the success rate and the reward schedule."""
        desc: Any = self.desc
        if isinstance(desc, list | tuple | np.ndarray):
            # Gymnasium's maps are lists and arrays of letters; a static field must be hashable.
            object.__setattr__(self, "desc", tuple(map(_row, desc.tolist() if isinstance(desc, np.ndarray) else desc)))
        if self.desc is not None:
            _check_map(self.desc)
        elif self.map_name is None:
            raise InvalidField(
                "FrozenLake: `desc` and `map_name` are both None."
                " For a random map write `FrozenLake(desc=FrozenLake.random_map(seed))`."
            )
        elif self.map_name not in MAPS:
            known = " and ".join(f"`{name}`" for name in MAPS)
            raise InvalidField(
                f"FrozenLake: no map is named {self.map_name!r}.{did_you_mean(str(self.map_name), MAPS)}"
                f" The maps are {known}; to use your own map, pass its rows as `desc`."
            )
        check_probability(self, "success_rate", self.success_rate)

    @property
    def tiles(self) -> tuple[str, ...]:
        """The rows of the map in use."""
        return self.desc if self.desc is not None else MAPS[self.map_name or "4x4"]

    @property
    def observation_space(self) -> Discrete:
        return Discrete(len(self.tiles) * len(self.tiles[0]))

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The least and the greatest of `reward_schedule`."""
        rewards = [jnp.asarray(reward, jnp.float32) for reward in self.reward_schedule]
        return jnp.stack(rewards).min(), jnp.stack(rewards).max()

    def reset(self, key: Key) -> tuple[TabularState, TimeStep[Array]]:
        """Puts the agent on a start tile."""
        key = check_key(key)
        starts = np.asarray(_cells(self.tiles, "S"), np.int32)
        if len(starts) == 1:
            index = jnp.asarray(starts[0])
        else:
            key, start_key = jax.random.split(key)
            index = jnp.asarray(starts).at[draw_below(start_key, len(starts))].get(mode="clip")
        state = TabularState(index=index, key=key if self.is_slippery else None)
        return state, restart(self.observe(state), {"prob": jnp.ones((), jnp.float32)})

    def step(self, state: TabularState, action: Array) -> tuple[TabularState, TimeStep[Array]]:
        """Takes a step on the ice."""
        action = self.action_space.validate(action)
        key, probability = state.key, jnp.ones((), jnp.float32)
        if key is not None:
            key, slip_key = jax.random.split(key)
            ahead = jnp.asarray(self.success_rate, jnp.float32)
            side = draw_side(slip_key, ahead)
            action = action + side
            probability = jnp.where(side == 0, ahead, (1.0 - ahead) / 2.0)
        landing = jnp.asarray(_landings(self.tiles)).at[4 * state.index + (action & 3)].get(mode="clip")
        index, end = landing >> 2, landing & 3
        goal, hole, frozen = (jnp.asarray(self.reward_schedule[i], jnp.float32) for i in range(3))
        reward = jnp.select(
            [end == _FROZEN, end == _HOLE, end == _GOAL], [frozen, hole, goal], jnp.zeros((), jnp.float32)
        )
        info = {"prob": jnp.where(end == _ABSORBED, jnp.ones((), jnp.float32), probability)}
        state = TabularState(index=index, key=key)
        return state, transition(self.observe(state), reward, end != _FROZEN, info)

    def observe(self, state: TabularState) -> Array:
        return state.index

    def transition_table(self) -> TransitionTable:
        """The exact model; three branches if the ice is slippery, else one."""
        landings = _landings(self.tiles).reshape(-1, 4)
        states = len(landings)
        sides = np.array([-1, 0, 1]) if self.is_slippery else np.array([0])
        ahead = float(np.asarray(self.success_rate)) if self.is_slippery else 1.0
        landing = landings[:, (np.arange(4)[:, None] + sides) % 4]
        next_state, end = landing // 4, landing % 4
        probability = np.broadcast_to(np.where(sides == 0, ahead, (1.0 - ahead) / 2.0), landing.shape)
        goal, hole, frozen = (float(np.asarray(self.reward_schedule[i])) for i in range(3))
        # If every action is absorbed, only the middle branch is taken.
        probability = np.where(end == _ABSORBED, np.where(sides == 0, 1.0, 0.0), probability)
        start = np.zeros(states)
        start[list(_cells(self.tiles, "S"))] = 1.0 / len(_cells(self.tiles, "S"))
        return TransitionTable(
            probability=probability,
            next_state=next_state,
            reward=np.array([frozen, hole, goal, 0.0])[end],
            terminated=end != _FROZEN,
            start=start,
        )

    @staticmethod
    def random_map(seed: Key | int, size: int = 8, p: float = 0.8) -> tuple[str, ...]:
        """Draws a square map on which the goal can be reached; runs on the host.

        Args:
            seed: an integer or a random key that determines the map.
            size: number of rows and columns, at least 2.
            p: probability that a tile is frozen rather than a hole, in (0, 1].

        Returns:
            The rows, for the field `desc`. The start is in the upper left corner, the goal in the lower right one.

        Raises:
            InvalidField: `size` or `p` is out of range, or none of 10,000 maps had a path to the goal.
        """
        if size < 2 or not 0 < p <= 1:
            raise InvalidField(f"FrozenLake.random_map: needs size >= 2 and 0 < p <= 1, got size={size}, p={p}.")
        key = make_key(seed) if isinstance(seed, int | np.integer) else check_key(seed, name="FrozenLake.random_map")
        for attempt in range(_MAX_ATTEMPTS // _ATTEMPTS_AT_ONCE):
            uniform = jax.random.uniform(jax.random.fold_in(key, attempt), (_ATTEMPTS_AT_ONCE, size, size), jnp.float32)
            for letters in np.where(np.asarray(uniform) < p, "F", "H"):
                letters[0, 0], letters[-1, -1] = "S", "G"
                rows = tuple("".join(row) for row in letters)
                if _is_solvable(rows):
                    return rows
        raise InvalidField(
            f"FrozenLake.random_map: none of {_MAX_ATTEMPTS} maps of size {size} with p={p} had a path to the goal."
            " Raise `p` or lower `size`."
        )

    def render_text(self, state: TabularState) -> str:
        """The map, with the agent's tile in red."""
        rows = [list(row) for row in self.tiles]
        row, column = divmod(int(state.index), len(rows[0]))
        rows[row][column] = colorize(rows[row][column], "red", highlight=True)
        return "\n" + "".join("".join(line) + "\n" for line in rows)

    def render(self, state: TabularState) -> Array:
        """(64 * rows, 64 * columns, 3) uint8: the lake and the agent, an elf. Large maps have smaller tiles."""
        rows, columns = len(self.tiles), len(self.tiles[0])
        size = max(min(_TILE, _LARGEST_FRAME // max(rows, columns)), _SMALLEST_TILE)
        kinds = [picture_of(tile, i, columns) for i, tile in enumerate("".join(self.tiles))]
        pictures = jnp.asarray(kinds, jnp.int32).at[state.index].add(KINDS)
        blank = Canvas.blank(rows * size, columns * size, palette.ICE)
        return blank.tiles(pictures.reshape(rows, columns), tileset(size)).to_rgb()


def _row(row: Any) -> Any:
    """A row of a map as a string, if it is a sequence of letters, as strings or bytes."""
    if isinstance(row, list | tuple):
        return "".join(str(_row(letter)) for letter in row)
    return row.decode("ascii", "replace") if isinstance(row, bytes) else row


def _check_map(desc: object) -> None:
    if not isinstance(desc, tuple) or not desc or not all(isinstance(row, str) and row for row in desc):
        raise InvalidField(f'FrozenLake: `desc` is a list of rows such as ["SFF", "HFG"], got {desc!r}.')
    if len({len(row) for row in desc}) != 1:
        raise InvalidField(f"FrozenLake: the rows of `desc` must have the same length, got {desc!r}.")
    if strange := sorted(set("".join(desc)) - set("SFHG")):
        raise InvalidField(
            f"FrozenLake: `desc` may hold the letters S, F, H and G, got {', '.join(map(repr, strange))}."
        )
    if "S" not in "".join(desc):
        raise InvalidField(f"FrozenLake: `desc` needs a start tile, S; got {desc!r}.")


def _cells(tiles: tuple[str, ...], letter: str) -> tuple[int, ...]:
    """The indices of the cells of that letter."""
    return tuple(i for i, tile in enumerate("".join(tiles)) if tile == letter)


@functools.lru_cache(maxsize=64)
def _landings(tiles: tuple[str, ...]) -> np.ndarray:
    """(cells * 4,) int32: for every cell and direction, `4 * cell reached + how the move ends`.

    One packed table costs one gather per step, which under `vmap` is faster than separate tables and than
    arithmetic on rows and columns.
    """
    rows, columns = len(tiles), len(tiles[0])
    landings = np.zeros((rows, columns, 4), np.int32)
    for row in range(rows):
        for column in range(columns):
            for direction, (down, right) in enumerate(_MOVES):
                if tiles[row][column] in "HG":
                    landings[row, column, direction] = 4 * (row * columns + column) + _ABSORBED
                    continue
                to_row = min(max(row + down, 0), rows - 1)
                to_column = min(max(column + right, 0), columns - 1)
                end = {"H": _HOLE, "G": _GOAL}.get(tiles[to_row][to_column], _FROZEN)
                landings[row, column, direction] = 4 * (to_row * columns + to_column) + end
    landings.setflags(write=False)
    return landings.reshape(-1)


def _is_solvable(tiles: tuple[str, ...]) -> bool:
    """Whether a goal can be reached from the upper left without entering a hole."""
    size = len(tiles)
    frontier, seen = [(0, 0)], {(0, 0)}
    while frontier:
        row, column = frontier.pop()
        if tiles[row][column] == "G":
            return True
        for down, right in _MOVES:
            cell = row + down, column + right
            if min(cell) >= 0 and max(cell) < size and cell not in seen and tiles[cell[0]][cell[1]] != "H":
                seen.add(cell)
                frontier.append(cell)
    return False


# ---------------------------------------------------------------- the picture: a painter for each kind of tile
