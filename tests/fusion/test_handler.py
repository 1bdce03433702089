"""The function that XLA calls on a CPU, with functions of XLA that stand for the real ones."""

import ctypes
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.fusion import handler, kernel, native
from jaxenvs.fusion.kernel import Kind
from jaxenvs.fusion.program import program
from tests.fusion import call_frame
from tests.fusion.call_frame import POINTER, Api

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

LANES, STEPS, THREADS = 600, 3, 3
ERROR = 99


@pytest.mark.parametrize("outcome", ["all help", "threads are not counted", "one is refused"])
def test_all_is_computed_and_errors_are_freed(outcome: str) -> None:
    closed = jax.make_jaxpr(lambda x: [x + 1, x * 2])(jnp.float32(0))
    read, layout = program(closed, [False]), (Kind.CARRY,)
    written = kernel.write(read, layout)
    text = handler.module_text(written, 1, [4, 4], 1, kernel.GROUP)
    address = native.load("test of the handler", native.compile_object(text))
    freed, helped = [], []

    def num_threads(arguments: Any) -> int | None:
        assert (arguments[0], arguments[2]) == (32, 777)
        ctypes.cast(arguments[3], ctypes.POINTER(ctypes.c_int64))[0] = THREADS
        return ERROR if outcome == "threads are not counted" else None

    def schedule(arguments: Any) -> int | None:
        assert (arguments[0], arguments[2]) == (40, 777)
        if outcome == "one is refused" and helped:
            return ERROR
        helped.append(arguments[4])
        ctypes.CFUNCTYPE(None, POINTER)(arguments[3])(arguments[4])
        return None

    def destroy(arguments: Any) -> None:
        assert arguments[0] == 24
        freed.append(arguments[2])

    functions = {
        "ThreadPool_NumThreads": Api(num_threads),
        "ThreadPool_Schedule": Api(schedule),
        "Error_Destroy": Api(destroy),
    }
    given = np.arange(LANES, dtype=np.float32)
    after, rows = np.zeros(LANES, np.float32), np.zeros((STEPS, LANES), np.float32)
    addresses = [x.ctypes.data for x in (given, after, rows)]
    assert call_frame.call(address, functions, addresses[:1], addresses[1:], LANES, STEPS) is None
    np.testing.assert_array_equal(after, given + STEPS)
    np.testing.assert_array_equal(rows, 2 * (given + np.arange(STEPS, dtype=np.float32)[:, None]))
    assert len(helped) == {"all help": THREADS - 1, "threads are not counted": 0, "one is refused": 1}[outcome]
    assert freed == ([] if outcome == "all help" else [ERROR])
