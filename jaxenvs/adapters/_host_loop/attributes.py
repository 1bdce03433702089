"""Attributes of environments behind an adapter: the declared values on the host, and the arrays on the device."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.adapters._gymnasium_names import COMPUTED, INSTEAD, name_here
from jaxenvs.adapters._gymnasium_state import reader_of
from jaxenvs.adapters._host_loop.lane_programs import Axes
from jaxenvs.core.checks import is_real
from jaxenvs.core.env import Env
from jaxenvs.core.pytree import is_static
from jaxenvs.core.trees import is_key
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField, did_you_mean


def on_device(env: Any) -> Any:
    """`env` with arrays for leaves, which jitted functions accept faster than Python numbers."""
    return jax.tree.map(lambda leaf: jax.device_put(jnp.asarray(leaf)), env)


def plain(leaf: Any) -> Any:
    """A scalar array as a Python number, as a person would write it; anything else unchanged."""
    return leaf.item() if isinstance(leaf, Array | np.ndarray | np.generic) and np.ndim(leaf) == 0 else leaf


class Method:
    """A public method of an environment, for callers that do not use JAX.

    Arguments, batches included, are passed on unchanged; JAX arrays in the result become NumPy arrays and scalars.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        """Args: the method, bound to its environment."""
        self._method = method
        self.__doc__ = method.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        def to_numpy(leaf: Any) -> Any:
            return np.array(leaf)[()] if isinstance(leaf, Array) and not is_key(leaf) else leaf

        return jax.tree.map(to_numpy, self._method(*args, **kwargs))


