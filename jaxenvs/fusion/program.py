"""A jaxpr as a program of plain array operations: the form that the emitters read.

Calls are inlined, random keys become their words, operations on keys become arithmetic, constants are folded and what
nobody reads is dropped. What is left is a list of equations, with blocks within `cond`, `while` and `scan`. Blocks read
the variables around them directly.
"""

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun, jaxprs_in_params

from jaxenvs.core.alone import alone
from jaxenvs.core.kept import kept
from jaxenvs.core.trees import is_key_type
from jaxenvs.fusion import folding, keys
from jaxenvs.fusion.equations import SCATTERS, Atom, Block, CannotFuse, Equation, Var
from jaxenvs.fusion.reuse import reuse
from jaxenvs.fusion.uniform import mark_uniform

# What is read, and does not change a value of one lane.
_SAME = {
    *(
        "copy",
        "copy_p",
        "name",
        "stop_gradient",
        "random_wrap",
        "random_unwrap",
        "sharding_constraint",
        "reshard",
        "pvary",
    ),
    kept.name,
}
# Primitives that call a jaxpr once, with the parameter that holds it.
_CALLS = {
    **dict.fromkeys(("closed_call", "core_call", "eval_jaxpr"), "call_jaxpr"),  # three names, by version of JAX
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vmap_call": "call",
    "custom_lin": "jaxpr",
    "fused_step": "closed",
}

_DTYPES = {*("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")}


def program(closed: ClosedJaxpr, uniform: Sequence[bool], platform: str = "cpu") -> Block:
    """The program of a jaxpr.

    Args:
        closed: of one lane, with constants that are not traced.
        uniform: for each input, whether it is the same in all lanes.
        platform: for which it will be compiled, as JAX names it.

    Raises:
        CannotFuse: it has an operation that no kernel can compute.
    """
    inputs = [_variable(v.aval) for v in closed.jaxpr.invars]
    builder = _Builder(set(), _repeated(closed.jaxpr), platform)
    outputs = builder.inline(closed.jaxpr, closed.consts, list(inputs))
    block = Block(inputs, builder.equations, outputs, as_written=kept.name in builder.seen)
    _drop_unread(block, set())
    reuse(block)
    _drop_unread(block, set())
    for var, is_uniform in zip(inputs, uniform, strict=True):
        var.uniform = is_uniform
    mark_uniform(block)
    return block


def key_shape(aval: Any) -> tuple[int, ...]:
    """The shape of the words of a random key."""
    return tuple(aval.dtype._impl.key_shape)


def words(x: Any) -> np.ndarray:
    """A constant as a NumPy array; a key as its words."""
    return np.asarray(jax.random.key_data(x)) if hasattr(x, "dtype") and is_key_type(x) else np.asarray(x)


def _variable(aval: Any) -> Var:
    if is_key_type(aval):
        return Var(tuple(aval.shape) + key_shape(aval), "uint32")
    return Var(tuple(aval.shape), _name_of(aval.dtype))


@functools.cache  # NumPy puts a name together at each call
def _name_of(dtype: Any) -> str:
    """NumPy's name of a type that a kernel can have."""
    if str(dtype) not in _DTYPES:
        raise CannotFuse(f"numbers of type {dtype} are not supported")
    return str(np.dtype(dtype))


# A function with so many equations is written once, even if it is called more often; and one in a program that has
# `_LONG` of them.
_WORTH_SHARING, _WORTH_SHARING_IN_LONG, _LONG = 500, 100, 10_000


def _repeated(jaxpr: Jaxpr) -> dict[int, Block | None]:
    """The long programs that are called more than once, by identity, without their blocks."""
    calls: Counter[int] = Counter()
    sizes: dict[int, int] = {}

    def size(jaxpr: Jaxpr) -> int:
        total = len(jaxpr.eqns)
        for equation in jaxpr.eqns:
            function = _function(equation)
            if function is None:
                total += sum(map(size, jaxprs_in_params(equation.params)))
                continue
            calls[id(function)] += 1
            if id(function) not in sizes:
                sizes[id(function)] = size(function.jaxpr)
            total += sizes[id(function)]
        return total

    fewest = _WORTH_SHARING_IN_LONG if size(jaxpr) >= _LONG else _WORTH_SHARING
    return {x: None for x, count in calls.items() if count > 1 and sizes[x] >= fewest}


