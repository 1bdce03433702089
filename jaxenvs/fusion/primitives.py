"""Two JAX primitives: a scan over lanes that is one kernel, and a step of one lane that becomes one when it is mapped.

On a CPU, and on NVIDIA's GPUs, they are lowered to a call of a kernel; elsewhere, and for a program that cannot be
fused, to the operations that they stand for.
"""

import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir

from jaxenvs.errors import JaxenvsError
from jaxenvs.fusion import garbage, gpu, groups, handler, kernel, native
from jaxenvs.fusion.equations import Block, CannotFuse, fingerprint
from jaxenvs.fusion.layout import Kind, Layout, is_uniform
from jaxenvs.fusion.program import program

scan = Primitive("fused_scan")
"""All steps of all lanes.

Its operands have lanes as their first axis, or as their second after that of steps, as `layout` says. Parameters:
`closed`, the step of one lane; `layout`; `steps`; `lanes`.
"""
scan.multiple_results = True

step = Primitive("fused_step")
"""One step of one lane. Mapped, it is a `scan` of one step. Parameter: `closed`."""
step.multiple_results = True


# What the primitives compute, by XLA.


def _scan_by_xla(*operands: Array, closed: ClosedJaxpr, layout: Layout, steps: int, lanes: int) -> list[Any]:
    axes = [None if is_uniform(kind) else 0 for kind in layout]
    num_carried = layout.count(Kind.CARRY)

    def body(carry: Sequence[Array], xs: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        carried, rows = iter(carry), iter(xs)
        inputs = [
            next(carried) if kind is Kind.CARRY else next(rows) if _of_steps(kind) else x
            for kind, x in zip(layout, operands, strict=True)
        ]
        results = jax.vmap(jaxpr_as_fun(closed), in_axes=axes, axis_size=lanes)(*inputs)
        return results[:num_carried], results[num_carried:]

    carry = [x for kind, x in zip(layout, operands, strict=True) if kind is Kind.CARRY]
    rows = [x for kind, x in zip(layout, operands, strict=True) if _of_steps(kind)]
    after, ys = jax.lax.scan(body, carry, rows, length=steps)
    return [*after, *ys]


def _of_steps(kind: Kind) -> bool:
    return kind in (Kind.SHARED_STEP, Kind.OWN_STEP)


def _scan_shapes(*_: Any, closed: ClosedJaxpr, layout: Layout, steps: int, lanes: int) -> list[Any]:
    num_carried = layout.count(Kind.CARRY)
    return [
        ShapedArray((lanes, *x.shape) if n < num_carried else (steps, lanes, *x.shape), x.dtype)
        for n, x in enumerate(closed.out_avals)
    ]


def _scan_alone(*operands: Array, **params: Any) -> list[Any]:
    """A scan outside of any other program; one operation after another, as it is written, under `jax.disable_jit`."""
    if jax.config.values["jax_disable_jit"]:
        return _scan_by_xla(*operands, **params)
    return _jitted_scan(*sorted(params.items()))(*operands)


@functools.lru_cache(maxsize=64)
def _jitted_scan(*params: tuple[str, Any]) -> Callable[..., Any]:
    return jax.jit(functools.partial(scan.bind, **dict(params)))


scan.def_abstract_eval(_scan_shapes)
scan.def_impl(_scan_alone)
step.def_abstract_eval(lambda *_, closed: [ShapedArray(x.shape, x.dtype) for x in closed.out_avals])
step.def_impl(lambda *operands, closed: jaxpr_as_fun(closed)(*operands))


# Lowering.


def _lower_scan_to_xla(ctx: Any, *operands: Any, **params: Any) -> Any:
    return mlir.lower_fun(_scan_by_xla, multiple_results=True)(_on_one_device(ctx), *operands, **params)


def _lower_step(ctx: Any, *operands: Any, closed: ClosedJaxpr) -> Any:
    lower = mlir.lower_fun(lambda *operands: jaxpr_as_fun(closed)(*operands), multiple_results=True)
    return lower(_on_one_device(ctx), *operands)


def _on_one_device(ctx: Any) -> Any:
    """A context in which no type says along which axes of a mesh an array differs: a lane's program does not say it."""
    plain = [[ShapedArray(x.shape, x.dtype) for x in avals] for avals in (ctx.avals_in, ctx.avals_out)]
    return ctx.replace(avals_in=plain[0], avals_out=plain[1])


def _lower_scan_to_kernel(platform: str, ctx: Any, *operands: Any, **params: Any) -> Any:
    layout, lanes, steps = params["layout"], params["lanes"], params["steps"]
    fewest = kernel.GROUP if platform == "cpu" else 1
    # The handler asks the C library for functions of POSIX.
    missing = gpu.missing() is not None if platform == "cuda" else sys.platform == "win32"
    if ctx.module_context.lowering_parameters.for_export:
        raise JaxenvsError(
            "A fused program cannot be exported, since its kernel is compiled for the processor of this machine. Export"
            " the environment that was fused, `fused.env`: `jax.export.export(jax.jit(jax.vmap(fused.env.step)))`."
        )
    if steps == 0 or lanes < fewest or missing:
        return _lower_scan_to_xla(ctx, *operands, **params)
    try:
        with garbage.uncollected():
            read = program(params["closed"], [is_uniform(kind) for kind in layout], platform)
        name = compiled(read, layout, lanes) if platform == "cpu" else gpu.compiled(read, layout, sources())
    except CannotFuse:
        return _lower_scan_to_xla(ctx, *operands, **params)
    return jax.ffi.ffi_lowering(name)(ctx, *operands, lanes=np.int64(lanes), steps=np.int64(steps))


mlir.register_lowering(scan, _lower_scan_to_xla)
for _platform in ("cpu", "cuda"):
    mlir.register_lowering(scan, functools.partial(_lower_scan_to_kernel, _platform), platform=_platform)
mlir.register_lowering(step, _lower_step)

_registered: dict[str, Any] = {}


def compiled(read: Block, layout: Layout, lanes: int) -> str:
    """Compiles a step's kernel for this processor, or finds it in the cache, and registers it; returns its name.

    The name depends on the program alone, so that XLA's own cache of compiled programs finds it in another process.
    """
    machine = native.processor(), repr(handler.interface())
    group = groups.group_for(read, lanes) if native.has_wide_vectors() else kernel.GROUP
    name = "jaxenvs_" + native.digest(fingerprint(read), repr(layout), str(group), *machine, sources())
    if name not in _registered:
        path = native.cache_file(f"{name}.o")
        codes = native.kept(path)
        if codes is None:
            sizes = [x.size * np.dtype(x.dtype).itemsize for x in read.outputs]
            with garbage.uncollected(), native.Compilation(is_long=kernel.is_long(read)) as compilation:
                written = kernel.write(read, layout, group, lambda part: compilation.begin(handler.of_part(part)))
                text = handler.of_task(written, len(read.inputs), sizes, layout.count(Kind.CARRY), group)
                codes = compilation.finish(text)
            native.keep(path, codes)
        pointer = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(native.load(name, codes))
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(pointer), platform="cpu")
        _registered[name] = pointer
    return name


