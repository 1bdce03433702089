"""Where figures come from: the command, the date, the machine and the versions, for the head of a JSON file."""

import datetime
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax

from jaxenvs import __version__

_CPU_INFO = Path("/proc/cpuinfo")


def provenance(
    command: str | None = None, devices: Iterable[str] = (), versions: Iterable[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """The origin of figures that are measured now, on this machine.

    Args:
        command: the command that measures them, or None for the one that started this process as `jaxenvs`.
        devices: the devices of the measurements, in words; repeated and empty ones are left out.
        versions: versions of the packages that were measured; if two interpreters differ, the first one counts.

    Returns:
        `command`; `date`, in UTC, such as "2026-11-28"; `device`, in words; `cpu_cores`; `platform`, the operating
        system; and `versions` by package.
    """
    found = {"python": platform.python_version(), "jaxenvs": __version__, "jax": jax.__version__}
    for own in versions:
        found = {**own, **found}
    accelerators = [device for device in dict.fromkeys(devices) if "(gpu)" in device or "(tpu)" in device]
    return {
        "command": command or shlex.join(["jaxenvs", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": ", ".join([*accelerators, f"{processor()}, {os.cpu_count()} CPU cores"]),
        "cpu_cores": os.cpu_count(),
        "platform": platform.platform(),
        "versions": found,
    }


def processor() -> str:
    """The name of the processor, such as "AMD EPYC"; the architecture if the system does not tell its name."""
    lines = _CPU_INFO.read_text().splitlines() if _CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())
