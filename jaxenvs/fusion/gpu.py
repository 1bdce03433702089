"""Kernels on NVIDIA's GPUs: compiled by NVRTC, loaded by the driver, launched on the stream that XLA computes on.

NVRTC comes with JAX's CUDA wheels. The handler that XLA calls is written in LLVM's language, as the CPU's is. A kernel
of the driver's library interface belongs to no context: the stream says on which device it runs.
"""

import ctypes
import ctypes.util
import functools
import importlib.util
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jax

from jaxenvs.errors import JaxenvsError
from jaxenvs.fusion import cuda_kernel, handler, native
from jaxenvs.fusion.equations import Block, CannotFuse, fingerprint
from jaxenvs.fusion.layout import Layout

_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_INTERNAL_ERROR = 13

_LAUNCH = """\
  %parameters = alloca [{parameters} x ptr]
{pointers}
  %some = add i64 %lanes, {threads_less_one}
  %whole = udiv i64 %some, {threads}
  %blocks = trunc i64 %whole to i32
  %api_at = getelementptr i8, ptr %frame, i64 {api}
  %api = load ptr, ptr %api_at
  %execution_at = getelementptr i8, ptr %frame, i64 {context}
  %execution = load ptr, ptr %execution_at
  %ask = alloca [4 x i64]
  store i64 32, ptr %ask
  %ask1 = getelementptr i8, ptr %ask, i64 8
  store ptr null, ptr %ask1
  %ask2 = getelementptr i8, ptr %ask, i64 16
  store ptr %execution, ptr %ask2
  %stream_at = getelementptr i8, ptr %ask, i64 24
  store ptr null, ptr %stream_at
  %stream_function_at = getelementptr i8, ptr %api, i64 {stream_get}
  %stream_function = load ptr, ptr %stream_function_at
  %error = call ptr %stream_function(ptr %ask)
  %has_stream = icmp eq ptr %error, null
  br i1 %has_stream, label %launch, label %no_stream
no_stream:
  ret ptr %error
launch:
  %stream = load ptr, ptr %stream_at
  %launcher = inttoptr i64 {launcher} to ptr
  %kernel = inttoptr i64 {kernel} to ptr
  %code = call i32 %launcher(ptr %kernel, i32 %blocks, i32 1, i32 1, i32 {threads}, i32 1, i32 1, i32 0,
    ptr %stream, ptr %parameters, ptr null)
  %launched = icmp eq i32 %code, 0
  br i1 %launched, label %fine, label %refused
fine:
  ret ptr null
refused:
  %tell = alloca [4 x i64]
  store i64 28, ptr %tell
  %tell1 = getelementptr i8, ptr %tell, i64 8
  store ptr null, ptr %tell1
  %tell2 = getelementptr i8, ptr %tell, i64 16
  %is_memory = icmp eq i32 %code, {out_of_memory}
  %reason = select i1 %is_memory, ptr @memory, ptr @message
  store ptr %reason, ptr %tell2
  %tell3 = getelementptr i8, ptr %tell, i64 24
  store i32 {internal}, ptr %tell3
  %create_at = getelementptr i8, ptr %api, i64 {error_create}
  %create = load ptr, ptr %create_at
  %made = call ptr %create(ptr %tell)
  ret ptr %made
}}

attributes #0 = {{ nounwind }}
"""
_MESSAGES = {
    "message": b"CUDA's driver refused to launch a fused kernel.",
    # JAX takes three quarters of the memory when it starts, and the arrays of all threads need some of the rest.
    "memory": b"The GPU has not enough memory left for the arrays of a fused kernel's threads. Let JAX take less of it:"
    b" set XLA_PYTHON_CLIENT_MEM_FRACTION, to .6 for example, before the program starts.",
}
_OUT_OF_MEMORY = 2


