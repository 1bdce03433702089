"""CUDA C without a GPU: kernels compiled for the CPU behind a small header, and by nvcc for what it says about them."""

import ctypes
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.fusion import cuda_kernel, primitives

HEADER = Path(__file__).with_name("cuda_on_host.h")

_LAUNCH = """
static void** the_parameters;
template <class... A> static void start(void (*kernel)(A...)) {
  call(kernel, the_parameters, std::index_sequence_for<A...>{});
}
extern "C" int launch(unsigned blocks, unsigned threads, void** parameters) {
  the_parameters = parameters;
  run_blocks(blocks, threads, [] { start(NAME); });
  return 0;
}
""".replace("NAME", cuda_kernel.NAME)


def host_function(text: str, folder: Path) -> Any:
    """Compiles a kernel for the CPU: a C function `launch(blocks, threads, parameters)`."""
    source, library = folder / "kernel.cpp", folder / "kernel.so"
    source.write_text(f'#include "{HEADER}"\n{text}{_LAUNCH}')
    flags = ["-O1", "-std=c++17", "-w", "-fwrapv", "-ffp-contract=off", "-fPIC", "-shared"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library)).launch


def run(launch: Any, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], lanes: int, steps: int) -> None:
    """Calls a kernel as the driver would, with memory of the CPU."""
    addresses = [ctypes.c_void_p(x.ctypes.data) for x in (*inputs, *outputs)]
    numbers = [ctypes.c_longlong(lanes), ctypes.c_longlong(steps)]
    parameters = (ctypes.c_void_p * (len(addresses) + 2))(
        *[ctypes.cast(ctypes.pointer(x), ctypes.c_void_p) for x in (*addresses, *numbers)]
    )
    blocks = -(-lanes // cuda_kernel.THREADS)
    assert launch(ctypes.c_uint(blocks), ctypes.c_uint(cuda_kernel.THREADS), parameters) == 0


def scan_of(jaxpr: Any) -> Any:
    """The parameters of the fused scan within a jaxpr."""
    for equation in jaxpr.eqns:
        if equation.primitive is primitives.scan:
            return equation.params
        for inner in equation.params.values():
            found = scan_of(inner.jaxpr) if hasattr(inner, "jaxpr") else None
            if found is not None:
                return found
    return None


def nvcc(text: str, folder: Path) -> dict[str, int]:
    """Compiles a kernel for an H100; returns its registers and the bytes of its stack and spills."""
    source = folder / "kernel.cu"
    source.write_text(text)
    command = [
        "nvcc",
        "-arch=sm_90",
        "--fmad=false",
        "-cubin",
        "-Xptxas",
        "-v",
        str(source),
        "-o",
        str(folder / "k.cubin"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    patterns = {
        "registers": r"Used (\d+) registers",
        "stack": r"(\d+) bytes stack",
        "spills": r"(\d+) bytes spill stores",
    }
    return {name: int(re.findall(pattern, done.stderr)[0]) for name, pattern in patterns.items()}
