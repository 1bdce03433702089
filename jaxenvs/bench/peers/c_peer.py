"""A vectorised loop in C, which shows how fast the processor could be; built on first use."""

from __future__ import annotations  # for the older Pythons of older packages

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PACKAGES = ("ctypes",)

_SOURCE = Path(__file__).with_name("cart_pole.c")
# What -ffast-math stands for, without the code that it links, which makes the whole process flush small floats to 0.
_FAST = (
    "-fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math -freciprocal-math -ffinite-math-only"
    " -fno-rounding-math -fno-signaling-nans -fcx-limited-range"
)
_FLAGS = f"-O3 -march=native {_FAST} -fopenmp -std=c11 -shared -fPIC"
_CACHE_VARIABLE = "JAXENVS_BENCH_CACHE"


def missing() -> str | None:
    """Says that there is no C compiler; None if there is one."""
    compiler = _compiler()[0]
    return None if shutil.which(compiler) else f"there is no C compiler `{compiler}`"


def prepare(task: str, num_envs: int, steps: int | None) -> dict[str, Any]:
    """The loop of `cart_pole.c`, with a thread for each core; `task` is not used."""
    steps = steps or 200
    library, build_seconds = build()
    batch = library.create(num_envs, steps, 0)
    return {
        "advance": lambda: library.advance(batch),
        "steps": steps,
        "compile_seconds": build_seconds,
        "device": f"{platform.machine()}, {os.environ.get('OMP_NUM_THREADS', os.cpu_count())} threads",
    }


def build() -> tuple[ctypes.CDLL, float | None]:
    """Loads the library, after building it if it is not in the cache.

    It is kept in the folder `$JAXENVS_BENCH_CACHE`, by default jaxenvs/bench in the user's cache folder,
    under the hash of everything it depends on: source, compiler, flags and processor.

    Returns:
        The library, and the seconds that building it took; None if it was in the cache.

    Raises:
        RuntimeError: the compiler failed; the message contains its output.
    """
    command = [*_compiler(), *_FLAGS.split()]
    source = _SOURCE.read_bytes()
    digest = hashlib.sha256(b"\n".join([source, " ".join(command).encode(), _processor()])).hexdigest()[:16]
    path = _cache_folder() / f"cart_pole-{digest}.so"
    seconds = None
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.stem}-{os.getpid()}.so")
        started = time.perf_counter()
        result = subprocess.run(
            [*command, str(_SOURCE), "-o", str(unfinished), "-lm"], capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise RuntimeError(f"`{shlex.join(command)}` could not build {_SOURCE.name}:\n{result.stderr.strip()}")
        seconds = time.perf_counter() - started
        unfinished.replace(path)
    library = ctypes.CDLL(str(path))
    library.create.restype = ctypes.c_void_p
    library.create.argtypes = (ctypes.c_int64, ctypes.c_int64, ctypes.c_uint32)
    library.advance.restype = None
    library.advance.argtypes = (ctypes.c_void_p,)
    return library, seconds


def _compiler() -> list[str]:
    """The C compiler given by `$CC` or its usual name; the variable may contain flags as well."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def _cache_folder() -> Path:
    wish = os.environ.get(_CACHE_VARIABLE)
    if wish:
        return Path(wish)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "jaxenvs" / "bench"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxenvs" / "bench"


def _processor() -> bytes:
    """What `-march=native` depends on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    names = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return "\n".join([platform.machine(), platform.processor(), *names]).encode()