def handler_text(num_inputs: int, num_outputs: int, launcher: int, kernel: int) -> str:
    """The handler of a kernel, in LLVM's language.

    Args:
        num_inputs: number of arrays that the kernel reads.
        num_outputs: number of arrays that it writes.
        launcher: the address of `cuLaunchKernel`.
        kernel: the handle of the kernel.
    """
    pointers, count = [], num_inputs + num_outputs
    for number in range(count):
        source, k = ("arguments", number) if number < num_inputs else ("results", number - num_inputs)
        pointers += [
            f"  %buffer_at{number} = getelementptr i8, ptr %{source}, i64 {8 * k}",
            f"  %buffer{number} = load ptr, ptr %buffer_at{number}",
            f"  %data{number} = getelementptr i8, ptr %buffer{number}, i64 {handler.BUFFER_DATA}",
            f"  %parameter{number} = getelementptr i8, ptr %parameters, i64 {8 * number}",
            f"  store ptr %data{number}, ptr %parameter{number}",
        ]
    for number, name in ((count, "lanes_at"), (count + 1, "steps_at")):
        pointers += [
            f"  %parameter{number} = getelementptr i8, ptr %parameters, i64 {8 * number}",
            f"  store ptr %{name}, ptr %parameter{number}",
        ]
    functions, _ = handler.interface()
    messages = ""
    for name, message in _MESSAGES.items():
        text = "".join(f"\\{byte:02X}" for byte in message + b"\0")
        messages += f'@{name} = private constant [{len(message) + 1} x i8] c"{text}"\n'
    return messages + (handler.ENTRY + _LAUNCH).format(
        **handler.entry_values(),
        parameters=count + 2,
        pointers="\n".join(pointers),
        threads=cuda_kernel.THREADS,
        threads_less_one=cuda_kernel.THREADS - 1,
        stream_get=functions["Stream_Get"],
        error_create=functions["Error_Create"],
        launcher=launcher,
        kernel=kernel,
        internal=_INTERNAL_ERROR,
        out_of_memory=_OUT_OF_MEMORY,
    )


@functools.cache
def _nvrtc() -> Any | None:
    """The compiler, or None: that of JAX's wheels, else that of the system; first one of the driver's version.

    A driver may refuse what a later version of CUDA compiles, such as that of another package's wheels.
    """
    found = importlib.util.find_spec("nvidia")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    version, driver = ctypes.c_int(), _driver()
    if driver is not None:
        driver.cuDriverGetVersion(ctypes.byref(version))
    own = f".so.{version.value // 1000}"

    def by_version(names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: not name.endswith(own))  # which keeps the order of others

    paths = by_version(str(x) for folder in folders for x in sorted(Path(folder).glob("*/lib/libnvrtc.so.*")))
    system = by_version(["libnvrtc.so.13", "libnvrtc.so.12"])
    named = ctypes.util.find_library("nvrtc")
    for path in [*paths, *system, *([named] if named else [])]:
        try:
            # NVRTC looks for this library by its name alone, which is found if it is loaded.
            for builtins in sorted(Path(path).parent.glob("libnvrtc-builtins.so.*")) if path in paths else ():
                ctypes.CDLL(str(builtins))
            return ctypes.CDLL(path)
        except OSError:
            continue
    return None


