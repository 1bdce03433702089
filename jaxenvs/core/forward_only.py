"""An operation that changes nothing, through which no derivative goes backwards.

JAX has derivatives of loops whose length depends on data in forward mode alone, and its error for the other mode does
not say where the loop is.
"""

from typing import Any, NoReturn

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jaxenvs.errors import NotDifferentiable

forward_only = Primitive("forward_only")
"""`forward_only.bind(x, owner=owner)` is `x`. A derivative in reverse mode raises `NotDifferentiable`, which names the
owner, such as "A step of Box2D"."""


def _refuse(*arguments: Any, owner: str) -> NoReturn:
    del arguments
    raise NotDifferentiable(
        f"{owner} loops until it is done, so it has derivatives in forward mode alone. In place of `jax.grad`,"
        " `jax.vjp` or `jax.jacrev` use `jax.jvp` or `jax.jacfwd`."
    )


def _map(operands: Any, axes: Any, *, owner: str) -> tuple[Any, int]:
    return forward_only.bind(*operands, owner=owner), axes[0]


def _differentiate(primals: Any, tangents: Any, *, owner: str) -> tuple[Any, Any]:
    tangent = ad.instantiate_zeros(tangents[0])
    return tuple(forward_only.bind(x, owner=owner) for x in (*primals, tangent))  # pyright: ignore[reportReturnType]


def _same(x: Any, *, owner: str) -> Any:
    del owner
    return x


forward_only.def_impl(jax.jit(_same, static_argnames="owner"))
forward_only.def_abstract_eval(lambda x, *, owner: x)
mlir.register_lowering(forward_only, mlir.lower_fun(_same, multiple_results=False))
batching.primitive_batchers[forward_only] = _map
ad.primitive_jvps[forward_only] = _differentiate
ad.primitive_transposes[forward_only] = _refuse