def _function(equation: Any) -> ClosedJaxpr | None:
    """The program that an equation calls, which is one object for all calls of a jitted function."""
    if equation.primitive is alone:
        return equation.params["one"].closed
    return equation.params["jaxpr"] if equation.primitive.name in ("jit", "pjit") else None


class _Builder:
    """Collects the equations of one block."""

    def __init__(self, seen: set[str], shared: dict[int, Block | None], platform: str) -> None:
        """Begins a block.

        Args:
            seen: gets the names of all primitives that are read, those of inner blocks included.
            shared: the programs that are called more than once, by identity, with their blocks as soon as there are.
            platform: for which the program will be compiled.
        """
        self.equations: list[Equation] = []
        self.seen, self.shared, self.platform = seen, shared, platform

    def inline(self, jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Atom]) -> list[Atom]:
        """Adds a jaxpr's equations; returns its outputs."""
        values: dict[Any, Atom] = {}

        def read(x: Any) -> Atom:
            if not isinstance(x, Literal):
                return values[x]
            aval: Any = x.aval
            return np.asarray(x.val, aval.dtype)

        values.update(zip(jaxpr.constvars, map(words, consts), strict=True))
        values.update(zip(jaxpr.invars, arguments, strict=True))
        for equation in jaxpr.eqns:
            results = self.equation(equation, [read(x) for x in equation.invars])
            values.update(zip(equation.outvars, results, strict=True))
        return [read(x) for x in jaxpr.outvars]

    def block(self, jaxpr: ClosedJaxpr, arguments: Sequence[Atom], inputs: list[Var]) -> Block:
        """A block of its own, of a jaxpr."""
        builder = _Builder(self.seen, self.shared, self.platform)
        outputs = builder.inline(jaxpr.jaxpr, jaxpr.consts, arguments)
        return Block(inputs, builder.equations, outputs)

    def add(
        self,
        op: str,
        inputs: Sequence[Atom],
        outputs: list[Var],
        params: dict[str, Any],
        blocks: Sequence[Block] = (),
    ) -> list[Atom]:
        """Adds one equation, or the constant that it computes."""
        constants = [x for x in inputs if isinstance(x, np.ndarray)]
        if not blocks and len(constants) == len(inputs):
            folded = folding.fold(op, constants, outputs[0], params)
            if folded is not None:
                return [folded]
        self.equations.append(Equation(op, list(inputs), outputs, params, list(blocks)))
        return list(outputs)

    def equation(self, eqn: Any, inputs: list[Atom]) -> list[Atom]:
        """Adds an equation of a jaxpr; returns its outputs."""
        op, params = eqn.primitive.name, eqn.params
        self.seen.add(op)
        if op in _SAME:
            return [inputs[0]]
        if op == "optimization_barrier":
            return inputs
        if op == "platform_index":
            return [self._platform_index(params["platforms"])]
        function = _function(eqn)
        if function is not None:
            return self._call(function, eqn, inputs)
        if op in _CALLS:
            inner = params[_CALLS[op]]
            closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
            return self.inline(closed.jaxpr, closed.consts, inputs)
        if op in keys.OPERATIONS:
            closed = keys.program(eqn, tuple(jax.ShapeDtypeStruct(x.shape, np.dtype(x.dtype)) for x in inputs))
            return self.inline(closed.jaxpr, closed.consts, inputs)
        if op in ("cond", "while", "scan"):
            return getattr(self, f"_{op}")(eqn, inputs)
        for x in inputs:
            _name_of(x.dtype)
        outputs = [_variable(v.aval) for v in eqn.outvars]
        params = _plain(op, params, eqn)
        if any(is_key_type(v.aval) for v in eqn.outvars):
            params, inputs = self._of_words(op, params, inputs, eqn)
        elif any(is_key_type(v.aval) for v in eqn.invars):
            raise CannotFuse(f"`{op}` of random keys is not supported")
        return self.add(op, inputs, outputs, params)

    def _of_words(
        self, op: str, params: dict[str, Any], inputs: list[Atom], eqn: Any
    ) -> tuple[dict[str, Any], list[Atom]]:
        """An operation that moves keys, as one that moves their words, which are one more axis at the end."""
        aval = next(v.aval for v in eqn.invars if is_key_type(v.aval))
        (size,) = key_shape(aval)
        rank, out_rank = len(aval.shape), len(eqn.outvars[0].aval.shape)
        more: dict[str, Any] = {}
        if op == "select_n" and inputs[0].shape:
            axes = tuple(range(len(inputs[0].shape)))
            wide = Var((*inputs[0].shape, size), str(inputs[0].dtype))
            inputs[:1] = self.add(
                "broadcast_in_dim", inputs[:1], [wide], {"shape": wide.shape, "broadcast_dimensions": axes}
            )
        elif op == "broadcast_in_dim":
            more = {
                "shape": (*params["shape"], size),
                "broadcast_dimensions": (*params["broadcast_dimensions"], out_rank),
            }
        elif op == "reshape":
            more = {"new_sizes": (*params["new_sizes"], size)}
        elif op == "transpose":
            more = {"permutation": (*params["permutation"], rank)}
        elif op == "slice":
            more = {
                "start_indices": (*params["start_indices"], 0),
                "limit_indices": (*params["limit_indices"], size),
                "strides": (*(params["strides"] or (1,) * rank), 1),
            }
        elif op in ("dynamic_slice", "dynamic_update_slice"):
            inputs = [*inputs, np.zeros((), np.int32)]
            more = {"slice_sizes": (*params["slice_sizes"], size)} if op == "dynamic_slice" else {}
        elif op == "pad":
            more = {"padding_config": (*params["padding_config"], (0, 0, 0))}
        elif op == "gather":
            numbers = params["dimension_numbers"]
            more = {
                "slice_sizes": (*params["slice_sizes"], size),
                "dimension_numbers": numbers._replace(offset_dims=(*numbers.offset_dims, out_rank)),
            }
        elif op == "scatter":
            numbers, update_rank = params["dimension_numbers"], len(eqn.invars[2].aval.shape)
            window = (*numbers.update_window_dims, update_rank)
            more = {"dimension_numbers": numbers._replace(update_window_dims=window)}
        elif op not in ("select_n", "squeeze", "expand_dims", "concatenate", "stack", "unstack", "split", "rev"):
            raise CannotFuse(f"`{op}` of random keys is not supported")
        return params | more, inputs

    def _call(self, function: ClosedJaxpr, eqn: Any, inputs: list[Atom]) -> list[Atom]:
        if id(function) not in self.shared:
            return self.inline(function.jaxpr, function.consts, inputs)
        block = self.shared[id(function)]
        if block is None:
            given = [_variable(v.aval) for v in eqn.invars]
            block = self.shared[id(function)] = self.block(function, given, given)
        return self.add("call", inputs, [_variable(v.aval) for v in eqn.outvars], {}, [block])

    def _platform_index(self, platforms: Sequence[Sequence[str] | None]) -> np.ndarray:
        """Which of the branches of `lax.platform_dependent` is for this platform, or for all others."""
        for number, some in enumerate(platforms):
            if some is not None and self.platform in some:
                return np.asarray(number, np.int32)
        if None not in platforms:
            raise CannotFuse(f"`platform_dependent` has no branch for the platform {self.platform}")
        return np.asarray(list(platforms).index(None), np.int32)

    def _cond(self, eqn: Any, inputs: list[Atom]) -> list[Atom]:
        branches, (index, *operands) = eqn.params["branches"], inputs
        if isinstance(index, np.ndarray):
            chosen = branches[int(np.clip(index, 0, len(branches) - 1))]
            return self.inline(chosen.jaxpr, chosen.consts, operands)
        blocks = [self.block(branch, operands, []) for branch in branches]
        return self.add("cond", [index], [_variable(v.aval) for v in eqn.outvars], {}, blocks)

    def _while(self, eqn: Any, inputs: list[Atom]) -> list[Atom]:
        params = eqn.params
        first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
        cond_consts, body_consts, initial = inputs[:first], inputs[first:second], inputs[second:]
        going, step = params["cond_jaxpr"], params["body_jaxpr"]
        if going.out_avals[0].shape:
            going, step, body_consts = *_with_one_condition(going, step, first), inputs[:second]
        carried = [_variable(v.aval) for v in eqn.outvars]
        condition = self.block(going, [*cond_consts, *carried], carried)
        body = self.block(step, [*body_consts, *carried], carried)
        return self.add("while", initial, [_variable(v.aval) for v in eqn.outvars], {}, [condition, body])

    def _scan(self, eqn: Any, inputs: list[Atom]) -> list[Atom]:
        params = eqn.params
        (num_consts, num_carry), length = _scan_counts(params), params["length"]
        consts, initial, xs = inputs[:num_consts], inputs[num_consts:][:num_carry], inputs[num_consts + num_carry :]
        outputs = [_variable(v.aval) for v in eqn.outvars]
        if length == 0:
            zeros = [np.zeros(x.shape, x.dtype) for x in outputs[num_carry:]]
            return [*initial, *zeros]
        given = [_variable(v.aval) for v in params["jaxpr"].jaxpr.invars[num_consts:]]
        body = self.block(params["jaxpr"], [*consts, *given], given)
        kept = {"length": length, "reverse": bool(params["reverse"]), "num_carry": num_carry}
        return self.add("scan", [*initial, *xs], outputs, kept, [body])