@functools.cache
def _driver() -> Any | None:
    """The driver, or None if there is none, or none that knows kernels without a context (CUDA 12)."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return driver if hasattr(driver, "cuLibraryLoadData") and driver.cuInit(0) == 0 else None


@functools.cache
def missing() -> str | None:
    """Why no kernel can be compiled for a GPU here, or None."""
    if _nvrtc() is None:
        return "NVRTC, which comes with JAX's CUDA wheels, was not found"
    if _driver() is None:
        return "there is no NVIDIA driver for CUDA 12 or later"
    if not _capabilities():
        return "there is no NVIDIA GPU"
    if architecture(_capabilities(), _supported()) is None:
        return f"NVRTC {_compiler_version()} does not compile for this NVIDIA GPU, which is older than it supports"
    return None


def _capabilities() -> list[tuple[int, int]]:
    """The compute capability of each GPU."""
    driver, count = _driver(), ctypes.c_int()
    assert driver is not None
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    found = []
    for number in range(count.value):
        major, minor = ctypes.c_int(), ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, number)
        driver.cuDeviceGetAttribute(ctypes.byref(minor), _CAPABILITY_MINOR, number)
        found.append((major.value, minor.value))
    return found


def _supported() -> list[int]:
    """The compute capabilities that NVRTC compiles for, as numbers such as 90."""
    nvrtc, count = _nvrtc(), ctypes.c_int()
    assert nvrtc is not None
    nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count))
    numbers = (ctypes.c_int * count.value)()
    nvrtc.nvrtcGetSupportedArchs(numbers)
    return list(numbers)


def architecture(capabilities: Sequence[tuple[int, int]], supported: Sequence[int]) -> str | None:
    """What to compile for: machine code, if it can run on all of the GPUs, else code that the driver translates.

    Args:
        capabilities: of the GPUs.
        supported: of NVRTC, which does not know later GPUs; machine code for an earlier one of the same major version,
            or code that the driver translates, runs on them.

    Returns:
        An architecture as NVRTC names it, or None if it compiles for none that is old enough.
    """
    major, minor = min(capabilities)
    number = max((x for x in supported if x <= 10 * major + minor), default=None)
    if number is None:
        return None
    is_one_kind = {major for major, _ in capabilities} == {number // 10}
    return f"{'sm' if is_one_kind else 'compute'}_{number}"


def compile_text(text: str, target: str) -> bytes:
    """Compiles CUDA C by NVRTC.

    Args:
        text: the program.
        target: of `architecture`.

    Raises:
        JaxenvsError: NVRTC refused it.
    """
    nvrtc, handle = _nvrtc(), ctypes.c_void_p()
    assert nvrtc is not None

    def check(code: int) -> None:
        if code != 0:
            size = ctypes.c_size_t()
            nvrtc.nvrtcGetProgramLogSize(handle, ctypes.byref(size))
            log = ctypes.create_string_buffer(size.value + 1)
            nvrtc.nvrtcGetProgramLog(handle, log)
            raise JaxenvsError(f"NVRTC could not compile a fused kernel (error {code}): {log.value.decode()[:2000]}")

    check(nvrtc.nvrtcCreateProgram(ctypes.byref(handle), text.encode(), b"jaxenvs.cu", 0, None, None))
    try:
        options = [f"--gpu-architecture={target}".encode(), b"--fmad=false"]
        check(nvrtc.nvrtcCompileProgram(handle, len(options), (ctypes.c_char_p * len(options))(*options)))
        form = "CUBIN" if target.startswith("sm") else "PTX"
        size = ctypes.c_size_t()
        check(getattr(nvrtc, f"nvrtcGet{form}Size")(handle, ctypes.byref(size)))
        code = ctypes.create_string_buffer(size.value)
        check(getattr(nvrtc, f"nvrtcGet{form}")(handle, code))
        return code.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(handle))


def _compiler_version() -> str:
    major, minor = ctypes.c_int(), ctypes.c_int()
    nvrtc = _nvrtc()
    assert nvrtc is not None
    nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return f"{major.value}.{minor.value}"


_registered: dict[str, Any] = {}
_lock = threading.Lock()


def compiled(step: Block, layout: Layout, sources: str) -> str:
    """Compiles a step's kernel, or finds it in the cache, and registers it; returns its name.

    Args:
        step: the program of a step.
        layout: of its inputs.
        sources: what identifies the code that writes kernels.

    Raises:
        CannotFuse: it has an operation that no kernel can compute.
        JaxenvsError: it could not be compiled or loaded.
    """
    target = architecture(_capabilities(), _supported())
    if target is None:
        raise CannotFuse(str(missing()))
    parts = fingerprint(step), repr(layout), target, _compiler_version(), sources
    name = "jaxenvs_cuda_" + native.digest(*parts)
    with _lock:
        if name in _registered:
            return name
        path = native.cache_file(f"{name}.cubin")
        codes = native.kept(path)
        if codes is None:
            codes = [compile_text(cuda_kernel.write(step, layout), target)]
            native.keep(path, codes)
        launcher, kernel = _loaded(codes[0])
        text = handler_text(len(step.inputs), len(step.outputs), launcher, kernel)
        address = native.load(name, [native.compile_object(text)])
        pointer = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(pointer), platform="CUDA")
        _registered[name] = pointer
    return name


def _loaded(code: bytes) -> tuple[int, int]:
    """Loads a kernel for good; returns the address of the function that launches it, and its handle."""
    driver, library, kernel = _driver(), ctypes.c_void_p(), ctypes.c_void_p()
    assert driver is not None
    error = driver.cuLibraryLoadData(ctypes.byref(library), code, None, None, 0, None, None, 0)
    error = error or driver.cuLibraryGetKernel(ctypes.byref(kernel), library, cuda_kernel.NAME.encode())
    if error != 0 or kernel.value is None:
        raise JaxenvsError(f"CUDA's driver could not load a fused kernel (error {error}).")
    launcher = ctypes.cast(driver.cuLaunchKernel, ctypes.c_void_p).value
    assert launcher is not None
    return launcher, kernel.value
