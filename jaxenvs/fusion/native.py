"""Kernels as functions that XLA calls: the handler of its foreign function interface, compilation, and the cache.

The handler is written in LLVM's language too, after XLA's C header, so that no compiler is needed where it runs.
"""

import contextlib
import functools
import hashlib
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import llvmlite  # of the extra `fuse`: `fused.require_compiler` is asked first
import llvmlite.binding as llvm


@functools.cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten() if llvm.get_host_cpu_features() else ""
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=2, reloc="default", codemodel="jitdefault", jit=True
    )


@functools.cache
def processor() -> str:
    """What compiled code depends on, besides its text."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvmlite.__version__} {llvm.get_default_triple()} {llvm.get_host_cpu_name()} {features}"


LONG = 600_000
"""From so many characters on, about 12,000 lines, a module gets fewer passes of optimisation."""


def compile_object(text: str) -> bytes:
    """Machine code of a module."""
    machine = _target()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = llvm.get_default_triple(), str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization, options.slp_vectorization = False, False
    builder = llvm.create_pass_builder(machine, options)
    if len(text) <= LONG:
        _moved_into_branches().run(module, builder)
        builder.getModulePassManager().run(module, builder)
    else:
        _few_passes().run(module, builder)
    return machine.emit_object(module)


def _moved_into_branches() -> Any:
    """Moves what only a branch needs into it; before other passes, to which a branch without work looks superfluous."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_sinking_pass()
    return passes


def _few_passes() -> Any:
    """What a long module needs: values in registers, and no repeated or dead operations.

    The writer leaves little to do. All of LLVM's passes take ten times as long, most of it for combining instructions
    again and again and for moving them out of loops, and the kernels that were measured got no faster by them.
    """
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.add_loop_simplify_pass()
    passes.add_loop_rotate_pass()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_loop_unroll_pass()
    passes.add_instruction_combine_pass()
    passes.add_dead_store_elimination_pass()
    passes.add_instruction_combine_pass()
    return passes


_loaded: dict[str, Any] = {}
_lock = threading.Lock()


def load(name: str, code: bytes) -> int:
    """Loads machine code for good; returns the address of its handler."""
    with _lock:
        if name not in _loaded:
            _target()
            empty = llvm.parse_assembly("")
            machine = llvm.Target.from_default_triple().create_target_machine(jit=True, codemodel="jitdefault")
            engine = llvm.create_mcjit_compiler(empty, machine)
            engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            engine.finalize_object()
            _loaded[name] = engine
        return _loaded[name].get_function_address("handler")


def cache_folder() -> Path:
    """Where machine code is kept: `JAXENVS_CACHE/kernels`, by default in the user's cache folder."""
    base = os.environ.get("JAXENVS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jaxenvs"
    return Path(base) / "kernels"


_CHECK_BYTES = 32  # of the hash before the code


def kept(path: Path) -> bytes | None:
    """What `keep` wrote, or None if the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    check, code = content[:_CHECK_BYTES], content[_CHECK_BYTES:]
    return code if hashlib.sha256(code).digest() == check else None


def keep(path: Path, code: bytes) -> None:
    """Writes a file as a whole, or not at all; a folder that cannot be written to only costs the next process time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(file.name, path)


def digest(*parts: str) -> str:
    """A short hash."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
