"""from_pgx: a game of pgx 2 as a jaxenvs environment."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pgx  # pyright: ignore[reportMissingImports]  # an optional package
from jax import Array

from jaxenvs.adapters._from_foreign import ForeignEnv, ForeignObject, ForeignState, default_numerics
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField, NameNotFound, did_you_mean
from jaxenvs.random import Key
from jaxenvs.spaces import Box, Discrete


class ForeignPgx(ForeignEnv):
    """The rules of a game of pgx, with the reward and the info of jaxenvs' games between players.

    A reset calls pgx's `init`, and a step its `step`, with keys drawn from the key in the state. The observation is
    that of the player whose turn it is, and the reward that of the player who moved. Info:

    * `current_player`, () int32: whose turn it is, as pgx numbers the players. Many of its games draw who begins.
    * `legal_action_mask`, (num_actions,) bool: what that player may do; nothing once the game is over, whereas pgx
      then allows everything.
    * `rewards`, (num_players,) float32: the reward of each player.

    An illegal action ends the game, with the rewards that pgx gives for it. In `AutoReset`, `info` belongs to the game
    that has just ended, so take what is legal next from the state: `unwrap_state(env, state).inner.legal_action_mask`.
    """

    @property
    def foreign_params(self) -> Any:
        """None: pgx has no params."""
        return None

    @property
    def declared_observation_space(self) -> Box:
        """A box of the shape and dtype of pgx's observations, which have no declared bounds, except for bool."""
        seen = self._initial().observation
        dtype = np.dtype(seen.dtype)
        low, high = (False, True) if dtype.kind == "b" else (-np.inf, np.inf)
        return Box(low, high, seen.shape, dtype)

    @property
    def action_space(self) -> Discrete:
        """The actions, legal or not."""
        with default_numerics():
            return Discrete(self._initial().legal_action_mask.shape[0])

    def begin(self, key: Key) -> tuple[Any, Any, dict[str, Any]]:
        """`init`."""
        state = self.program.value.init(key)
        return state.observation, state, _info(state)

    def advance(self, key: Key, state: Any, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """`step`."""
        after = self.program.value.step(state, action, key)
        return after.observation, after, after.rewards[state.current_player], after.terminated, _info(after)

    def _initial(self) -> Any:
        """The first state, with shapes and dtypes in place of arrays."""
        return jax.eval_shape(self.program.value.init, jax.eval_shape(lambda: jax.random.key(0)))


def from_pgx(env: "str | pgx.Env", *, draw: Callable[[Any, Any], Array] | None = None) -> Env[ForeignState, Any]:
    """A game of pgx 2 as a jaxenvs environment, for one player or several.

        env = jaxenvs.AutoReset(from_pgx("backgammon"))
        small = from_pgx(pgx.go.Go(size=5, komi=0.5))

    Each step is a move of the player whose turn it is: see `ForeignPgx` for observation, reward and info. There is no
    time limit besides those that are rules of a game in pgx.

    Args:
        env: an id, or a game of pgx, without pgx's wrappers.
        draw: `draw(state, None) -> (height, width, 3) uint8`, a pure function of pgx's state; pgx itself draws SVG
            on the host.

    Raises:
        NameNotFound: pgx has no such id.
        InvalidField: `env` is not a game of pgx.
    """
    with default_numerics():
        theirs = _made(env) if isinstance(env, str) else env
    if not isinstance(theirs, pgx.Env):
        raise InvalidField(f"from_pgx takes an id or a game of pgx 2, got {env!r} of type {type(env).__name__}.")
    rules = ForeignPgx(program=ForeignObject(theirs), draw=draw)
    _ = rules.observation_space, rules.action_space  # raises their errors here
    return rules


@lru_cache
def _made(id: str) -> "pgx.Env":
    """The game of an id: always the same object, so that environments of the same id share their programs."""
    known = pgx.available_envs()
    if id not in known:
        raise NameNotFound(f"pgx has no game `{id}`.{did_you_mean(id, known)}")
    return pgx.make(id)


def _info(state: Any) -> dict[str, Any]:
    return {
        "current_player": state.current_player,
        "legal_action_mask": state.legal_action_mask & ~state.terminated,
        "rewards": jnp.asarray(state.rewards, jnp.float32),
    }
