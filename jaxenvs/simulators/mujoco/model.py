"""Model: a compiled MuJoCo model as a static, hashable value."""

import dataclasses
import functools
import hashlib
import importlib
import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.core.checks import is_integer
from jaxenvs.errors import DependencyNotInstalled, InvalidField, RenderingUnavailable

TESTED_MUJOCO = "4.0"
"""The minor version of mujoco that the tests compare with."""


@dataclasses.dataclass(frozen=True)
class Collection:
    """Models that come with an installed package.

    Attributes:
        package: the package, which is found without being imported.
        folder: the folder of its models, within the package.
        whose: the name of the package in an error message.
        extra: the pip extra of jaxenvs that installs it.
        is_led: whether a mocap body leads each robot by a weld (see `Gripper`). The weld then holds the two frames
            together without offset, as after gymnasium-robotics' `reset_mocap_welds`.
    """

    package: str
    folder: str
    whose: str
    extra: str
    is_led: bool = False


GYMNASIUM = Collection("gymnasium", "envs/mujoco/assets", "Gymnasium", "mujoco")
FETCH = Collection("gymnasium_robotics", "envs/assets/fetch", "gymnasium-robotics", "robotics", is_led=True)
POINT = Collection("gymnasium_robotics", "envs/assets/point", "gymnasium-robotics", "robotics")


@dataclasses.dataclass(frozen=True)
class Addition:
    """A shape that is added to the world of a model.

    Attributes:
        kind: `"geom"`, or `"site"`, which touches nothing.
        name: its name.
        shape: the name of its type in MuJoCo's XML: `"box"`, `"sphere"` and so on.
        pos: (3,) m, its middle.
        size: its sizes, m.
        rgba: (4,) its colour.
    """

    kind: str
    name: str
    shape: str
    pos: tuple[float, float, float]
    size: tuple[float, ...]
    rgba: tuple[float, float, float, float]


