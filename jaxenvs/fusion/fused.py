"""fuse: an environment whose batches step in one kernel."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import jax
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs import random
from jaxenvs.core.env import Env, TimeStep, check_is_env
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.fusion.lanes import LaneProgram, as_key, as_words, lane_program, one_of, varying_axes

Obs = TypeVar("Obs")


class Fused(SameObservations, SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """An environment whose batches step in one kernel; made by `fuse`.

    `jax.vmap(fused.step)` is one kernel for all lanes, in any loop. `scan` is one kernel for all lanes and all steps,
    which is faster still, since a lane's state stays in the processor's cache. A single environment, and one whose step
    cannot become a kernel, steps as it would without this wrapper; `explain` says why.

    The results are those of the environment: integers, flags and keys are equal, floats up to their rounding. There are
    no derivatives: take those of `fused.env`.
    """

    is_transparent = True

    def reset(self, key: Array) -> tuple[Any, TimeStep[Obs]]:
        return self.env.reset(key)

    def step(self, state: Any, action: Any) -> tuple[Any, TimeStep[Obs]]:
        action = self.action_space.validate(action)
        if _is_traced(self):
            return call(self.env.step, state, action)
        arguments = jax.tree.map(jax.numpy.asarray, (state, action))
        leaves, structure = jax.tree.flatten(jax.tree.map(lambda x: one_of(x, 0), arguments))
        lane = _lane_step(_Fixed(self.env), structure, tuple(leaves), bool(jax.config.read("jax_enable_x64")))
        return _applied(lane, arguments)

    def scan(self, state: Any, actions: Any) -> tuple[Any, TimeStep[Obs]]:
        """What `jax.lax.scan(jax.vmap(env.step), state, actions)` returns, computed by one kernel.

        Args:
            state: of the environment, with a first axis of lanes.
            actions: (num_steps, lanes, ...) elements of the action space.

        Returns:
            The last states, and the timesteps with first axes (num_steps, lanes).

        Raises:
            InvalidField: the axes of lanes or steps differ.
        """
        if _is_traced((self, state, actions)):
            return scan(self.env.step, state, actions)
        return _compiled_scan(_Fixed(self.env))(state, actions)

    def explain(self) -> "Explanation":
        """Whether the environment's step becomes a kernel, and why not; see `explain`."""
        return explain(self.env)


def fuse(env: Env[Any, Any]) -> Fused[Any]:
    """An environment whose batches step in one kernel.

        env = jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1")))
        state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 4096))
        state, trajectory = env.scan(state, actions)

    Fuse the outermost environment, with all its wrappers: what is around `Fused` is not in the kernel.

    Raises:
        DependencyNotInstalled: llvmlite is missing; `pip install "jaxenvs[fuse]"` brings it.
        InvalidField: `env` is not an environment.
    """
    check_is_env("jaxenvs.fuse", env)
    require_compiler()
    return Fused(env)


def require_compiler() -> None:
    """Raises `DependencyNotInstalled` if llvmlite is missing."""
    if importlib.util.find_spec("llvmlite") is None:
        raise DependencyNotInstalled('Fusing needs llvmlite: run `pip install "jaxenvs[fuse]"`.')


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """`function(*arguments)`, which becomes one kernel for all lanes when it is mapped by `jax.vmap`.

    Args:
        function: of trees of arrays; what it closes over is the same for all lanes, unless it is mapped too.
        arguments: trees of arrays.
    """
    require_compiler()
    arguments = jax.tree.map(jax.numpy.asarray, arguments)
    return _applied(lane_program(function, jax.tree.map(lambda x: one_of(x, 0), arguments)), arguments)


def _applied(lane: LaneProgram, arguments: Sequence[Any]) -> Any:
    """What a program gives for trees of arrays."""
    from jaxenvs.fusion import primitives

    operands = [*lane.captured, *map(as_words, jax.tree.leaves(arguments))]
    return _result(lane, operands, primitives.step.bind(*operands, closed=lane.closed))