@functools.cache
def sources() -> str:
    """A hash of the code that writes kernels."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return native.digest(*[path.read_text() for path in files])


# Mapping: more lanes.


def _map_scan(operands: Sequence[Array], axes: Sequence[Any], **params: Any) -> tuple[list[Array], list[int]]:
    lanes, steps, layout = params["lanes"], params["steps"], params["layout"]
    count = next(x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None)
    total, kinds, inputs = count * lanes, [], []
    for kind, x, axis in zip(layout, operands, axes, strict=True):
        mapped, place = axis is not None, int(_of_steps(kind))
        if is_uniform(kind):
            if mapped:
                x = jnp.repeat(jnp.moveaxis(x, axis, place), lanes, axis=place)
                kind = Kind.OWN_STEP if _of_steps(kind) else Kind.OWN
        else:
            x = (
                jnp.moveaxis(x, axis, place)
                if mapped
                else jnp.broadcast_to(jnp.expand_dims(x, place), (*x.shape[:place], count, *x.shape[place:]))
            )
            x = x.reshape(*x.shape[:place], total, *x.shape[place + 2 :])
        kinds.append(kind)
        inputs.append(x)
    results = scan.bind(*inputs, **params | {"lanes": total, "layout": tuple(kinds)})
    places = [int(n >= layout.count(Kind.CARRY)) for n in range(len(results))]
    del steps
    split = [
        x.reshape(*x.shape[:place], count, lanes, *x.shape[place + 1 :])
        for x, place in zip(results, places, strict=True)
    ]
    return split, places


def _map_step(operands: Sequence[Array], axes: Sequence[Any], *, closed: ClosedJaxpr) -> tuple[list[Array], list[int]]:
    lanes = next(x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None)
    layout = tuple(Kind.SHARED if axis is None else Kind.OWN_STEP for axis in axes)
    inputs = [x if axis is None else jnp.moveaxis(x, axis, 0)[None] for x, axis in zip(operands, axes, strict=True)]
    results = scan.bind(*inputs, closed=closed, layout=layout, steps=1, lanes=lanes)
    return [x[0] for x in results], [0] * len(results)


batching.primitive_batchers[scan] = _map_scan
batching.primitive_batchers[step] = _map_step


def _no_derivative(*_: Any, **__: Any) -> Any:
    raise JaxenvsError(
        "A fused program has no derivative. Differentiate the environment that was fused, `fused.env`:"
        " `jax.lax.scan(jax.vmap(fused.env.step), state, actions)`."
    )


for _primitive in (scan, step):
    ad.primitive_jvps[_primitive] = _no_derivative
