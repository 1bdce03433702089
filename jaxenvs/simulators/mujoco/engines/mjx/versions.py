"""The versions of MuJoCo and MJX that the engine was tested with, and the refusal of others.

The engine calls functions that MJX does not promise to keep, and follows what one series of C MuJoCo computes.
"""

from importlib import metadata

from jaxenvs.errors import DependencyNotInstalled

TESTED = {"mujoco": "4.0", "mujoco-mjx": "3.17"}
"""Distribution: the series (major and minor version) of it."""

_INSTALL = 'Run `pip install "jaxenvs[mujoco]"`.'


def check_versions() -> None:
    """Raises DependencyNotInstalled where MuJoCo or MJX are missing or of another series than was tested."""
    for name, series in TESTED.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise DependencyNotInstalled(f"The `mjx` engine needs {name}, which is not installed. {_INSTALL}") from None
        if found.split(".")[:2] != series.split("."):
            raise DependencyNotInstalled(
                f"The `mjx` engine was tested with {name} {series} and may compute something else with the "
                f"{found} that is installed. {_INSTALL}"
            )