class Declared:
    """The environment of every lane of a batch: as declared, on the host, and as it runs, on the device.

    A field reads as it was declared or set: 9.81 rather than the digits of a float32. Setting one changes both copies.

    Attributes:
        axes: for each leaf of `device`, the axis of the lanes, or None.
    """

    def __init__(self, env: Env[Any, Any], num_envs: int) -> None:
        """Args: the environment in the AutoReset that the adapter put around it, and the number of lanes."""
        self._num_envs = num_envs
        self._first = self._common = env
        self._own: dict[int, Any] = {}  # environments of lanes that differ from the common one
        self._device: Any = None
        self.axes: Axes = (None,) * len(jax.tree.leaves(env))

    @property
    def device(self) -> Any:
        """All environments as one pytree, with arrays for leaves; those that differ by lane have a leading axis.

        It is put there when it is first used: JAX begins then, after which a process cannot be forked.
        """
        if self._device is None:
            self._device = on_device(self._common)
        return self._device

    @property
    def common(self) -> Any:
        """The environment of the lanes that have no own one, as declared; of the structure of `device`."""
        return self._common

    def lane(self, lane: int) -> Any:
        """One lane's environment, as declared."""
        return self._own.get(lane, self._common)

    @property
    def is_as_declared(self) -> bool:
        """Whether no field of any lane has been set."""
        return self._common is self._first and not self._own

    def has_field(self, name: str) -> bool:
        """Whether `name` is a field of the environment or of a wrapper around it."""
        return self._depth(self._resolved(name)) is not None

    def names(self) -> list[str]:
        """The names of all fields, outermost first."""
        return [name for part in _chain(self._common)[1:] for name in _names(part)]

    def get(self, name: str, lanes: Sequence[int]) -> list[Any]:
        """A public field, property or method of the environments of some lanes, or of the wrappers around them.

        Scalars are Python numbers, arrays are read-only NumPy arrays, and a method is a `Method`. "unwrapped" is the
        environment without its wrappers.

        Raises:
            AttributeError: there is no such attribute; the message lists the fields.
        """
        name = self._resolved(name)
        values: dict[int, Any] = {}
        for lane in lanes:
            env = self.lane(lane)
            if id(env) not in values:
                values[id(env)] = self._read(env, name)
        return [values[id(self.lane(lane))] for lane in lanes]

    def set(self, name: str, values: Sequence[Any], lanes: Sequence[int]) -> bool:
        """Sets a field of the environment, or of a wrapper around it, for some lanes.

        Returns:
            Whether programs must be compiled again, as for a static field.

        Raises:
            AttributeError: there is no such field.
            InvalidField: the field cannot take the value, the field is static and there are several values, or the
                value would change the spaces.
        """
        name = self._resolved(name)
        depth = self._depth(name)
        if depth is None:
            raise self._cannot_set(name)
        copies = {id(value): jax.tree.map(_copied, value) for value in values}  # the caller may write to the arrays
        values = [copies[id(value)] for value in values]
        changed: dict[tuple[int, int], Any] = {}
        for lane, value in zip(lanes, values, strict=True):
            env = self.lane(lane)
            if (id(env), id(value)) not in changed:
                changed[id(env), id(value)] = _with_field(env, depth, name, value)
        after = [changed[id(self.lane(lane)), id(value)] for lane, value in zip(lanes, values, strict=True)]
        if not after:
            return False
        everywhere = len(set(lanes)) == self._num_envs
        is_program = any(jax.tree.structure(env) != jax.tree.structure(self._common) for env in after)
        if is_program:
            if not everywhere or not all(np.all(value == values[0]) for value in values):
                raise InvalidField(
                    f"`{name}` is part of the program, so all {self._num_envs} environments have the same value."
                    " Set it for all of them, or make two batches."
                )
            _check_spaces(name, values[0], self._common, after[0])
        types_before = [leaf.dtype for leaf in jax.tree.leaves(self.device)]
        if not is_program:
            self._write(depth, name, values, lanes, everywhere)
        self._own |= dict(zip(lanes, after, strict=True))
        if everywhere:
            self._common = after[0]
            self._own = {lane: env for lane, env in self._own.items() if env is not self._common}
        if is_program:
            self._upload()
        return is_program or types_before != [leaf.dtype for leaf in jax.tree.leaves(self.device)]

    def _read(self, env: Any, name: str) -> Any:
        base = unwrap(env)
        if name in (computed := _computed(base)):
            return jax.tree.map(_for_the_host, computed[name](base))
        for part in _chain(env)[1:]:
            if not name.startswith("_") and hasattr(part, name):
                value = getattr(part, name)
                is_method = inspect.ismethod(value) or (inspect.isfunction(value) and name not in _names(part))
                return Method(value) if is_method else jax.tree.map(_for_the_host, value)
        if name == "unwrapped":
            return base
        more = "" if name in INSTEAD else " What changes in an episode is in its `state`."
        raise AttributeError(f"{self._no_attribute(name)}{more}")

    def _upload(self) -> None:
        """Puts all leaves on the device; those that differ by lane get a leading axis."""
        if not self._own:
            self._device = on_device(self._common)
            self.axes = (None,) * len(jax.tree.leaves(self._device))
            return
        columns = list(zip(*(jax.tree.leaves(self.lane(lane)) for lane in range(self._num_envs)), strict=True))
        differs = [any(leaf is not column[0] for leaf in column) for column in columns]
        leaves = [np.stack(column) if own else column[0] for column, own in zip(columns, differs, strict=True)]
        self._device = on_device(jax.tree.structure(self._common).unflatten(leaves))
        self.axes = tuple(0 if own else None for own in differs)

    def _write(self, depth: int, name: str, values: Sequence[Any], lanes: Sequence[int], everywhere: bool) -> None:
        """Puts the leaves of one field on the device, with the dtypes they have there, if those can hold the values."""
        leaves, structure = jax.tree.flatten(self.device)
        axes, index = list(self.axes), np.asarray(lanes, np.int32)
        rows = [jax.tree.leaves(value) for value in values]
        for k, position in enumerate(_positions(self._common, depth, name)):
            column, old = [row[k] for row in rows], leaves[position]
            if not all(_fits(row, old.dtype) for row in column):
                old = old.astype(jnp.result_type(*column))
            if axes[position] is None and everywhere and all(row is column[0] for row in column):
                row = column[0]
                leaves[position] = jnp.full_like(old, row) if np.ndim(row) == 0 else jnp.asarray(row, old.dtype)
                continue
            if axes[position] is None:
                old = jnp.broadcast_to(old, (self._num_envs, *jnp.shape(old)))
            leaves[position] = old.at[index].set(np.asarray(column, old.dtype))
            axes[position] = 0
        self._device, self.axes = structure.unflatten(leaves), tuple(axes)

    def _resolved(self, name: str) -> str:
        """Our name for a field that has another name in Gymnasium."""
        base = unwrap(self._common)
        if name == "_max_episode_steps" and "max_episode_steps" in self.names():
            return "max_episode_steps"  # of Gymnasium's TimeLimit
        return name_here(type(base), name, _names(base))

    def _depth(self, name: str) -> int | None:
        """The depth of the field in the chain; the outermost wrapper, the adapter's AutoReset, is skipped."""
        depths = [depth for depth, part in enumerate(_chain(self._common)) if depth and name in _names(part)]
        return depths[0] if depths else None

    def _no_attribute(self, name: str) -> AttributeError:
        if name in INSTEAD and type(unwrap(self._common)).__module__.startswith("jaxenvs.envs."):
            return AttributeError(f"The environment has no attribute `{name}`: {INSTEAD[name]}.")
        names = self.names()
        listed = f"Its fields are: {', '.join(names)}." if names else "It has no fields."
        return AttributeError(f"The environment has no attribute `{name}`.{did_you_mean(name, names)} {listed}")

    def _cannot_set(self, name: str) -> AttributeError:
        if self._is_computed(name) or reader_of(unwrap(self._common), name):
            listed = ", ".join(self.names()) or "none"
            return AttributeError(
                f"`{name}` cannot be set: the environment computes it. What can be set are its fields: {listed}."
            )
        return self._no_attribute(name)

    def check_storable(self, name: str) -> None:
        """Raises the AttributeError for a name that cannot be set, or that resembles the name of a field."""
        taken = self._is_computed(name) or reader_of(unwrap(self._common), name)
        if not name.startswith("_") and (taken or did_you_mean(name, self.names())):
            raise self._cannot_set(name)

    def is_computed_as(self, name: str, value: Any) -> bool:
        """Whether Gymnasium's twin keeps an attribute that follows from the fields here, and it has this value.

        Scripts set `total_mass` after `masspole`, say.
        """
        base = unwrap(self._common)
        computed = _computed(base)
        if name not in computed or not is_real(value) or np.ndim(value):
            return False
        own = computed[name](base)
        return is_real(own) and np.ndim(own) == 0 and bool(np.isclose(value, own))

    def _is_computed(self, name: str) -> bool:
        chain = _chain(self._common)[1:]
        return name in _computed(chain[-1]) or any(hasattr(type(part), name) for part in chain)