def scan(function: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any = None, length: int | None = None) -> Any:
    """`jax.lax.scan(jax.vmap(function), carry, xs, length)`, computed by one kernel.

    Only what `function` puts out is written to memory, so sums of many steps belong into the carry:

        def step(carry, key):
            state, observation, total = carry
            state, timestep = env.step(state, policy(observation, key))
            return (state, timestep.observation, total + timestep.reward), None

    Args:
        function: `function(carry, x) -> (carry, y)` of one lane. What it closes over is shared by all lanes.
        carry: a tree of arrays with a first axis of lanes.
        xs: a tree of arrays with first axes (steps, lanes), or None.
        length: the number of steps, if `xs` has no arrays.

    Returns:
        The last carry, and the tree of all `y`, with first axes (steps, lanes).

    Raises:
        InvalidField: the axes of lanes or steps differ, `length` is not an integer, `function` does not return a pair,
            or the carry changes its structure, shapes or dtypes.
    """
    require_compiler()
    from jaxenvs.fusion import primitives
    from jaxenvs.fusion.layout import Kind

    if length is not None and (not isinstance(length, int | np.integer) or isinstance(length, bool) or length < 0):
        raise InvalidField(f"`length` of a fused scan must be an integer from 0 on that is known, got {length!r}.")
    carry, xs = jax.tree.map(jax.numpy.asarray, (carry, xs))
    states, rows = jax.tree.leaves(carry), jax.tree.leaves(xs)
    lanes, steps = _check_axes(states, rows, None if length is None else int(length))
    one = jax.tree.map(lambda x: one_of(x, 1), carry)
    lane = lane_program(function, (one, jax.tree.map(lambda x: one_of(x, 2), xs)))
    _check_carry(one, lane)
    layout = (Kind.SHARED,) * len(lane.captured) + (Kind.CARRY,) * len(states) + (Kind.OWN_STEP,) * len(rows)
    operands = [*lane.captured, *map(as_words, (*states, *rows))]
    results = primitives.scan.bind(*operands, closed=lane.closed, layout=layout, steps=steps, lanes=lanes)
    return _result(lane, operands, results)


def _result(lane: LaneProgram, operands: list[Array], results: list[Array]) -> Any:
    """The tree that the results are the leaves of. Within a `shard_map`, they differ along the axes of the operands."""
    axes = frozenset[Any]().union(*map(varying_axes, operands))
    if axes:
        results = [jax.lax.pcast(x, tuple(axes), to="varying") for x in results]
    return lane.outputs.unflatten([as_key(x, aval) for x, aval in zip(results, lane.avals, strict=True)])


def _check_axes(states: list[Array], rows: list[Array], length: int | None) -> tuple[int, int]:
    shapes = [x.shape for x in states], [x.shape for x in rows]
    if not states or any(not shape for shape in shapes[0]) or any(len(shape) < 2 for shape in shapes[1]):
        found = [", ".join(map(str, list(dict.fromkeys(some))[:8])) or "none" for some in shapes]
        raise InvalidField(
            "A fused scan takes a state whose arrays have an axis of lanes, and one array of actions with axes (steps,"
            f" lanes), got arrays of these shapes in the state: {found[0]}; and in the actions: {found[1]}. Reset a"
            " batch: `jax.vmap(env.reset)(keys)`; make an array of a list: `jax.numpy.asarray(actions)`."
        )
    lanes = {shape[0] for shape in shapes[0]} | {shape[1] for shape in shapes[1]}
    steps = {shape[0] for shape in shapes[1]} | ({length} if length is not None else set())
    if len(lanes) != 1 or len(steps) != 1:
        raise InvalidField(
            "A fused scan takes one number of lanes and one of steps, got lanes"
            f" {sorted(lanes)} and steps {sorted(steps) or 'not at all: pass `length`, or actions'}."
        )
    return lanes.pop(), steps.pop()


