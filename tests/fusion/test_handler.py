"""The function that XLA calls on a CPU, with functions of XLA that stand for the real ones."""

import ctypes
import mmap
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.fusion import handler, kernel, native
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program
from tests.fusion import call_frame
from tests.fusion.call_frame import POINTER, Api

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

LANES, STEPS, THREADS = 600, 3, 3
PAGE = 2 << 20
ERROR = 99


def _handler() -> int:
    """Of a program that carries `x + 1` and puts out `x * 2`."""
    closed = jax.make_jaxpr(lambda x: [x + 1, x * 2])(jnp.float32(0))
    written = kernel.write(program(closed, [False]), (Kind.CARRY,))
    text = handler.of_task(written, 1, [4, 4], 1, kernel.GROUP)
    return native.load("test of the handler", [native.compile_object(text)])


@pytest.mark.parametrize("outcome", ["all help", "threads are not counted", "one is refused"])
def test_all_is_computed_and_errors_are_freed(outcome: str) -> None:
    address = _handler()
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


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="the system has no large pages")
def test_no_large_pages_are_asked_for_around_an_output() -> None:
    """What lies there is somebody else's."""
    lanes = 5 * PAGE // 4 // 4
    memory = mmap.mmap(-1, 8 * PAGE)
    whole = np.frombuffer(memory, np.uint8)
    shift = -whole.ctypes.data % PAGE + PAGE // 2  # the first page that the rows fill begins half a page after them
    rows = whole[shift : shift + lanes * 4 * 3].view(np.float32)
    given, after = np.arange(lanes, dtype=np.float32), np.zeros(lanes, np.float32)
    functions = {"ThreadPool_NumThreads": Api(lambda _: ERROR), "Error_Destroy": Api(lambda _: None)}
    call_frame.call(_handler(), functions, [given.ctypes.data], [after.ctypes.data, rows.ctypes.data], lanes, 3)
    begin, end = whole.ctypes.data, whole.ctypes.data + whole.nbytes
    large, place = [], (0, 0)
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            place = tuple(int(x, 16) for x in line.split()[0].split("-"))
        elif line.startswith("VmFlags:") and "hg" in line.split() and place[0] < end and place[1] > begin:
            large.append(place)
    first = rows.ctypes.data + PAGE // 2
    assert large == [(first, (rows.ctypes.data + rows.nbytes) // PAGE * PAGE)]
