"""Collects wheels for a machine without a package registry: `python -m benchmarks.rehearsal.wheels`.

They are stored in the folder `wheels` next to this file, which Git ignores; `start.sh` installs them. JAX with its
plug-in for the accelerator, NumPy, Flax, Optax and torch are assumed to be installed there.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("wheels")
LIMIT = 64 * 2**20
"""Maximum size of all wheels together, in bytes."""

REQUIREMENTS = (
    "gymnasium==1.4.0",
    "farama-notifications>=0.0.6",
    "gymnax==1.0.1",
    "six",
    "mujoco==4.0.0",  # which needs
    "mujoco-core==4.0.0",
    "mujoco-studio==4.0.0",
    "mujoco-mjx>=3.17,<3.18",
    "glfw",
    "pyopengl",
    "trimesh",
    "ale-py>=0.12.1,<0.13",
    "tqdm",
    "llvmlite",  # which nearly fills the limit by itself; fused scans need it
)
"""Requirements, the most valuable first; those at the end are left out if the limit would be exceeded."""

PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (39, 35, 34, 31, 28, 27, 26, 24, 17, 12, 5)]


def main() -> None:
    """Downloads the wheels, and lists their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.12", help="the version of that machine's Python")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for wheel in FOLDER.glob("*.whl"):
        wheel.unlink()  # two versions of one package cannot both be installed
    total = 0
    for requirement in REQUIREMENTS:
        before = set(FOLDER.glob("*.whl"))
        _download(requirement, options.python)
        for wheel in set(FOLDER.glob("*.whl")) - before:
            size = wheel.stat().st_size
            if total + size > LIMIT:
                wheel.unlink()
                print(f"{'left out':>10}  {wheel.name} ({size / 2**20:.1f} MiB)")
                continue
            total += size
            print(f"{size / 2**20:6.1f} MiB  {wheel.name}")
    print(f"{total / 2**20:6.1f} MiB  together, of at most {LIMIT / 2**20:.0f}")


def _download(requirement: str, python: str) -> None:
    platforms = [argument for name in PLATFORMS for argument in ("--platform", name)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms]
    subprocess.run([*command, "--dest", str(FOLDER), requirement], check=True)


if __name__ == "__main__":
    main()
