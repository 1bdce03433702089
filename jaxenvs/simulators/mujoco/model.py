"""Model: a compiled MuJoCo model as a static, hashable value."""

import functools
import hashlib
import importlib
import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import DependencyNotInstalled, InvalidField, RenderingUnavailable

TESTED_MUJOCO = "4.0"
"""The minor version of mujoco that the tests compare with."""

_INSTALL = 'run `pip install "jaxenvs[mujoco]"`'


class Model:
    """A compiled model, equal to another of the same file and content.

    It is part of the program: numbers that may differ between environments are in `Parameters`.

    Attributes:
        path: the absolute path of its XML file.
        mj_model: the `mujoco.MjModel`; nobody may change it.
        digest: a hash of the compiled model.
        nq: entries of a position.
        nv: entries of a velocity.
        na: entries of the activations.
        nu: actuators.
        timestep: seconds of one step of the simulation.
        qpos0: (nq,) float64, the reference position.
    """

    def __init__(self, path: str, mj_model: Any) -> None:
        self.path, self.mj_model = path, mj_model
        self.digest = _digest(mj_model)
        self.nq, self.nv, self.na, self.nu = (int(getattr(mj_model, name)) for name in ("nq", "nv", "na", "nu"))
        self.timestep = float(mj_model.opt.timestep)
        self.qpos0 = np.array(mj_model.qpos0)
        self.qpos0.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and (self.path, self.digest) == (other.path, other.digest)

    def __hash__(self) -> int:
        return hash((self.path, self.digest))

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self.path,)

    def __repr__(self) -> str:
        return f"Model({self.path!r})"

    def body(self, name: str) -> int:
        """The number of a body.

        Raises:
            InvalidField: there is none of this name.
        """
        return self._number("body", name)

    def body_number(self, body: int | str) -> int:
        """The number of a body that is given by name or by number.

        Raises:
            InvalidField: there is no such body.
        """
        if isinstance(body, str):
            return self.body(body)
        if isinstance(body, bool) or not isinstance(body, int | np.integer) or not 0 <= body < self.mj_model.nbody:
            raise InvalidField(f"{self.path} has bodies 0 to {self.mj_model.nbody - 1}, not {body!r}.")
        return int(body)

    def camera(self, name: str) -> int:
        """The number of a camera.

        Raises:
            InvalidField: there is none of this name.
        """
        return self._number("camera", name)

    def _number(self, kind: str, name: str) -> int:
        known = [getattr(self.mj_model, kind)(i).name for i in range(getattr(self.mj_model, f"n{_COUNTS[kind]}"))]
        if name not in known:
            listed = ", ".join(repr(other) for other in known if other) or "none"
            raise InvalidField(f"{self.path} has no {kind} named {name!r}; it has {listed}.")
        return known.index(name)


_COUNTS = {"body": "body", "camera": "cam"}


def load_model(xml_file: str) -> Model:
    """The model of an XML file, which a process reads and compiles once.

    Args:
        xml_file: a path that begins with `/`, `.` or `~`, or the name of a file among Gymnasium's assets, such as
            `"ant.xml"`, as in Gymnasium.

    Raises:
        DependencyNotInstalled: mujoco, or Gymnasium where its assets are asked for, is missing or of a version that
            was not tested.
        InvalidField: there is no such file, or MuJoCo or we cannot take what it says.
    """
    import_mujoco()
    return _load(_find(xml_file))


@functools.cache
def import_mujoco() -> Any:
    """The module `mujoco`, in the version that was tested.

    Raises:
        DependencyNotInstalled: it is missing, or of another version.
        RenderingUnavailable: it does not start with what `MUJOCO_GL` asks for.
    """
    try:
        mujoco = importlib.import_module("mujoco")
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            f"The robots of MuJoCo need `{error.name}`, which is not installed: {_INSTALL}."
        ) from error
    except Exception as error:
        chosen = os.environ.get("MUJOCO_GL")
        if not chosen:
            raise
        raise RenderingUnavailable(
            f"MuJoCo does not start with `MUJOCO_GL={chosen}` ({' '.join(str(error).split())}). Set it to egl or"
            " osmesa, which need no display, or unset it."
        ) from error
    check_version(mujoco.__version__)
    return mujoco


def check_version(version: str) -> None:
    """Raises DependencyNotInstalled for a version of mujoco that was not tested."""
    if ".".join(version.split(".")[:2]) != TESTED_MUJOCO:
        raise DependencyNotInstalled(
            f"jaxenvs was tested with mujoco {TESTED_MUJOCO}, here is {version}, which may move otherwise: {_INSTALL}."
        )


def _find(xml_file: str) -> str:
    if not isinstance(xml_file, str):
        raise InvalidField(f"`xml_file` must be a string, got {xml_file!r}.")
    if xml_file.startswith((".", "/", "~")):
        path = Path(xml_file).expanduser().absolute()
        hint = "Correct the path; relative ones start in the working directory."
    else:
        path = _assets() / xml_file
        hint = f"Begin the path of a file of your own with `./`, `/` or `~`; others are looked for in {path.parent}."
    if not path.is_file():
        raise InvalidField(f"There is no file {path} (`xml_file={xml_file!r}`). {hint}")
    return os.path.realpath(path)


def _assets() -> Path:
    """The folder of Gymnasium's models; found without importing Gymnasium."""
    found = importlib.util.find_spec("gymnasium")
    if found is None or not found.submodule_search_locations:
        raise DependencyNotInstalled(
            f"The models of the robots are those of Gymnasium, which is not installed: {_INSTALL}."
        )
    return Path(next(iter(found.submodule_search_locations))) / "envs" / "mujoco" / "assets"


@functools.cache
def _load(path: str) -> Model:
    mujoco = import_mujoco()
    said: list[str] = []
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(said.append)  # MuJoCo's own prints, and writes a file
    try:
        mj_model = mujoco.MjModel.from_xml_path(path)
    except ValueError as error:
        raise InvalidField(f"MuJoCo cannot compile {path}: {' '.join(str(error).split())}") from error
    finally:
        mujoco.set_mju_user_warning(handler)
    if said and Path(os.path.realpath(_assets())) not in Path(path).parents:  # Gymnasium's files are not the user's
        for text in said:
            warnings.warn(f"{path}: {text.strip()}", stacklevel=2)
    _check_features(path, mj_model)
    return Model(path, mj_model)


def _check_features(path: str, mj_model: Any) -> None:
    """Refuses what a state of ours does not hold."""
    kept_elsewhere = {
        "engine plugins": mj_model.nplugin,
        "delayed actuators or sensors": getattr(mj_model, "nhistory", 0),
        "mocap bodies": mj_model.nmocap,
        "flexes": mj_model.nflex,
        "user data": mj_model.nuserdata,
    }
    found = [name for name, count in kept_elsewhere.items() if count]
    if found:
        raise InvalidField(f"{path} has {', '.join(found)}, whose state jaxenvs does not keep; leave them out.")
    if not mj_model.nv:
        raise InvalidField(f"{path} has nothing that moves; give its bodies joints.")


def _digest(mj_model: Any) -> str:
    mujoco = import_mujoco()
    buffer = np.empty(mujoco.mj_sizeModel(mj_model), np.uint8)
    mujoco.mj_saveModel(mj_model, None, buffer)
    return hashlib.sha256(buffer.tobytes()).hexdigest()
