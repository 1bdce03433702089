"""What Gymnasium's environments keep of an episode as attributes, and what we compute from the state."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.vector_state import VectorState
from jaxenvs.core.wrapper import unwrap, unwrap_state
from jaxenvs.errors import InvalidField

Reader: TypeAlias = Callable[[Any, Any], Any]
"""The value of an attribute for a base environment and its concrete state."""

Writer: TypeAlias = Callable[[Any, Any, Any], Any]
"""The state in which the attribute has another value."""


def state_from(old: Any, given: Any) -> Any:
    """A state for `env.unwrapped.state = given`, where scripts for Gymnasium give an array.

    Args:
        old: a state of the environment.
        given: a state, or the numbers of a `VectorState` in Gymnasium's order.

    Raises:
        InvalidField: they are not as many numbers.
    """
    is_array = isinstance(given, list | tuple | np.ndarray | jax.Array)
    if not is_array:
        return given
    if isinstance(old, VectorState):
        return old.with_numbers(given)
    if hasattr(old, "inner") and hasattr(old, "replace"):  # the state of a wrapper
        inner = state_from(old.inner, given)
        return given if inner is given else old.replace(inner=inner)
    return given


def reader_of(base: Any, name: str) -> Reader | None:
    """What reads an attribute of Gymnasium's twin of an environment from its state; None if it is not known here."""
    return _table_of(base).get(name, (None, None))[0]


def writer_of(base: Any, name: str) -> Writer | None:
    """What sets such an attribute; None if it cannot be set."""
    return _table_of(base).get(name, (None, None))[1]


def takes_positions(base: Any) -> bool:
    """Whether Gymnasium's twin has `set_state(qpos, qvel)`."""
    return hasattr(type(base), "mj_data") and type(base).__module__.startswith("jaxenvs.envs.mujoco.")


def read(env: Any, name: str, state: Any) -> Any:
    """An attribute of Gymnasium's twin of an environment.

    Args:
        env: the environment, in its wrappers.
        name: of an attribute that `reader_of` knows.
        state: a concrete state of it; None before the first reset.

    Raises:
        AttributeError: it is read before the first reset.
    """
    base, reader = unwrap(env), reader_of(unwrap(env), name)
    if reader is None or (state is None and name not in _BEFORE_RESET):
        raise AttributeError(f"There is no `{name}` before the first env.reset().")
    return reader(base, None if state is None else unwrap_state(env, state))


def with_base_state(env: Any, state: Any, change: Callable[[Any, Any], Any]) -> Any:
    """The state of an environment in its wrappers with another state of the base environment: `change(base, state)`."""
    inner = unwrap_state(env, state)

    def within(outer: Any, changed: Any) -> Any:
        return changed if outer is inner else outer.replace(inner=within(outer.inner, changed))

    return within(state, change(unwrap(env), inner))


def set_state(base: Any, state: Any, qpos: Any, qvel: Any) -> Any:
    """The state in which a robot of MuJoCo has other positions and velocities; the time stays, as in Gymnasium.

    Raises:
        InvalidField: a shape is wrong.
    """
    for name, value, size in (("qpos", qpos, base.model.nq), ("qvel", qvel, base.model.nv)):
        if np.shape(value) != (size,):
            raise InvalidField(f"`{name}` must have shape ({size},), got {np.shape(value)}.")
    fresh = base.state_at(jnp.asarray(qpos, state.qpos.dtype), jnp.asarray(qvel, state.qvel.dtype))[0]
    return fresh.replace(time=state.time, act=state.act)


def _table_of(base: Any) -> Mapping[str, tuple[Reader | None, Writer | None]]:
    cls = type(base)
    if not cls.__module__.startswith("jaxenvs.envs."):
        return {}
    if hasattr(cls, "mj_data"):
        return _ROBOTS | (_WITH_HEALTH if hasattr(cls, "is_healthy") else {})
    return _BY_CLASS.get(cls.__name__, {})


def _hand(hand: Any) -> list[int]:
    size, ranks = int(hand.size), int(hand.ranks)
    if size > _CARDS_KEPT:
        raise AttributeError(f"A hand has {size} cards, of which the state keeps the first {_CARDS_KEPT}.")
    return [min(ranks >> (_BITS_OF_A_RANK * i) & 15, 10) for i in range(size)]


_CARDS_KEPT, _BITS_OF_A_RANK = 8, 4
"""As in `jaxenvs.envs.toy_text.blackjack.Hand`."""


def _with_index(base: Any, state: Any, index: Any) -> Any:
    if not 0 <= index < base.observation_space.n or int(index) != index:
        raise InvalidField(f"`s` must be an integer from 0 to {base.observation_space.n - 1}, got {index!r}.")
    return state.replace(index=jnp.asarray(index, state.index.dtype))


def _fallen(base: Any, state: Any, steps: Any) -> Any:
    return state.replace(fallen=jnp.asarray(steps is not None))


def _simulation(state: Any) -> Any:
    return getattr(state, "simulation", state)


def _state_vector(base: Any, state: Any) -> np.ndarray:
    simulation = _simulation(state)
    return np.concatenate([np.asarray(simulation.qpos, np.float64), np.asarray(simulation.qvel, np.float64)])


def _grid_index() -> dict[str, tuple[Reader | None, Writer | None]]:
    return {"s": (lambda base, state: int(state.index), _with_index)}


_BY_CLASS: dict[str, dict[str, tuple[Reader | None, Writer | None]]] = {
    "CartPole": {"steps_beyond_terminated": (lambda base, state: 0 if state.fallen else None, _fallen)},
    "Pendulum": {"last_u": (lambda base, state: float(state.torque), None)},
    "FrozenLake": _grid_index(),
    "CliffWalking": _grid_index(),
    "Taxi": _grid_index(),
    "Blackjack": {
        "player": (lambda base, state: _hand(state.player), None),
        "dealer": (lambda base, state: _hand(state.dealer), None),
    },
}
"""By the name of the environment's class."""

_ROBOTS: dict[str, tuple[Reader | None, Writer | None]] = {
    "model": (lambda base, state: base.mj_model, None),
    "data": (lambda base, state: base.mj_data(state), None),
    "init_qpos": (lambda base, state: base.model.qpos0.copy(), None),
    "init_qvel": (lambda base, state: np.zeros(base.model.nv), None),
    "state_vector": (lambda base, state: partial(_state_vector, base, state), None),
    "get_body_com": (
        lambda base, state: lambda body_name: np.array(base.mj_data(state).body(body_name).xpos),
        None,
    ),
}
"""Those of Gymnasium's robots."""

_WITH_HEALTH: dict[str, tuple[Reader | None, Writer | None]] = {
    "is_healthy": (lambda base, state: bool(base.is_healthy(state)), None)
}

_BEFORE_RESET = {"model", "data", "init_qpos", "init_qvel"}
"""What can be read before the first reset."""
