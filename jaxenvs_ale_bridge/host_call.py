"""One call to the host for a whole batch, from within a compiled program."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.experimental.buffer_callback import buffer_callback

from jaxenvs_ale_bridge.layout import Field

HostFunction = Callable[[int, dict[str, np.ndarray], dict[str, np.ndarray]], None]
"""`function(lanes, inputs, outputs)`: reads the inputs and writes the outputs, arrays by name, each with a
leading axis of lanes. It must be pure, must not touch JAX, and must be the same object at every trace."""


def host_call(function: HostFunction, results: Mapping[str, Field], arguments: dict[str, Array]) -> dict[str, Array]:
    """Calls `function` on the host; under `vmap`, nested or not, once for the whole batch.

    Args:
        function: what to call.
        results: what it writes, for one lane.
        arguments: what it reads, for one lane.
    """
    shapes = {name: jax.ShapeDtypeStruct(field.shape, field.dtype) for name, field in results.items()}
    argument = min(arguments)
    call = function, tuple(results.items()), argument, arguments[argument].ndim

    def on_cpu(arguments: dict[str, Array]) -> dict[str, Array]:
        return buffer_callback(_form(_InPlace, *call), shapes, vmap_method="broadcast_all")(arguments)

    def elsewhere(arguments: dict[str, Array]) -> dict[str, Array]:
        return jax.pure_callback(_form(_Returning, *call), shapes, arguments, vmap_method="broadcast_all")

    return jax.lax.platform_dependent(arguments, cpu=on_cpu, default=elsewhere)


class _Call:
    """A host function in a form that JAX calls."""

    def __init__(
        self, function: HostFunction, results: tuple[tuple[str, Field], ...], argument: str, rank: int
    ) -> None:
        self._function, self._results, self._argument, self._rank = function, results, argument, rank

    def _call(self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> None:
        """Calls the function with the axes of the batch made one."""
        batch = self._batch_of(inputs)
        if len(batch) == 1:
            self._function(batch[0], inputs, outputs)
            return
        lanes = math.prod(batch)
        flat_inputs = {name: x.reshape(lanes, *x.shape[len(batch) :]) for name, x in inputs.items()}
        flat_outputs = {name: x.reshape(lanes, *x.shape[len(batch) :]) for name, x in outputs.items()}
        self._function(lanes, flat_inputs, flat_outputs)

    def _batch_of(self, inputs: dict[str, np.ndarray]) -> tuple[int, ...]:
        shape = inputs[self._argument].shape
        return shape[: len(shape) - self._rank]


class _InPlace(_Call):
    """In the form of a buffer callback: arrays lie where XLA has them, and nothing of JAX runs in between."""

    def __call__(self, context: Any, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
        del context
        self._call(
            {name: np.asarray(x) for name, x in inputs.items()}, {name: np.asarray(x) for name, x in outputs.items()}
        )


class _Returning(_Call):
    """In the form of a pure callback, for devices whose memory the host cannot reach."""

    def __call__(self, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        read = {name: np.asarray(x) for name, x in inputs.items()}
        batch = self._batch_of(read)
        written = {name: np.empty((*batch, *field.shape), field.dtype) for name, field in self._results}
        self._call(read, written)
        return written


@functools.cache
def _form(
    form: type[_Call], function: HostFunction, results: tuple[tuple[str, Field], ...], argument: str, rank: int
) -> Any:
    """The same object for the same call, so that JAX sees that two programs are one."""
    return form(function, results, argument, rank)
