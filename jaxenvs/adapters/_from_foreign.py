"""ForeignEnv: a functional environment of another library as a jaxenvs environment."""

import abc
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trees import is_key, is_key_type
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Dict, Space, Tuple

_NARROW: dict[Any, Any] = {
    np.dtype(np.float64): np.float32,
    np.dtype(np.int64): np.int32,
    np.dtype(np.uint64): np.uint32,
}

_MOST_ROUNDS = 8
"""Maximum number of steps until shapes and dtypes settle; two suffice if a step has only one form."""


class ForeignState(PyTreeNode):
    """State of a `ForeignEnv`.

    Attributes:
        inner: the other library's state; its leaves have the same shapes and dtypes after reset and step.
        key: () key that steps draw from.
    """

    inner: Any
    key: Key


class ForeignObject:
    """An object of another library as part of a program, hashed and compared by its class and attributes.

    So two environments made in the same way share their programs, and a pickled environment equals the original.

    Attributes:
        value: the object; anything that its functions read must not change from now on.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ForeignObject) or type(self.value) is not type(other.value):
            return False
        return self.value is other.value or _same(vars(self.value), vars(other.value))

    def __hash__(self) -> int:
        return hash(type(self.value))

    def __repr__(self) -> str:
        return f"ForeignObject({type(self.value).__name__})"


def _same(left: Any, right: Any, deeper: bool = True) -> bool:
    left_leaves, left_structure = jax.tree.flatten(left)
    right_leaves, right_structure = jax.tree.flatten(right)
    return left_structure == right_structure and all(
        _same_leaf(a, b, deeper) for a, b in zip(left_leaves, right_leaves, strict=True)
    )


def _same_leaf(a: Any, b: Any, deeper: bool) -> bool:
    if a is b or type(a) is not type(b):
        return a is b
    if not isinstance(a, Array | np.ndarray):
        if deeper and type(a).__eq__ is object.__eq__ and not callable(a) and getattr(a, "__dict__", None) is not None:
            return _same(vars(a), vars(b), deeper=False)  # an object that holds the rules, as pgx's games have
        return bool(a == b)
    if a.dtype == b.dtype and is_key(a):
        a, b = jax.random.key_data(a), jax.random.key_data(b)
    return a.dtype == b.dtype and np.array_equal(a, b)


class ForeignEnv(Env[ForeignState, Any]):
    """Base class of environments whose rules are the functions of another library.

    Those functions may return Python numbers, weak types and 64-bit types, and different shapes from a reset
    and from a step. Here each leaf of state, observation and info has one shape and dtype: the result of
    broadcasting and promoting those of the reset and the step, in at most 32 bits. The functions are traced
    under JAX's defaults (`default_numerics`), whatever the caller has configured.

    Attributes:
        program: wraps the environment of the other library.
        params: its params, a pytree; None if it has none.
        draw: `draw(state, params)`, a pure function from the other library's state and params to a
            (height, width, 3) uint8 picture; None if there is no such function.
    """

    program: ForeignObject = static()
    params: Any = None
    draw: Callable[[Any, Any], Array] | None = static(default=None)

    @abc.abstractmethod
    def begin(self, key: Key) -> tuple[Any, Any, dict[str, Any]]:
        """The other library's reset: observation, state and info."""

    @abc.abstractmethod
    def advance(self, key: Key, state: Any, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """The other library's step, without a reset: observation, state, reward, `terminated` and info."""

    @property
    @abc.abstractmethod
    def declared_observation_space(self) -> Space[Any]:
        """The space that the other library declares."""

    @property
    @abc.abstractmethod
    def foreign_params(self) -> Any:
        """`params` in the form that the other library's functions take."""

    @property
    def observation_space(self) -> Space[Any]:
        """The declared space, with the dtypes that observations actually have."""
        rules = jax.tree.map(_narrow, self)
        with default_numerics():
            return _in_dtypes_of(rules._types().observation, rules.declared_observation_space)

    def reset(self, key: Key) -> tuple[ForeignState, TimeStep[Any]]:
        """Begins an episode; the key is split into one for the start and one for the steps."""
        key, start_key = jax.random.split(check_key(key))
        rules = jax.tree.map(_narrow, self)
        with default_numerics():
            observation, inner, info = _fit(rules.begin(start_key), rules._types())
        return ForeignState(inner=inner, key=key), restart(observation, info)

    def step(self, state: ForeignState, action: Array) -> tuple[ForeignState, TimeStep[Any]]:
        """Steps with a key drawn from the key in the state."""
        action = self.action_space.validate(action)
        key, step_key = jax.random.split(state.key)
        rules = jax.tree.map(_narrow, self)
        with default_numerics():
            observation, inner, reward, terminated, info = rules.advance(step_key, state.inner, action)
            observation, inner, info = _fit((observation, inner, info), rules._types())
            reward, terminated = (jnp.reshape(jnp.asarray(value), ()) for value in (reward, terminated))
        timestep = transition(observation, reward, terminated.astype(bool), info)
        return ForeignState(inner=inner, key=key), timestep

    @property
    def can_render(self) -> bool:
        """Whether there is a `draw`."""
        return self.draw is not None

    def render(self, state: ForeignState) -> Array:
        """`draw(state.inner, params)`.

        Raises:
            RenderingUnavailable: there is no `draw`.
        """
        if self.draw is None:
            raise RenderingUnavailable(
                f"{type(self.program.value).__name__} has no drawing function that JAX can trace. Pass a function"
                " of its state and params: `draw=my_picture`."
            )
        return self.draw(state.inner, self.foreign_params)

    def _types(self) -> "_Types":
        leaves, structure = jax.tree.flatten(self)
        shapes = tuple((np.shape(leaf), jax.dtypes.canonicalize_dtype(jnp.result_type(leaf))) for leaf in leaves)
        return _types_of(structure, shapes)


@contextlib.contextmanager
def default_numerics() -> Iterator[None]:
    """Context in which JAX uses its default dtype and rank promotion and no 64-bit types, as other libraries expect."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"), jax.enable_x64(False):
        yield


class _Types(NamedTuple):
    """Trees of `jax.ShapeDtypeStruct`, with None for random keys, which stay unchanged."""

    observation: Any
    state: Any
    info: Any


@functools.lru_cache(maxsize=256)
def _types_of(structure: Any, shapes: tuple[tuple[tuple[int, ...], Any], ...]) -> _Types:
    leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]

    def begin(leaves: list[Any]) -> Any:
        return structure.unflatten(leaves).begin(jax.random.key(0))

    def advance(leaves: list[Any], state: Any) -> Any:
        env: ForeignEnv = structure.unflatten(leaves)
        key = jax.random.key(0)
        observation, state, _, _, info = env.advance(key, state, env.action_space.sample(key))
        return observation, state, info

    types = _Types(*jax.eval_shape(begin, leaves))
    types = _join(types, types)
    for _ in range(_MOST_ROUNDS):
        joined = _join(types, _Types(*jax.eval_shape(advance, leaves, types.state)))
        if joined == types:
            return types
        types = joined
    raise InvalidField("The shape of the state changes with every step, so no loop can carry it.")


def _join(left: _Types, right: _Types) -> _Types:
    info = {name: left.info.get(name, right.info.get(name)) for name in sorted({*left.info, *right.info})}
    same_info = {name: right.info.get(name, left.info.get(name)) for name in info}
    parts = []
    for what, a, b in (
        ("observation", left.observation, right.observation),
        ("state", left.state, right.state),
        ("info", info, same_info),
    ):
        if jax.tree.structure(a) != jax.tree.structure(b):
            raise InvalidField(
                f"The {what} has the structure {jax.tree.structure(a)} from a reset and {jax.tree.structure(b)} from a"
                " step, so no loop can carry it; the environment must return the same from both."
            )
        parts.append(jax.tree.map(functools.partial(_join_leaves, what), a, b))
    return _Types(*parts)


def _join_leaves(what: str, a: Any, b: Any) -> Any:
    if is_key_type(a) or is_key_type(b):
        return a
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise InvalidField(
            f"A leaf of the {what} has shape {a.shape} from a reset and {b.shape} from a step, so no loop can carry it;"
            " the environment must return the same from both."
        ) from error
    return jax.ShapeDtypeStruct(shape, np.dtype(jnp.promote_types(a.dtype, b.dtype)))


def _fit(parts: tuple[Any, Any, dict[str, Any]], types: _Types) -> tuple[Any, Any, dict[str, Array]]:
    observation, state, info = parts

    def cast(type_: Any, leaf: Any) -> Any:
        if is_key_type(type_):
            return leaf
        return jnp.broadcast_to(jnp.asarray(leaf).astype(type_.dtype), type_.shape)

    absent = {name: jax.tree.map(lambda t: np.zeros(t.shape, t.dtype), types.info[name]) for name in types.info}
    return (
        jax.tree.map(cast, types.observation, observation),
        jax.tree.map(cast, types.state, state),
        jax.tree.map(cast, types.info, {**absent, **info}),
    )


def _narrow(leaf: Any) -> Any:
    """A param in at most 32 bits, even if 64-bit types are enabled."""
    if isinstance(leaf, Array | np.ndarray) and leaf.dtype in _NARROW:
        return jnp.asarray(leaf, _NARROW[leaf.dtype])
    return leaf


def _in_dtypes_of(types: Any, space: Space[Any]) -> Space[Any]:
    if isinstance(space, Tuple):
        return Tuple([_in_dtypes_of(part, inner) for part, inner in zip(types, space.spaces, strict=True)])
    if isinstance(space, Dict):
        return Dict([(name, _in_dtypes_of(types[name], inner)) for name, inner in space.spaces.items()])
    if not isinstance(space, Box) or np.dtype(types.dtype) == space.dtype:
        return space
    dtype = np.dtype(types.dtype)
    # A traced bound (within a trace even constants are traced) has no value that Box could check.
    low, high = (b.astype(dtype) if isinstance(b, Tracer) else b for b in (space.low, space.high))
    return Box(low, high, space.shape, dtype)
