"""Kernels that are written in different ways have the same results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.fusion import kernel
from jaxenvs.fusion import scan as scan_lanes
from jaxenvs.fusion.equations import structure
from jaxenvs.fusion.groups import GROUP, LARGE_GROUP, group_for
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program
from tests.fusion.comparison import both, differences

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")


def read(function, *arguments):
    lane = lane_program(function, [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in map(jnp.asarray, arguments)])
    return program(lane.closed, [False] * len(arguments))


def moves(board, place):
    """A board of flags of which one is turned, with a row of bytes, a float and a row of 23 numbers put out."""
    board = board.at[place % 81].set(~board[place % 81])
    share = jnp.sum(board).astype(jnp.float32) * 0.5 + place.astype(jnp.float32)
    return board, (
        board[::-1],
        (share * 7.25).astype(jnp.int8),
        jnp.arange(23, dtype=jnp.int32) * place,
        board.astype(jnp.uint8),
    )


@pytest.mark.parametrize("lanes", [16, 31, 32, 33, 47, 64, 217, 12_345])
def test_more_lanes_in_a_value_change_nothing(lanes):
    """12,345 lanes put out enough to be written past the caches, in rows that end within a line of the cache."""
    rng = np.random.default_rng(lanes)
    board, places = rng.random((lanes, 81)) < 0.5, rng.integers(0, 200, (10, lanes)).astype(np.int32)
    fused = jax.jit(lambda *given: scan_lanes(moves, *given))(board, places)
    expected = jax.jit(lambda *given: jax.lax.scan(jax.vmap(moves), *given))(board, places)
    assert group_for(read(moves, board[0], places[0, 0]), lanes) == (GROUP if lanes < LARGE_GROUP else LARGE_GROUP)
    for x, y in zip(jax.tree.leaves(fused), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(x, y)


def test_arrays_of_a_state_with_equally_many_bytes_are_copied_by_one_function():
    rng = np.random.default_rng(0)
    kinds = [((5,), "int32"), ((5,), "uint32"), ((5, 1), "float32"), ((), "bool"), ((), "int8"), ((3, 11), "int16")]
    state = [rng.integers(0, 2**32, (40, *shape), dtype=np.uint32).astype(dtype) for shape, dtype in kinds]
    state[2][::3] = np.float32(np.nan)

    def step(state, _):
        return [x[::-1] if x.ndim else x for x in state], state[0][2]

    after, _ = jax.jit(lambda *state: scan_lanes(step, list(state), length=3))(*state)
    for x, y in zip(after, state, strict=True):
        np.testing.assert_array_equal(x, y[:, ::-1] if y.ndim > 1 else y)
    block = read(lambda *state: step(state, None)[0], *[x[0] for x in state])
    copies = [x for x in kernel.write(block, (Kind.CARRY,) * len(kinds)).task.split("\n") if " @copy_" in x]
    assert sum(x.startswith("define") for x in copies) == 2 * 3
    assert sum(x.startswith("  call") for x in copies) == 2 * len(kinds)


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32"])
def test_rows_of_any_length_come_in_and_go_out(dtype):
    rng = np.random.default_rng(0)
    highest = 2 if dtype == "bool" else 100
    rows = [rng.integers(0, highest, (3, 40, n)).astype(dtype) for n in (19, 31, 47)]

    def step(carry, row):
        return row, (carry, [x[::-1] for x in row])

    first, others = [x[0] for x in rows], [x[1:] for x in rows]
    after, (before, turned) = jax.jit(lambda *given: scan_lanes(step, *given))(first, others)
    for n, x in enumerate(rows):
        np.testing.assert_array_equal(after[n], x[2])
        np.testing.assert_array_equal(before[n], x[:2])
        np.testing.assert_array_equal(turned[n], x[1:, :, ::-1])


@pytest.mark.parametrize("size", [10, 11, 12, 15, 16, 17, 33])
@pytest.mark.parametrize("steps", [1, 3])
def test_rows_of_long_programs_stay_within_their_arrays(size, steps, monkeypatch, tmp_path):
    """Such a program holds arrays of 12 numbers in memory, which are shorter than what is brought together at once."""
    monkeypatch.setattr(kernel, "LONG", 0)
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    rows = np.random.default_rng(size).normal(size=(steps + 1, 40, size)).astype(np.float32)

    def step(carry, row):
        number, total = carry
        return (number + 1, total + row), (row[::-1], total, number, jnp.roll(row, 1))

    given = (np.zeros(40, np.int32), rows[0]), rows[1:]
    fused = jax.jit(lambda *given: scan_lanes(step, *given))(*given)
    expected = jax.jit(lambda *given: jax.lax.scan(jax.vmap(step), *given))(*given)
    for x, y in zip(jax.tree.leaves(fused), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(x, y)


def test_functions_and_loops_are_computed_for_few_lanes_at_once():
    x, n = np.float32(1), np.int32(1)
    assert group_for(read(lambda x: x * x + 1, x), 64) == LARGE_GROUP
    assert group_for(read(lambda x: jnp.exp(x) + 1, x), 64) == GROUP
    assert group_for(read(lambda n: jax.lax.fori_loop(0, n, lambda _, k: k + n, n), n), 64) == GROUP
    assert group_for(read(lambda x: sum(((x + k) / (x - k) for k in range(60)), jnp.stack([x] * 30)), x), 64) == GROUP
    large, larger = jnp.zeros(256), jnp.zeros(257)  # 32 lanes of 256 floats take 32 KiB
    assert [group_for(read(lambda x: x + 1, x), 64) for x in (large, larger)] == [LARGE_GROUP, GROUP]


def resets(angle, speed):
    """As an environment with automatic resets does: a reward, a new state for some, an observation of it."""
    angle = angle + speed
    reward = jnp.cos(angle) + jnp.sin(angle)
    done = jnp.abs(angle) > 3.0
    angle, speed = jax.lax.cond(done, lambda: (speed * 0.5, speed), lambda: (angle, speed))
    return (angle, speed), (reward, jnp.stack([jnp.cos(angle), jnp.sin(angle), angle * 2.0]))


def test_what_a_branch_passes_on_is_not_computed_from_again():
    block = read(lambda a, s: resets(a, s), np.float32(0), np.float32(0))
    assert [x.op for x in block.equations].count("cos") == 1
    everywhere = []
    structure(block, lambda x: everywhere.append(x.op))
    assert everywhere.count("cos") == everywhere.count("sin") == 2, "once more in the branch"
    assert [x.op for x in block.equations].count("mul") == 1, "what was not known before stays where it is"


def test_what_a_branch_passes_on_has_the_same_results():
    rng = np.random.default_rng(0)
    state = rng.uniform(-3, 3, (2, 64)).astype(np.float32)

    def function(carry, _):
        return resets(*carry)

    fused = jax.jit(lambda carry: scan_lanes(function, carry, length=4))((state[0], state[1]))
    mapped = jax.vmap(function, in_axes=(0, None))
    expected = jax.jit(lambda carry: jax.lax.scan(mapped, carry, length=4))((state[0], state[1]))
    for x, y in zip(jax.tree.leaves(fused), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


def test_a_value_of_two_branches_is_not_taken_for_one_of_them():
    """Only what a branch passes on unchanged is the same: here both compute."""

    def function(x):
        doubled = jnp.cos(x * 2.0)
        y = jax.lax.cond(x > 0, lambda: x * 2.0, lambda: x * 3.0)
        return doubled, jnp.cos(y)

    assert not differences(*both(function, np.linspace(-2, 2, 32).astype(np.float32)), 2e-6)


def test_constants_of_floats_are_computed_before():
    """As XLA does: a division by what is known is then a product."""

    def function(x):
        quarter = jnp.minimum(jnp.float32(1.0) / jnp.full((), 4.0, jnp.float32), jnp.float32(0.5))
        return x / quarter

    block = read(function, np.float32(3))
    assert [x.op for x in block.equations] == ["div"]
    assert float(block.equations[0].inputs[1]) == 0.25


def test_a_view_that_is_not_read_any_more_does_not_keep_memory_from_being_changed():
    def step(blocks, place):
        flat = blocks.reshape(-1)
        here = flat[place % 4096]
        return blocks.at[place % 64, 3].set(here + jnp.uint8(1)), here

    lane = lane_program(step, [jax.ShapeDtypeStruct((64, 64), "uint8"), jax.ShapeDtypeStruct((), "int32")])
    written = kernel.write(program(lane.closed, [False, False]), (Kind.CARRY, Kind.OWN_STEP))
    assert written.workspace < 2 * 4096 * 16, "the state, and no copy of it"