def _check_carry(one: Any, lane: LaneProgram) -> None:
    before, structure = jax.tree.flatten(one)
    parts = lane.outputs.children()
    if lane.outputs.node_data() != (tuple, None) or len(parts) != 2:
        raise InvalidField(f"The function of a fused scan must return a pair (carry, y), got {lane.outputs}.")
    after = parts[0]
    same = after == structure and [(x.shape, x.dtype) for x in lane.avals[: len(before)]] == [
        (x.shape, x.dtype) for x in before
    ]
    if not same:
        raise InvalidField(
            "The function of a fused scan must return (carry, y) with a carry like the one that it was given, got"
            f" {after} with {lane.avals[: len(before)]} for {structure} with {before}."
        )


class _Fixed:
    """An environment with known values, as the key of a cache: equal if all its values are."""

    def __init__(self, env: Env[Any, Any]) -> None:
        leaves, structure = jax.tree.flatten(env)
        self.env = env
        with jax.ensure_compile_time_eval():  # the values are known, also while a program around them is traced
            arrays = jax.device_get([as_words(x) if hasattr(x, "dtype") else x for x in leaves])
        kinds = tuple(type(x) if isinstance(x, int | float | complex) else None for x in leaves)  # weakly typed or not
        self._identity = structure, kinds, tuple((x.shape, str(x.dtype), x.tobytes()) for x in map(np.asarray, arrays))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fixed) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


@functools.lru_cache(maxsize=64)
def _compiled_scan(fixed: _Fixed) -> Callable[[Any, Any], Any]:
    """A jitted scan of an environment, whose values are constants in the kernel."""
    return jax.jit(lambda state, actions: scan(fixed.env.step, state, actions))


@functools.lru_cache(maxsize=64)
def _lane_step(fixed: _Fixed, structure: Any, leaves: tuple[jax.ShapeDtypeStruct, ...], x64: bool) -> LaneProgram:
    """The program of an environment's step, which is read once for a state and an action of given shapes and dtypes."""
    del x64  # the dtypes within the step depend on it
    return lane_program(fixed.env.step, structure.unflatten(leaves))


def _is_traced(tree: Any) -> bool:
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(tree))


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Whether a step becomes a kernel.

    Attributes:
        fused: whether it does, on a CPU.
        reason: why not; empty if it does.
        equations: how many operations on arrays a step has.
        gpu: why there is no kernel for a GPU on this machine; empty if there is.
        doubt: why a kernel may gain little over XLA on a CPU, or nothing, as far as the program shows it without being
            run; empty if nothing speaks against it.
    """

    fused: bool
    reason: str
    equations: int
    gpu: str
    doubt: str = ""

    def __str__(self) -> str:
        if self.fused:
            return f"One kernel of {self.equations} operations a step." + (f" {self.doubt}." if self.doubt else "")
        return f"Not fused, so XLA compiles it: {self.reason}."


def explain(env: Env[Any, Any]) -> Explanation:
    """Whether an environment's step becomes a kernel, why not, and why that may not be worth it.

    Raises:
        InvalidField: it is not an environment.
        DependencyNotInstalled: llvmlite is missing.
    """
    require_compiler()
    env = Fused(env).env  # which checks it
    from jaxenvs.fusion import gpu, kernel
    from jaxenvs.fusion.equations import CannotFuse, structure
    from jaxenvs.fusion.layout import Kind, is_uniform
    from jaxenvs.fusion.program import program
    from jaxenvs.fusion.work import in_words, work_of

    key = jax.eval_shape(lambda: random.key(0))
    state = jax.eval_shape(env.reset, key)[0]
    action = jax.eval_shape(env.action_space.sample, key)
    equations: list[Any] = []
    try:
        lane = lane_program(env.step, (state, action))
        layout = (Kind.SHARED,) * len(lane.captured) + (Kind.OWN_STEP,) * len(jax.tree.leaves((state, action)))
        read = program(lane.closed, [is_uniform(kind) for kind in layout])
        structure(read, equations.append)
        kernel.write(read, layout)
    except CannotFuse as error:
        return Explanation(False, str(error), len(equations), gpu.missing() or "")
    return Explanation(True, "", len(equations), gpu.missing() or "", in_words(work_of(read)))
