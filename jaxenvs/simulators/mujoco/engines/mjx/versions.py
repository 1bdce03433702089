"""The versions of MuJoCo and MJX that the engine was tested with; others are refused.

The engine calls functions of MJX that may change, and reproduces the results of one series of C MuJoCo.
"""

from importlib import metadata

from jaxenvs.errors import DependencyNotInstalled

TESTED = {"mujoco": "4.0", "mujoco-mjx": "3.17"}
"""The tested series (major and minor version) of each distribution."""

_INSTALL = 'Run `pip install "jaxenvs[mujoco]"`.'


def check_versions() -> None:
    """Raises DependencyNotInstalled if MuJoCo or MJX is missing or of another series than was tested."""
    for name, series in TESTED.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise DependencyNotInstalled(f"The `mjx` engine needs {name}, which is not installed. {_INSTALL}") from None
        if found.split(".")[:2] != series.split("."):
            raise DependencyNotInstalled(
                f"The `mjx` engine was tested with {name} {series} and may give different results with the "
                f"{found} that is installed. {_INSTALL}"
            )
