"""Kernels as functions that XLA calls: the handler of its foreign function interface, compilation, and the cache.

The handler is written in LLVM's language too, after XLA's C header, so that no compiler is needed where it runs.
"""

import contextlib
import ctypes
import functools
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import llvmlite  # of the extra `fuse`: `fused.require_compiler` is asked first
import llvmlite.binding as llvm
from llvmlite.binding import ffi

from jaxenvs.core.folders import named_folder, user_cache


@functools.cache
def host() -> tuple[str, str]:
    """The name that LLVM has for this processor, and its features, which say what instructions it has."""
    features = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), features.flatten() if features else ""


def has_wide_vectors() -> bool:
    """Whether a vector of this processor holds 16 numbers of 32 bits."""
    return "+avx512f" in host()[1].split(",")


def _target() -> Any:
    """A compiler for this processor. Each thread needs its own."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = host()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=name, features=features, opt=2, reloc="default", codemodel="jitdefault", jit=True
    )


def processor() -> str:
    """What compiled code depends on, besides its text."""
    return " ".join((llvmlite.__version__, llvm.get_default_triple(), *host()))


LONG = 600_000
"""From so many characters on, about 12,000 lines, a module gets fewer passes of optimisation."""


class Compilation:
    """Compiles the modules of a program in threads, while others are still written.

        with Compilation(is_long=True) as compilation:
            compilation.begin(part)
            codes = compilation.finish(rest)

    An error, or Ctrl-C, within leaves out the modules that no thread has begun.
    """

    def __init__(self, *, is_long: bool) -> None:
        self._passes = _FEWEST if is_long else None
        self._begun: list[Future[bytes]] = []
        self._pool: ThreadPoolExecutor | None = None  # for a single module, no thread is worth it

    def __enter__(self) -> "Compilation":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=kind is not None)

    def begin(self, text: str) -> None:
        """Compiles a module in the background."""
        if self._pool is None:
            processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
            self._pool = ThreadPoolExecutor(processors)
        self._begun.append(self._pool.submit(compile_object, text, self._passes))

    def finish(self, text: str) -> list[bytes]:
        """Compiles the last module; returns the machine code of all."""
        if self._pool is None:
            return [compile_object(text, self._passes)]
        self.begin(text)
        return [code.result() for code in self._begun]


def compile_object(text: str, passes: Sequence[str] | None = None) -> bytes:
    """Machine code of a module.

    Args:
        text: in LLVM's language.
        passes: of optimisation; by default as many as the length of the text allows.
    """
    machine, context = _target(), llvm.create_context()
    module = llvm.parse_assembly(text, context)
    module.triple, module.data_layout = llvm.get_default_triple(), str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization, options.slp_vectorization = False, False
    builder = llvm.create_pass_builder(machine, options)
    if passes is None and len(text) <= LONG:
        _run(_passes(_INTO_BRANCHES), module, builder)
        _run(builder.getModulePassManager(), module, builder)
    else:
        _run(_passes(_FEW if passes is None else passes), module, builder)
    return _emitted(machine, module)


_INTO_BRANCHES = "sroa", "sinking"
"""Moves what only a branch needs into it; before other passes, to which a branch without work looks superfluous."""

_FEW = (
    *("sroa", "simplify_cfg", "instruction_combine", "loop_simplify", "loop_rotate", "sroa", "simplify_cfg"),
    *("loop_unroll", "instruction_combine", "dead_store_elimination", "instruction_combine"),
)
"""What a long module needs: values in registers, and no repeated or dead operations.

The writer leaves little to do. All of LLVM's passes take ten times as long, most of it for combining instructions again
and again and for moving them out of loops, and the kernels that were measured got no faster by them.
"""

_FEWEST = "sroa", "instruction_combine", "simplify_cfg"
"""What the parts of a very long program need. Their loops are long, and get no faster by being unrolled."""


def _passes(names: Sequence[str]) -> Any:
    passes = llvm.create_new_module_pass_manager()
    for name in names:
        getattr(passes, f"add_{name}_pass")()
    return passes


_IS_KNOWN = llvmlite.__version__.startswith("0.50.")
"""Whether llvmlite is a version whose inner functions are known.

It lets one thread at a time use LLVM, for which there is no need where threads share no context. Behind its functions
are the same without that lock. Another version is used as it is meant to be, by one thread at a time.
"""


def _run(passes: Any, module: Any, builder: Any) -> None:
    """`passes.run(module, builder)`."""
    if _IS_KNOWN:
        ffi.lib.LLVMPY_RunNewModulePassManager._cfn(passes, module, builder)
    else:
        passes.run(module, builder)


def _emitted(machine: Any, module: Any) -> bytes:
    """`machine.emit_object(module)`."""
    if not _IS_KNOWN:
        return machine.emit_object(module)
    with ffi.OutputString() as error:
        buffer = ffi.lib.LLVMPY_TargetMachineEmitToMemory._cfn(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


_loaded: dict[str, Any] = {}
_lock = threading.Lock()


def load(name: str, codes: Sequence[bytes]) -> int:
    """Loads the machine code of a program's modules for good; returns the address of its handler."""
    with _lock:
        if name not in _loaded:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
            empty = llvm.parse_assembly("")
            machine = llvm.Target.from_default_triple().create_target_machine(jit=True, codemodel="jitdefault")
            engine = llvm.create_mcjit_compiler(empty, machine)
            for code in codes:
                engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            engine.finalize_object()
            _loaded[name] = engine
        return _loaded[name].get_function_address("handler")


def cache_file(name: str) -> Path | None:
    """Where machine code is kept: in `JAXENVS_CACHE/kernels`, or the user's cache folder; None if there is none."""
    base, cache = named_folder("JAXENVS_CACHE"), user_cache()
    if base is None and cache is not None:
        base = cache / "jaxenvs"
    return None if base is None else base / "kernels" / name


_CHECK_BYTES, _LENGTH_BYTES = 32, 8  # of the hash of a file, and of the length before each code


def kept(path: Path | None) -> list[bytes] | None:
    """What `keep` wrote, or None if the file is missing or damaged."""
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    check, rest = content[:_CHECK_BYTES], content[_CHECK_BYTES:]
    if hashlib.sha256(rest).digest() != check:
        return None
    codes = []
    while rest:
        end = _LENGTH_BYTES + int.from_bytes(rest[:_LENGTH_BYTES], "little")
        codes.append(rest[_LENGTH_BYTES:end])
        rest = rest[end:]
    return codes


def keep(path: Path | None, codes: Sequence[bytes]) -> None:
    """Writes a file as a whole, or not at all; a folder that cannot be written to only costs the next process time."""
    if path is None:
        return
    content = b"".join(len(code).to_bytes(_LENGTH_BYTES, "little") + code for code in codes)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(name, path)
        except BaseException:  # a full disk, or Ctrl-C
            os.unlink(name)
            raise


def digest(*parts: str) -> str:
    """A short hash."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
