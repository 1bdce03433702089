"""A cache of compiled programs between runs of the command, so that the second one starts faster."""

import hashlib
import os
import platform
from pathlib import Path

import jax
from jaxlib.version import __version__ as jaxlib_version

from jaxenvs.core.folders import named_folder, user_cache

ENVIRONMENT_VARIABLE = "JAXENVS_COMPILATION_CACHE"
_MIN_COMPILE_SECONDS = 0.5


def use_compilation_cache() -> Path | None:
    """Turns on JAX's persistent compilation cache, in the user's cache folder.

    JAX keys an entry by the program, the compiler's version and its options. Here the folder's name adds the
    machine's processor, since programs compiled for one CPU may not run on another that shares the home folder.
    `JAXENVS_COMPILATION_CACHE=0` turns the cache off, and another value names the folder. A cache configured
    through JAX itself is left unchanged.

    Returns:
        The folder, or None if this function changed nothing.
    """
    wish = os.environ.get(ENVIRONMENT_VARIABLE, "")
    configured = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]  # made at run time
    if wish.lower() in ("0", "off", "false", "no") or configured:
        return None
    folder, cache = named_folder(ENVIRONMENT_VARIABLE), user_cache()
    if folder is None and cache is not None:
        folder = cache / "jaxenvs" / f"xla-{jaxlib_version}-{_machine()}"
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None  # a read-only home: compile every time
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _MIN_COMPILE_SECONDS)
    return folder


def _machine() -> str:
    """A short hash of the processor's model and features."""
    description = [platform.machine(), platform.processor()]
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        description += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join(description).encode()).hexdigest()[:12]
