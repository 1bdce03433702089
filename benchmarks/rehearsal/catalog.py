"""Every id on the device: resets, steps and renders, compared with the processor from the same key.

There is one program per id and platform. It plays from keys, or starts each step from a given state. So the device
first plays by itself, and then repeats each step of the processor from the processor's state: single steps are
compared, and errors do not accumulate. Robots are simulated by `mjx` on both sides.
"""

import concurrent.futures
import multiprocessing
import time
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from benchmarks.rehearsal.report import Report, failure
from benchmarks.rehearsal.sizes import Sizes
from jaxenvs.core.trees import is_key_type
from jaxenvs.registration import EnvSpec
from jaxenvs.registration.catalog import CATALOG

TOLERANCE, TOLERANCE_OF_ROBOTS = 1e-5, 1e-3
"""Tolerance of a float after one step, relative and absolute: some units in the last place of float32 for a few
operations, and for the hundreds of iterations of a robot's solvers."""

CROSSINGS = 1e-4
"""The fraction of transitions whose integers and flags may differ if there are floats, since a rounding can move a
number across a threshold."""

PICTURES = 8
"""Number of lanes whose last state is drawn."""

TOLERANCES = {"box2d": 2e-2}
"""By family, where contacts amplify a rounding within a step. With several legs in contact it may grow beyond."""

ROBOTS = "mujoco", "robotics"
"""The extras of ids with the field `engine`. They are simulated by `mjx` on both sides."""

SLOW_FAMILIES = "box2d", "voxel_craft"
"""Families that the processor computes no more lanes of than of robots."""

MOST_BYTES = 2**32
"""Size of the states and timesteps of all lanes and steps. Ids that would exceed it, by pictures, have fewer lanes."""

LONGEST_FIRST = (
    *("BipedalWalkerHardcore-v3", "BipedalWalker-v3", "CarRacing-v3", "LunarLander-v3", "FetchPickAndPlace-v4"),
    *("FetchSlide-v4", "FetchPush-v4", "FetchReach-v4", "PointMaze_UMaze-v3", "Humanoid-v5", "HumanoidStandup-v5"),
    *("Ant-v5", "Pusher-v5", "Walker2d-v5", "Hopper-v5", "HalfCheetah-v5"),
)
"""The ids that take longest to compile, which are started first."""


def main(sizes: Sizes, report: Report) -> None:
    """Checks every id, several processes at a time."""
    for id, result in _check_all(sizes.ids or in_order(), sizes):
        report.add(id, result)


def in_order() -> list[str]:
    """All ids: one of each class first, then those that share a class with an earlier one, in case time runs out."""

    def rank(spec: EnvSpec) -> tuple[int, str]:
        return LONGEST_FIRST.index(spec.id) if spec.id in LONGEST_FIRST else len(LONGEST_FIRST), spec.id

    first: dict[Any, str] = {}
    specs = sorted(CATALOG, key=rank)
    for spec in specs:
        first.setdefault(spec.entry_point, spec.id)
    return [*first.values(), *(spec.id for spec in specs if first[spec.entry_point] != spec.id)]


def _check_all(ids: Iterable[str], sizes: Sizes) -> Iterable[tuple[str, dict[str, Any]]]:
    """The result of each id when it is ready. If a process dies, its ids are lost, and are tried again one by one."""
    if sizes.workers == 1:
        yield from ((id, check(id, sizes)) for id in ids)
        return
    again: list[str] = []
    with _pool(sizes.workers) as pool:
        futures = {pool.submit(check, id, sizes): id for id in ids}
        for future in concurrent.futures.as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                again.append(futures[future])
    for id in again:
        with _pool(1) as pool:
            try:
                yield id, pool.submit(check, id, sizes).result()
            except BrokenProcessPool as error:
                yield id, {"failed": failure(error)}


