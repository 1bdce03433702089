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


_MAIN = """
#include <cstdio>
#include <cstdlib>
int main(int, char** paths) {
  const std::size_t sizes[] = {SIZES};
  const int read = READ, all = sizeof sizes / sizeof *sizes;
  long long lanes = LANES, steps = STEPS;
  std::vector<void*> arrays(all), parameters;
  std::FILE* file = std::fopen(paths[1], "rb");
  for (int k = 0; k < all; ++k) {
    arrays[k] = std::malloc(sizes[k]);  // each by itself, so that a check sees its end
    if (k < read && std::fread(arrays[k], 1, sizes[k], file) != sizes[k]) return 3;
    parameters.push_back(&arrays[k]);
  }
  parameters.push_back(&lanes), parameters.push_back(&steps);
  launch(BLOCKS, THREADS, parameters.data());
  file = std::fopen(paths[2], "wb");
  for (int k = read; k < all; ++k) std::fwrite(arrays[k], 1, sizes[k], file);
  return std::fclose(file);
}
"""
_CHECKS = "-fsanitize=address,undefined,float-cast-overflow,bounds"


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


def run_checked(
    text: str, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], lanes: int, steps: int, folder: Path
) -> list[str]:
    """Runs a kernel in a process of its own, with checks of each address and of what C++ does not define.

    Returns:
        What the checks say. `outputs` get the results.
    """
    source, program, given, results = (folder / x for x in ("checked.cpp", "checked", "inputs", "outputs"))
    numbers = {
        "SIZES": ", ".join(str(x.nbytes) for x in (*inputs, *outputs)),
        "READ": len(inputs),
        "LANES": lanes,
        "STEPS": steps,
        "BLOCKS": -(-lanes // cuda_kernel.THREADS),
        "THREADS": cuda_kernel.THREADS,
    }
    main = re.sub("|".join(numbers), lambda x: str(numbers[x[0]]), _MAIN)
    source.write_text(f'#include "{HEADER}"\n{text}{_LAUNCH}{main}')
    flags = ["-O0", "-std=c++17", "-w", "-ffp-contract=off", _CHECKS]
    subprocess.run(["g++", *flags, str(source), "-o", str(program)], check=True)
    given.write_bytes(b"".join(x.tobytes() for x in inputs))
    # The kernel's threads have stacks of their own, which the check of variables that are gone does not know.
    options = {"ASAN_OPTIONS": "detect_stack_use_after_return=0:detect_leaks=0"}
    command = [str(program), str(given), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=options)
    found = [line for line in done.stderr.split("\n") if "runtime error" in line or "ERROR" in line]
    if found or done.returncode != 0:
        return found or [f"it ended with {done.returncode}: {done.stderr}"]
    content = results.read_bytes()
    for x in outputs:
        x.reshape(-1)[:] = np.frombuffer(content[: x.nbytes], x.dtype)
        content = content[x.nbytes :]
    return []


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
