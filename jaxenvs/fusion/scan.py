"""`scan_lanes`: a scan over many lanes as one kernel, as a JAX primitive.

On a CPU, and if the step can be fused, it is lowered to a call of a kernel; elsewhere to the scan that it stands for.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir

from jaxenvs.errors import JaxenvsError
from jaxenvs.fusion import gpu, kernel, native
from jaxenvs.fusion.kernel import Layout
from jaxenvs.fusion.program import CannotFuse, fingerprint, program

_scan = Primitive("fused_scan")
_scan.multiple_results = True


def _reference(*operands: Any, closed: ClosedJaxpr, layout: Layout, steps: int, lanes: int) -> list[Any]:
    """The scan of a mapped step that a kernel computes, by XLA."""
    shared, own, carry, shared_steps, own_steps = _parts(operands, layout)

    def step(carry: Sequence[Any], xs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        axes = (*[None] * len(shared), *[0] * len(own + carry), *[None] * len(shared_steps), *[0] * len(own_steps))
        inputs = [*shared, *own, *carry, *xs]
        mapped = jax.vmap(lambda *xs: jaxpr_as_fun(closed)(*xs), in_axes=axes, axis_size=lanes)
        results = mapped(*inputs)
        return results[: layout.carried], results[layout.carried :]

    after, ys = jax.lax.scan(step, list(carry), [*shared_steps, *own_steps], length=steps)
    return [*after, *ys]


def _parts(operands: Sequence[Any], layout: Layout) -> list[list[Any]]:
    bounds = np.cumsum([0, layout.shared, layout.own, layout.carried, layout.shared_steps, layout.own_steps])
    return [list(operands[a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def _abstract(*operands: Any, closed: ClosedJaxpr, layout: Layout, steps: int, lanes: int) -> list[Any]:
    shapes = [(lanes, *x.shape) for x in closed.out_avals[: layout.carried]]
    shapes += [(steps, lanes, *x.shape) for x in closed.out_avals[layout.carried :]]
    return [jax.core.ShapedArray(s, x.dtype) for s, x in zip(shapes, closed.out_avals, strict=True)]


_scan.def_abstract_eval(_abstract)
_scan.def_impl(lambda *operands, **params: jax.jit(functools.partial(_scan.bind, **params))(*operands))


def _lower_to_scan(ctx: Any, *operands: Any, **params: Any) -> Any:
    return mlir.lower_fun(_reference, multiple_results=True)(ctx, *operands, **params)


def _lower_to_kernel(ctx: Any, *operands: Any, **params: Any) -> Any:
    layout, lanes, steps = params["layout"], params["lanes"], params["steps"]
    if steps == 0 or lanes < kernel.GROUP:
        return _lower_to_scan(ctx, *operands, **params)
    name = compiled(params["closed"], layout)
    rule = jax.ffi.ffi_lowering(name)
    return rule(ctx, *operands, lanes=np.int64(lanes), steps=np.int64(steps))


def _lower_to_cuda(ctx: Any, *operands: Any, **params: Any) -> Any:
    layout, lanes, steps = params["layout"], params["lanes"], params["steps"]
    if steps == 0 or lanes == 0 or gpu.missing() is not None:
        return _lower_to_scan(ctx, *operands, **params)
    try:
        name = gpu.compiled(program(params["closed"], layout.uniform), layout, _sources())
    except CannotFuse:
        return _lower_to_scan(ctx, *operands, **params)
    return jax.ffi.ffi_lowering(name)(ctx, *operands, lanes=np.int64(lanes), steps=np.int64(steps))


mlir.register_lowering(_scan, _lower_to_scan)
mlir.register_lowering(_scan, _lower_to_kernel, platform="cpu")
mlir.register_lowering(_scan, _lower_to_cuda, platform="cuda")


@functools.lru_cache(maxsize=256)
def _read(closed: Any, layout: Layout) -> Any:
    return program(closed, layout.uniform)


def compiled(closed: ClosedJaxpr, layout: Layout) -> str:
    """Compiles a step's kernel, or finds it in the cache, and registers it; returns its name."""
    step = program(closed, layout.uniform)
    name = "jaxenvs_" + native.digest(fingerprint(step), repr(layout), native.processor(), _sources())
    if name in _registered:
        return name
    path = native.cache_folder() / f"{name}.o"
    code = path.read_bytes() if path.exists() else None
    if code is None:
        written = kernel.write(step, layout)
        text = native.module_text(written, len(step.inputs), len(step.outputs), kernel.GROUP)
        code = native.compile_object(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code)
    address = native.load(name, code)
    import ctypes

    pointer = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(pointer), platform="cpu")
    _registered[name] = pointer
    return name


_registered: dict[str, Any] = {}


@functools.cache
def _sources() -> str:
    """A hash of the code that writes kernels."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return native.digest(*[path.read_text() for path in files])


def _no_derivative(*_: Any, **__: Any) -> Any:
    raise JaxenvsError(
        "A fused scan has no derivative. Differentiate the scan of the environment instead:"
        " `jax.lax.scan(jax.vmap(env.step), state, actions)`."
    )


ad.primitive_jvps[_scan] = _no_derivative


def scan_lanes(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any,
    length: int | None = None,
) -> tuple[Any, Any]:
    """`jax.lax.scan(jax.vmap(step), carry, xs, length)` as one kernel."""
    leaves, tree = jax.tree.flatten(carry)
    rows, rows_tree = jax.tree.flatten(xs)
    lanes = leaves[0].shape[0]
    steps = rows[0].shape[0] if rows else length
    one = [jax.typeof(x).update(shape=x.shape[1:]) if False else jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in leaves]
    row = [jax.ShapeDtypeStruct(x.shape[2:], x.dtype) for x in rows]
    raw_one, raw_row = [_raw(x) for x in one], [_raw(x) for x in row]
    out_tree: Any = None

    def flat(*operands: Any) -> list[Any]:
        nonlocal out_tree
        given = [_wrapped(x, aval) for x, aval in zip(operands, [*one, *row], strict=True)]
        state, out = step(tree.unflatten(given[: len(one)]), rows_tree.unflatten(given[len(one) :]))
        state_leaves = jax.tree.leaves(state)
        out_leaves, out_structure = jax.tree.flatten(out)
        out_tree = (out_structure, [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in map(jnp.asarray, out_leaves)])
        return [_unwrapped(jnp.asarray(x)) for x in (*state_leaves, *out_leaves)]

    closed = jax.make_jaxpr(flat)(*raw_one, *raw_row)
    layout = Layout(0, 0, len(leaves), 0, len(rows))
    results = _scan.bind(
        *[_unwrapped(x) for x in (*leaves, *rows)], closed=closed, layout=layout, steps=steps, lanes=lanes
    )
    after = [_wrapped(x, aval) for x, aval in zip(results[: len(one)], one, strict=True)]
    structure, avals = out_tree
    ys = [_wrapped(x, aval) for x, aval in zip(results[len(one) :], avals, strict=True)]
    return tree.unflatten(after), structure.unflatten(ys)


def _is_key(x: Any) -> bool:
    return jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)


def _raw(aval: Any) -> Any:
    if _is_key(aval):
        return jax.ShapeDtypeStruct(aval.shape + aval.dtype._impl.key_shape, np.uint32)
    return aval


def _unwrapped(x: Any) -> Any:
    return jax.random.key_data(x) if _is_key(x) else x


def _wrapped(x: Any, aval: Any) -> Any:
    return jax.random.wrap_key_data(x, impl=str(aval.dtype._impl.name)) if _is_key(aval) else x


_ = batching, CannotFuse
