"""Calls to the host from compiled programs, one for a whole batch.

Environments whose dynamics are computed by a library outside JAX use it to step.
"""

# pyright: strict, reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.experimental.buffer_callback import buffer_callback

from jaxenvs.errors import NotDifferentiable

__all__ = ["Arrays", "HostFunction", "host_call"]

Arrays = dict[str, np.ndarray]

HostFunction = Callable[[int, Arrays, Arrays], None]
"""`function(lanes, inputs, outputs)`: reads the inputs and writes the outputs, which are arrays by name with a leading
axis of `lanes`, or 1 if an input is the same for all. It must be pure, must not use JAX, and must be the same object in
every trace."""


def host_call(
    function: HostFunction,
    results: Mapping[str, jax.ShapeDtypeStruct],
    arguments: dict[str, Array],
    *,
    hint: str = "",
) -> dict[str, Array]:
    """Calls `function` on the host; under `vmap`, even nested, once for the whole batch.

    Args:
        function: the function to call.
        results: shapes and dtypes of its outputs, for one lane.
        arguments: its inputs, for one lane.
        hint: what to do about the missing derivative, for the error message.

    Raises:
        NotDifferentiable: while tracing, if a derivative with respect to an argument is requested.
    """

    @jax.custom_jvp
    def call(arguments: dict[str, Array]) -> dict[str, Array]:
        return _dispatch(function, results, arguments)

    @call.defjvp
    def refuse(primals: Any, tangents: Any) -> Any:
        raise NotDifferentiable(f"A derivative goes through a call to the host, which has none. {hint}".rstrip())

    return call(arguments)


def _dispatch(
    function: HostFunction, results: Mapping[str, jax.ShapeDtypeStruct], arguments: dict[str, Array]
) -> dict[str, Array]:
    ranks = tuple((name, x.ndim) for name, x in sorted(arguments.items()))
    call = function, tuple(sorted(results.items())), ranks

    def on_cpu(arguments: dict[str, Array]) -> dict[str, Array]:
        return buffer_callback(_form(_InPlace, *call), dict(results), vmap_method="expand_dims")(arguments)

    def elsewhere(arguments: dict[str, Array]) -> dict[str, Array]:
        return jax.pure_callback(_form(_Returning, *call), dict(results), arguments, vmap_method="expand_dims")

    return jax.lax.platform_dependent(arguments, cpu=on_cpu, default=elsewhere)


class _Call:
    """A host function in a form that JAX can call."""

    def __init__(
        self,
        function: HostFunction,
        results: tuple[tuple[str, jax.ShapeDtypeStruct], ...],
        ranks: tuple[tuple[str, int], ...],
    ) -> None:
        self._function, self._ranks = function, dict(ranks)
        self._results = tuple((name, form.shape, np.dtype(form.dtype)) for name, form in results)

    def _batch_of(self, inputs: Arrays) -> tuple[int, ...]:
        return np.broadcast_shapes(*(x.shape[: x.ndim - self._ranks[name]] for name, x in inputs.items()))

    def _call(self, batch: tuple[int, ...], inputs: Arrays, outputs: Arrays) -> None:
        """Calls the function with the batch axes merged into one."""
        lanes = math.prod(batch)
        if not lanes:
            return
        flat_inputs = {name: self._flat(name, x, batch, lanes) for name, x in inputs.items()}
        self._function(
            lanes, flat_inputs, {name: x.reshape(lanes, *x.shape[len(batch) :]) for name, x in outputs.items()}
        )

    def _flat(self, name: str, x: np.ndarray, batch: tuple[int, ...], lanes: int) -> np.ndarray:
        axes = x.ndim - self._ranks[name]
        leading, shape = x.shape[:axes], x.shape[axes:]
        if math.prod(leading) == 1:
            return x.reshape(1, *shape)
        if leading == batch:
            return x.reshape(lanes, *shape)
        return np.broadcast_to(x, (*batch, *shape)).reshape(lanes, *shape)


class _InPlace(_Call):
    """A buffer callback: arrays stay where XLA has them, and no code of JAX runs in between."""

    def __call__(self, context: Any, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
        del context
        read = {name: np.asarray(x) for name, x in inputs.items()}
        self._call(self._batch_of(read), read, {name: np.asarray(x) for name, x in outputs.items()})


class _Returning(_Call):
    """A pure callback, for devices whose memory the host cannot access."""

    def __call__(self, inputs: dict[str, Any]) -> Arrays:
        read = {name: np.asarray(x) for name, x in inputs.items()}
        batch = self._batch_of(read)
        written = {name: np.empty((*batch, *shape), dtype) for name, shape, dtype in self._results}
        self._call(batch, read, written)
        return written


@functools.cache
def _form(
    form: type[_Call],
    function: HostFunction,
    results: tuple[tuple[str, jax.ShapeDtypeStruct], ...],
    ranks: tuple[tuple[str, int], ...],
) -> Any:
    """Returns the same object for the same call, so that JAX recognises identical programs."""
    return form(function, results, ranks)