class Model:
    """A compiled model; models of the same file and content are equal.

    It is part of the program: numbers that may differ between environments are in `Parameters`.

    Attributes:
        path: the absolute path of its XML file.
        is_led: whether mocap bodies lead it; see `Collection`.
        additions: what was added to the file's world.
        mj_model: the `mujoco.MjModel`, which must not be changed.
        digest: a hash of the compiled model.
        nq: number of position coordinates.
        nv: number of velocity coordinates.
        na: number of activations.
        nu: number of actuators.
        timestep: duration of one step of the simulation, s.
        qpos0: (nq,) float64, the positions in the reference pose.
    """

    def __init__(self, path: str, mj_model: Any, is_led: bool = False, additions: tuple[Addition, ...] = ()) -> None:
        self.path, self.mj_model, self.is_led, self.additions = path, mj_model, is_led, additions
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
        return _load, (self.path, self.is_led, self.additions)

    def __repr__(self) -> str:
        return f"Model({self.path!r})"

    @property
    def control_ranges(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest controls of the actuators, (nu,) float32 each."""
        low, high = np.asarray(self.mj_model.actuator_ctrlrange, np.float32).T
        return low, high

    def body(self, name: str) -> int:
        """The number of a body.

        Raises:
            InvalidField: there is none with this name.
        """
        return self._number("body", name)

    def body_number(self, body: int | str) -> int:
        """The number of a body that is given by name or by number.

        Raises:
            InvalidField: there is no such body.
        """
        if isinstance(body, str):
            return self.body(body)
        if not is_integer(body) or not 0 <= body < self.mj_model.nbody:
            raise InvalidField(f"{self.path} has bodies 0 to {self.mj_model.nbody - 1}, not {body!r}.")
        return int(body)

    def camera(self, name: str) -> int:
        """The number of a camera.

        Raises:
            InvalidField: there is none with this name.
        """
        return self._number("camera", name)

    def site(self, name: str) -> int:
        """The number of a site.

        Raises:
            InvalidField: there is none with this name.
        """
        return self._number("site", name)

    def joint(self, name: str) -> int:
        """The number of a joint.

        Raises:
            InvalidField: there is none with this name.
        """
        return self._number("joint", name)

    def _number(self, kind: str, name: str) -> int:
        known = [getattr(self.mj_model, kind)(i).name for i in range(getattr(self.mj_model, f"n{_COUNTS[kind]}"))]
        if name not in known:
            listed = ", ".join(repr(other) for other in known if other) or "none"
            raise InvalidField(f"{self.path} has no {kind} named {name!r}; it has {listed}.")
        return known.index(name)


_COUNTS = {"body": "body", "camera": "cam", "site": "site", "joint": "jnt"}


def adopt_xml_file(env: Any) -> None:
    """Replaces an `xml_file` given as a path object by its absolute path, and None by the default of the class."""
    given: Any = env.xml_file
    if isinstance(given, os.PathLike):
        object.__setattr__(env, "xml_file", str(Path(given).expanduser().absolute()))
    elif given is None:
        object.__setattr__(env, "xml_file", type(env).xml_file)


def load_model(xml_file: str, collection: Collection = GYMNASIUM, additions: tuple[Addition, ...] = ()) -> Model:
    """The model of an XML file, which is read and compiled once per process.

    Args:
        xml_file: a path that begins with `/`, `.` or `~`, or the name of a file in the collection, such as
            `"ant.xml"`, as in Gymnasium.
        collection: the models that names refer to.
        additions: what is added to its world.

    Raises:
        DependencyNotInstalled: mujoco, or the package of the collection if it is needed, is missing or of a version
            that was not tested.
        InvalidField: there is no such file, or MuJoCo or jaxenvs does not support it.
    """
    import_mujoco(collection.extra)
    return _load(_find(xml_file, collection), collection.is_led, additions)


@functools.cache
def import_mujoco(extra: str = "mujoco") -> Any:
    """The module `mujoco`, in the tested version.

    Args:
        extra: the pip extra of jaxenvs that the error names.

    Raises:
        DependencyNotInstalled: it is missing, or has another version.
        RenderingUnavailable: it cannot be imported with this value of `MUJOCO_GL`.
    """
    try:
        mujoco = importlib.import_module("mujoco")
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            f"The robots of MuJoCo need `{error.name}`, which is not installed: {_install(extra)}."
        ) from error
    except Exception as error:
        chosen = os.environ.get("MUJOCO_GL")
        if not chosen:
            raise
        raise RenderingUnavailable(
            f"MuJoCo does not start with `MUJOCO_GL={chosen}` ({' '.join(str(error).split())}). Set it to egl or"
            " osmesa, which need no display, or unset it."
        ) from error
    check_version(mujoco.__version__, extra)
    return mujoco


def check_version(version: str, extra: str = "mujoco") -> None:
    """Raises DependencyNotInstalled for a version of mujoco that was not tested."""
    if ".".join(version.split(".")[:2]) != TESTED_MUJOCO:
        raise DependencyNotInstalled(
            f"jaxenvs was tested with mujoco {TESTED_MUJOCO}; {version} may behave differently: {_install(extra)}."
        )


def _install(extra: str) -> str:
    return f'run `pip install "jaxenvs[{extra}]"`'


def _find(xml_file: str, collection: Collection) -> str:
    if not isinstance(xml_file, str):
        raise InvalidField(f"`xml_file` must be a string or a path, got {xml_file!r}.")
    if xml_file.startswith((".", "/", "~")):
        path = Path(xml_file).expanduser().absolute()
        hint = "Correct the path; relative ones start in the working directory."
    else:
        path = _assets(collection) / xml_file
        hint = f"Begin the path of your own file with `./`, `/` or `~`; others are looked up in {path.parent}."
    if not path.is_file():
        raise InvalidField(f"There is no file {path} (`xml_file={xml_file!r}`). {hint}")
    return os.path.realpath(path)


def _assets(collection: Collection) -> Path:
    """The folder of a collection, whose package is found without being imported."""
    found = importlib.util.find_spec(collection.package)
    if found is None or not found.submodule_search_locations:
        raise DependencyNotInstalled(
            f"The models of the robots are those of {collection.whose}, which is not installed:"
            f" {_install(collection.extra)}."
        )
    return Path(next(iter(found.submodule_search_locations))) / collection.folder


@functools.cache
def _load(path: str, is_led: bool = False, additions: tuple[Addition, ...] = ()) -> Model:
    mujoco = import_mujoco()
    said: list[str] = []
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(said.append)  # MuJoCo's own prints, and writes a file
    try:
        mj_model = _with_additions(path, additions) if additions else mujoco.MjModel.from_xml_path(path)
    except ValueError as error:
        raise InvalidField(f"MuJoCo cannot compile {path}: {' '.join(str(error).split())}") from error
    finally:
        mujoco.set_mju_user_warning(handler)
    if said and not _is_of_a_package(path):
        for text in said:
            warnings.warn(f"{path}: {text.strip()}", stacklevel=2)
    _check_features(path, mj_model, is_led)
    if is_led:
        welds = mj_model.eq_type == mujoco.mjtEq.mjEQ_WELD
        mj_model.eq_data[welds, :7] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    return Model(path, mj_model, is_led, additions)


def _with_additions(path: str, additions: tuple[Addition, ...]) -> Any:
    """The `mujoco.MjModel` of a file, with shapes added to its world."""
    mujoco = import_mujoco()
    spec = mujoco.MjSpec.from_file(path)
    for each in additions:
        add = spec.worldbody.add_geom if each.kind == "geom" else spec.worldbody.add_site
        size = (*each.size, *(0.0,) * (3 - len(each.size)))
        shape = getattr(mujoco.mjtGeom, f"mjGEOM_{each.shape.upper()}")
        added = add(name=each.name, type=shape, pos=each.pos, size=size, rgba=each.rgba)
        if each.kind == "geom":
            added.contype = added.conaffinity = 1
    return spec.compile()


def _is_of_a_package(path: str) -> bool:
    """Whether a file is one of a package, whose warnings are not for the user."""
    known = (collection for collection in (GYMNASIUM, FETCH, POINT) if importlib.util.find_spec(collection.package))
    return any(Path(os.path.realpath(_assets(collection))) in Path(path).parents for collection in known)


def _check_features(path: str, mj_model: Any, is_led: bool) -> None:
    """Refuses models with features that our state does not include."""
    kept_elsewhere = {
        "engine plugins": mj_model.nplugin,
        "delayed actuators or sensors": getattr(mj_model, "nhistory", 0),
        "mocap bodies": 0 if is_led else mj_model.nmocap,
        "flexes": mj_model.nflex,
        "user data": mj_model.nuserdata,
    }
    found = [name for name, count in kept_elsewhere.items() if count]
    if found:
        raise InvalidField(f"{path} has {', '.join(found)}, whose state jaxenvs does not store; leave them out.")
    if not mj_model.nv:
        raise InvalidField(f"{path} has nothing that moves; give its bodies joints.")


def _digest(mj_model: Any) -> str:
    mujoco = import_mujoco()
    buffer = np.empty(mujoco.mj_sizeModel(mj_model), np.uint8)
    mujoco.mj_saveModel(mj_model, None, buffer)
    return hashlib.sha256(buffer.tobytes()).hexdigest()