def _chain(env: Any) -> list[Any]:
    """The wrappers, outermost first, and the base environment."""
    return [*wrappers_of(env), unwrap(env)]


def _computed(base: Any) -> dict[str, Callable[[Any], Any]]:
    """Gymnasium's attributes that are computed from this environment, if it is one of Gymnasium's."""
    is_gymnasiums = type(base).__module__.startswith(("jaxenvs.envs.classic_control.", "jaxenvs.envs.toy_text."))
    return COMPUTED.get(type(base).__name__, {}) if is_gymnasiums else {}


def _names(env: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(env) if field.name != "env"]


def _positions(env: Any, depth: int, name: str) -> list[int]:
    """The indices of the leaves of `env` that make up the field; none if it is static."""
    path = (*(jax.tree_util.GetAttrKey("env"),) * depth, jax.tree_util.GetAttrKey(name))
    with_paths = jax.tree_util.tree_flatten_with_path(env)[0]
    return [i for i, (leaf_path, _) in enumerate(with_paths) if leaf_path[: len(path)] == path]


def _with_field(env: Any, depth: int, name: str, value: Any) -> Any:
    """`env` with another value for a field `depth` wrappers deep, rebuilt by the constructors of all that hold it."""
    chain = _chain(env)
    owner = chain[depth]
    _check_value(owner, name, value)
    dataclasses.replace(jax.tree.map(plain, owner), **{name: value})  # raises if it does not fit the other fields
    changed = dataclasses.replace(owner, **{name: value})
    for wrapper in reversed(chain[:depth]):
        changed = dataclasses.replace(wrapper, env=changed)
    return changed


def _check_value(owner: Any, name: str, value: Any) -> None:
    """Raises `InvalidField` if a value is not of the same kind as the value of the field."""
    field = next(field for field in dataclasses.fields(owner) if field.name == name)
    where = f"{type(owner).__name__}: field `{name}`"
    if is_static(field):
        try:
            hash(value)
        except TypeError as error:
            if not isinstance(value, np.ndarray):
                raise InvalidField(f"{where} is static, so its value must be hashable, got {value!r}.") from error
        return
    old = getattr(owner, name)
    if value is None and old is not None and field.default is not None:
        raise InvalidField(f"{where} must have a value, got None.")
    numeric = bool(jax.tree.leaves(old)) and all(map(is_real, jax.tree.leaves(old)))
    for leaf in jax.tree.leaves(value):
        if numeric and not is_real(leaf):
            raise InvalidField(f"{where} must be a number, got {leaf!r} of type {type(leaf).__name__}.")
    shape_before, shape_after = (jax.tree.map(np.shape, x) for x in (old, value))
    if old is not None and value is not None and shape_before != shape_after:
        raise InvalidField(f"{where} has shape {shape_before}, got a value of shape {shape_after}: {value!r}.")


def _fits(value: Any, dtype: Any) -> bool:
    """Whether an array of this dtype can hold the value, apart from the rounding of floats."""
    kind = np.asarray(value).dtype.kind
    return kind in {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}.get(np.dtype(dtype).kind, kind)


def _check_spaces(name: str, value: Any, before: Any, after: Any) -> None:
    if before.observation_space != after.observation_space or before.action_space != after.action_space:
        raise InvalidField(
            f"`{name}` = {value!r} would change the spaces, which cannot change after construction."
            " Make a new batch, or a new environment."
        )


def _for_the_host(leaf: Any) -> Any:
    """A scalar as a Python number, an array as a read-only NumPy array, since writing to it would have no effect."""
    if is_key(leaf):
        return leaf
    leaf = plain(leaf)
    if not isinstance(leaf, Array | np.ndarray):
        return leaf
    view = np.asarray(leaf).view()
    view.flags.writeable = False
    return view


def _copied(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