def _with_one_condition(going: ClosedJaxpr, step: ClosedJaxpr, num_consts: int) -> tuple[ClosedJaxpr, ClosedJaxpr]:
    """A loop that was mapped, whose condition is an array, as one that goes on while any of its elements does.

    Args:
        going: the condition.
        step: the body.
        num_consts: how many constants the condition reads. The new body reads them before its own.
    """

    def any_going(*inputs: Any) -> Any:
        return jax.numpy.any(jaxpr_as_fun(going)(*inputs)[0])

    def step_of_those(*inputs: Any) -> list[Any]:
        carried = inputs[len(inputs) - len(step.out_avals) :]
        (which,) = jaxpr_as_fun(going)(*inputs[:num_consts], *carried)
        new = jaxpr_as_fun(step)(*inputs[num_consts:])
        return [
            jax.lax.select_n(jax.lax.broadcast_in_dim(which, x.shape, range(which.ndim)), old, x)
            for old, x in zip(carried, new, strict=True)
        ]

    def read(function: Callable[..., Any], avals: Sequence[Any]) -> ClosedJaxpr:
        return jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in avals))

    return read(any_going, going.in_avals), read(step_of_those, [*going.in_avals[:num_consts], *step.in_avals])


def _scan_counts(params: dict[str, Any]) -> tuple[int, int]:
    """How many constants a scan has, and how many carried values; since JAX 0.12, trees say so."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    consts, carry, _ = params["ft_in"].unpack()
    return len(consts), len(carry)


# Parameters that say nothing about the values.
_SILENT = {"sharding", "out_sharding", "weak_type", "accuracy", "indices_are_sorted", "unique_indices", "precision"}


def _plain(op: str, params: dict[str, Any], eqn: Any) -> dict[str, Any]:
    """The parameters that say something about the values, of types whose `repr` is the same in every process."""
    if eqn.effects:
        raise CannotFuse(f"`{op}` acts outside of the program")
    kept = {name: value for name, value in params.items() if name not in _SILENT}
    if op in SCATTERS:
        if SCATTERS[op] is None and kept.get("update_jaxpr") is not None:
            raise CannotFuse("scatter_apply is not supported")
        kept.pop("update_jaxpr", None)
        kept.pop("update_consts", None)
    if op == "convert_element_type":
        kept = {}
    for name, value in kept.items():
        if callable(value) or isinstance(value, Jaxpr | ClosedJaxpr):
            raise CannotFuse(f"`{op}` calls back to Python or to another program ({name})")
    return kept


def _drop_unread(block: Block, read: set[Var]) -> None:
    """Removes what neither the outputs nor `read` need, and adds to `read` what the block reads."""
    read.update(x for x in block.outputs if isinstance(x, Var))
    kept = []
    for equation in reversed(block.equations):
        if not any(x in read for x in equation.outputs):
            continue
        if equation.op == "cond":
            _drop_outputs(equation, [x in read for x in equation.outputs])
        for inner in equation.blocks:
            _drop_unread(inner, read)
        read.update(x for x in equation.inputs if isinstance(x, Var))
        kept.append(equation)
    block.equations = kept[::-1]


def _drop_outputs(equation: Equation, needed: list[bool]) -> None:
    equation.outputs = [x for x, keep in zip(equation.outputs, needed, strict=True) if keep]
    for block in equation.blocks:
        block.outputs = [x for x, keep in zip(block.outputs, needed, strict=True) if keep]