def _pool(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    return concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def check(id: str, sizes: Sizes) -> dict[str, Any]:
    """The results of one id on JAX's default device and on the processor; `{"failed": ...}` if it does not run."""
    seconds: dict[str, float] = {}
    try:
        return {**_check(id, sizes, seconds), "seconds": seconds}
    except Exception as error:  # noqa: BLE001  # any failure is a result here
        return {"failed": failure(error), "seconds": seconds}


def _check(id: str, sizes: Sizes, seconds: dict[str, float]) -> dict[str, Any]:
    spec = jaxenvs.spec(id)
    is_robot = spec.extra in ROBOTS
    env = made(spec)
    processor, device = jax.devices("cpu")[0], jax.devices()[0]
    lanes, compared = lanes_of(env, sizes, is_slow=is_robot or spec.family in SLOW_FAMILIES)
    keys = np.asarray(jax.random.key_data(jax.random.split(jaxenvs.random.key(0), lanes)))
    blank = jax.tree.map(
        lambda x: np.zeros((sizes.steps, compared, *x.shape), x.dtype),
        jax.eval_shape(lambda: _bare(env.reset(jaxenvs.random.key(0))[0])),
    )
    play = jax.jit(lambda keys, given, follow: _play(env, keys, given, follow))

    programs: dict[str, Any] = {}

    def run(name: str, where: Any, *arguments: Any) -> Any:
        """Compiles for a device, runs there, and fetches the results."""
        arguments = jax.device_put(arguments, where)
        if name not in programs:
            started = time.perf_counter()
            programs[name] = play.lower(*arguments).compile()
            seconds[f"compile for the {name}"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        result = jax.block_until_ready(programs[name](*arguments))
        seconds[f"run on the {name}"] = round(time.perf_counter() - started, 3)
        return jax.device_get(result)

    with jax.default_device(processor):
        expected = run("processor", processor, keys[:compared], blank, np.bool_(False))
    before, after, timesteps = expected
    # If the processor is slow, the device has more lanes: the same ones, and copies of them.
    tiles = lanes // compared

    def tile(x: np.ndarray) -> np.ndarray:
        return np.tile(x, (1, tiles, *[1] * (x.ndim - 2)))

    own = run("device", device, keys, jax.tree.map(tile, blank), np.bool_(False))
    given = run("device", device, keys, jax.tree.map(tile, before), np.bool_(True))
    own, given = (jax.tree.map(lambda x: x[:, :compared], tree) for tree in (own, given))
    tolerance = TOLERANCE_OF_ROBOTS if is_robot else TOLERANCES.get(spec.family, TOLERANCE)
    starts = [jax.tree.map(lambda x: x[:1], tree) for tree in (before, own[0])]
    reset = differences(starts[0], starts[1], tolerance)
    step = differences((after, timesteps), given[1:], tolerance)
    finite = bool(np.isfinite(own[2].reward).all())
    allowed = CROSSINGS * step["transitions"] if step["floats"] else 0
    picture = None if is_robot else _pictures(env, jax.tree.map(lambda x: x[-1, :PICTURES], before), processor, device)
    is_right = (
        finite
        and reset["integers differ in"] == reset["floats beyond"] == step["floats beyond"] == 0
        and step["integers differ in"] <= allowed
        and (picture is None or picture["bytes differ"] == 0)
    )
    return {
        "ok": is_right,
        "finite": finite,
        "reset": reset,
        "one step": step,
        "equal after all steps": float(_equal_lanes(after, own[1]).mean()),
        "picture": picture,
    }


def made(spec: EnvSpec) -> jaxenvs.AutoReset[Any]:
    """The environment of an id, which resets itself and calls no host."""
    fields: dict[str, Any] = {"engine": "mjx"} if spec.extra in ROBOTS else {}
    return jaxenvs.AutoReset(jaxenvs.make(spec, **fields))


def lanes_of(env: Any, sizes: Sizes, *, is_slow: bool) -> tuple[int, int]:
    """The number of parallel environments on the device, and how many of them the processor computes as well."""
    state, timestep = jax.eval_shape(lambda: _bare(env.reset(jaxenvs.random.key(0))))
    each = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves((state, state, timestep)))
    lanes = min(sizes.lanes, max(1, MOST_BYTES // (each * sizes.steps)))
    compared = min(lanes, sizes.robot_lanes) if is_slow else lanes
    return lanes // compared * compared, compared


def _play(env: Any, keys: Any, given: Any, follow: Any) -> Any:
    """The states before and after each step and the timesteps, each (steps, lanes, ...); keys are bare numbers.

    Args:
        env: an environment that resets itself.
        keys: (lanes, ...) words of a key for each lane.
        given: the states to step from if `follow`, instead of its own.
        follow: () bool.
    """
    keys = _keys(keys)
    state, _ = jax.vmap(env.reset)(keys)

    def step(state: Any, x: Any) -> Any:
        number, given = x
        bare = jax.tree.map(lambda theirs, own: jnp.where(follow, theirs, own), given, _bare(state))
        action_keys = jax.vmap(lambda key: jax.random.fold_in(jax.random.fold_in(key, 1), number))(keys)
        actions = jax.vmap(env.action_space.sample)(action_keys)
        state, timestep = jax.vmap(env.step)(_dressed(bare, state), actions)
        return state, (bare, _bare(state), timestep)

    numbers = jnp.arange(jax.tree.leaves(given)[0].shape[0], dtype=jnp.int32)
    return jax.lax.scan(step, state, (numbers, given))[1]


def _keys(words: Any) -> Any:
    """Words as keys of the package's own implementation."""
    return jax.random.wrap_key_data(words, impl=jax.random.key_impl(jaxenvs.random.key(0)))


def _bare(tree: Any) -> Any:
    """The tree with the words of each key in its place."""
    return jax.tree.map(lambda x: jax.random.key_data(x) if is_key_type(x) else x, tree)


def _dressed(bare: Any, like: Any) -> Any:
    """The inverse of `_bare`; `like` has keys where the words are."""
    return jax.tree.map(lambda x, key: _keys(x) if is_key_type(key) else x, bare, like)


def differences(expected: Any, seen: Any, tolerance: float) -> dict[str, Any]:
    """The differences of two trees of arrays (steps, lanes, ...), by transition.

    Floats only count in transitions whose integers and flags agree, and NaN equals NaN.

    Args:
        expected: results of the processor.
        seen: results of the device.
        tolerance: tolerance of floats, relative and absolute.
    """
    pairs = list(zip(jax.tree.leaves(expected), jax.tree.leaves(seen), strict=True))
    floats = [pair for pair in pairs if np.issubdtype(pair[0].dtype, np.floating)]
    integers = [pair for pair in pairs if not np.issubdtype(pair[0].dtype, np.floating)]
    agree = np.ones(pairs[0][0].shape[:2], bool)
    for a, b in integers:
        agree &= (a == b).reshape(*agree.shape, -1).all(-1)
    largest, beyond = 0.0, 0
    for a, b in floats:
        a, b = (x[agree].astype(np.float64) for x in (a, b))
        with np.errstate(invalid="ignore"):
            error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b) / (1.0 + np.abs(a)))
        error = np.nan_to_num(error, nan=np.inf)
        largest = max(largest, float(error.max(initial=0.0)))
        beyond += int((error > tolerance).sum())
    return {
        "transitions": int(agree.size),
        "integers differ in": int((~agree).sum()),
        "floats": len(floats),
        "floats beyond": beyond,
        "largest error": min(largest, 1e30),  # which JSON can hold
        "tolerance": tolerance,
    }


def _equal_lanes(expected: Any, seen: Any) -> np.ndarray:
    """(lanes,) bool: whether the last states are bitwise equal after playing independently."""
    equal = [
        (a[-1] == b[-1]).reshape(a.shape[1], -1).all(-1)
        for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(seen), strict=True)
    ]
    return np.all(equal, axis=0)


def _pictures(env: Any, bare: Any, processor: Any, device: Any) -> dict[str, int]:
    """The differences of the pictures of the same states."""
    like = jax.eval_shape(lambda: env.reset(jaxenvs.random.key(0))[0])
    render = jax.jit(lambda bare: jax.vmap(lambda state: env.render(_dressed(state, like)))(bare))
    with jax.default_device(processor):
        expected = np.asarray(render(jax.device_put(bare, processor))).astype(np.int32)
    seen = np.asarray(render(jax.device_put(bare, device))).astype(np.int32)
    distance = np.abs(expected - seen)
    return {"bytes": distance.size, "bytes differ": int((distance > 0).sum()), "by at most": int(distance.max())}
