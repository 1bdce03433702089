"""Attributes of the environments of a batch: fields, what follows from a state, and what was stored."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.adapters._gymnasium_state import Writer, read, reader_of, state_from, with_base_state, writer_of
from jaxenvs.adapters._host_loop.attributes import Declared
from jaxenvs.adapters._host_loop.lane_programs import lane_programs
from jaxenvs.core.env import Env
from jaxenvs.core.trees import tree_at
from jaxenvs.core.wrapper import unwrap, unwrap_state
from jaxenvs.errors import InvalidField

if TYPE_CHECKING:
    from jaxenvs.adapters._host_loop.lane_recorder import LaneRecorder

_NOT_STORED = {
    "_elapsed_steps",
    "action_masks",
    "action_space",
    "metadata",
    "np_random",
    "np_random_seed",
    "observation_space",
    "render_mode",
    "spec",
    "unwrapped",
}
"""Attributes that the batch or its adapter answers for its environments."""


class LaneAttributes:
    """The part of `Lanes` that reads and sets attributes."""

    seeds: tuple[int, ...]
    _declared: Declared
    _programs: Any
    _state: Any
    recorder: "LaneRecorder | None"
    _stored: dict[str, dict[int, Any]]
    """Attributes that are no fields, by name and lane."""
    _generators: dict[int, tuple[int | None, np.random.Generator]]
    """Generators by lane, each with the seed that it was made with."""

    def lane(self, index: int) -> tuple[Env[Any, Any], Any]:
        """One lane's environment, with its own leaves, and its state."""
        return self._declared.lane(index).env, tree_at(self._state.env.inner, index)

    def has_field(self, name: str) -> bool:
        """Whether `name` is a field of the environment or of a wrapper around it."""
        return self._declared.has_field(name)

    def get_attribute(self, name: str, lanes: Sequence[int]) -> list[Any]:
        """A public field, property or method of the environment or of a wrapper around it, for some lanes.

        A field reads as it was declared or set, as a Python number or a NumPy array. A method gets its arguments
        unchanged. "unwrapped" is the environment without its wrappers, and "state" its state; None before the first
        reset. "np_random" is a generator of NumPy with the lane's seed, and "_elapsed_steps" the steps of the episode.

        Raises:
            AttributeError: there is no such attribute; the message lists the fields.
        """
        if name in self._stored:
            return [self._stored_value(name, lane) for lane in lanes]
        if name == "np_random":
            return [self._generator(lane) for lane in lanes]
        if name == "_elapsed_steps":
            return [None if self._state is None else int(self._state.episode_length[lane]) for lane in lanes]
        if reader_of(unwrap(self._declared.common), name):
            states = [None if self._state is None else self.lane(lane)[1] for lane in lanes]
            return [read(self._declared.lane(lane).env, name, state) for lane, state in zip(lanes, states, strict=True)]
        if name != "state" or self._declared.has_field(name):
            return self._declared.get(name, lanes)
        if self._state is None:
            return [None] * len(lanes)
        return [unwrap_state(*self.lane(lane)) for lane in lanes]

    def _set_states(self, name: str, writer: Writer | None, values: Sequence[Any], lanes: Sequence[int]) -> None:
        """Sets the states of some lanes, or what Gymnasium's environments keep of them under another name.

        Raises:
            InvalidField: there is no state yet, or a value is not one.
        """
        if self._state is None:
            raise InvalidField(f"Cannot set `{name}` before the first reset.")
        batch = self._state.env.inner
        for lane, value in zip(lanes, values, strict=True):
            env, old = self.lane(lane)
            inner = unwrap_state(env, old)
            base = writer(unwrap(env), inner, value) if writer else state_from(inner, value)
            if jax.tree.structure(base) != jax.tree.structure(inner):
                raise InvalidField(f"`state` must be a {type(inner).__name__}, got {type(value).__name__}.")
            new = with_base_state(env, old, lambda _, __, base=base: base)
            batch = jax.tree.map(lambda rows, row, lane=lane: rows.at[lane].set(row), batch, new)
        self._state = self._state.replace(env=self._state.env.replace(inner=batch))
        if self.recorder is not None:
            self.recorder.depart(np.asarray(lanes))

    def _stored_value(self, name: str, lane: int) -> Any:
        if lane not in self._stored[name]:
            raise AttributeError(f"Environment {lane} has no attribute `{name}`; it was set for others alone.")
        return self._stored[name][lane]

    def _generator(self, lane: int) -> np.random.Generator:
        """A generator with the lane's seed, as Gymnasium makes it; the environment does not use it."""
        seed = self.seeds[lane] if self.seeds else None
        if lane not in self._generators or self._generators[lane][0] != seed:
            fresh = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
            self._generators[lane] = seed, fresh
        return self._generators[lane][1]

    def set_attribute(self, name: str, values: Sequence[Any], lanes: Sequence[int]) -> None:
        """Sets a field of the environment, or of a wrapper around it, for some lanes.

        A field that is part of the program, such as the size of a map, has one value for all lanes. Setting a
        field that changes the form of the state ends all episodes, and a reset must follow. If there is no such field,
        the values are stored, as on any Python object.

        Args:
            name: name of the field.
            values: one for each of `lanes`.
            lanes: indices.

        Raises:
            AttributeError: the name resembles that of a field, or the environment computes the attribute.
            InvalidField: the field cannot take the value, or it is static and there are several values.
        """
        if not self._declared.has_field(name):
            writer = writer_of(unwrap(self._declared.common), name)
            if name == "state" or writer is not None:
                self._set_states(name, writer, values, lanes)
                return
            if name in _NOT_STORED:
                raise AttributeError(f"`{name}` cannot be set: the batch answers it for its environments.")
            self._declared.check_storable(name)
            self._stored.setdefault(name, {}).update(zip(lanes, values, strict=True))
            return
        if not self._declared.set(name, values, lanes):
            return
        device, axes = self._declared.device, self._declared.axes
        self._programs = lane_programs(self._declared.common)
        if self._state is not None:
            own = self._state.env
            fresh = jax.eval_shape(lambda: self._programs.start(device, axes, own.key, own.episodes)[0])
            if not same_form(fresh, self._state):
                self._state = None


def same_form(one: Any, other: Any) -> bool:
    """Whether two states have the same structure, shapes and dtypes."""
    forms = [jax.tree.map(lambda leaf: (jnp.shape(leaf), leaf.dtype), state) for state in (one, other)]
    return jax.tree.structure(one) == jax.tree.structure(other) and forms[0] == forms[1]
