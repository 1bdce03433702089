"""Pictures of simulations, drawn by MuJoCo without a display."""

import copy
import dataclasses
import functools
import importlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.host import Arrays, HostFunction, host_call
from jaxenvs.simulators.mujoco.gripper import leaders_by_body
from jaxenvs.simulators.mujoco.model import Model, import_mujoco

_BACKENDS = ("egl", "osmesa")
"""Libraries that draw without a display, best first."""

_SETTINGS = {"distance": 1, "azimuth": 1, "elevation": 1, "lookat": 3, "trackbodyid": 1, "fixedcamid": 1, "type": 1}
"""The settings of a camera, and how many numbers each has."""


_MOST_PIXELS = 16_384
"""The greatest size of a side, in pixels, that graphics libraries support in software."""


@dataclasses.dataclass(frozen=True)
class CameraView:
    """The camera and other settings of pictures.

    Attributes:
        model: the model that is drawn.
        width: width of a picture, pixels.
        height: height of a picture, pixels.
        camera_id: number of one of the model's cameras, or -1 for a free one; None to use `camera_name`.
        camera_name: name of one of the model's cameras; None for a free one.
        settings: settings of the free camera, pairs of a name and a number or numbers.
        follows: the body that the free camera follows over the ground; None for none.
        max_geom: greatest number of shapes in a picture.
        flags: visualisation flags, pairs of a number in `mjtVisFlag` and whether it is on.
        shadow_size: side of the shadow map, texels; None for that of the model.
        marker: number of a site of the world that is drawn where the caller says; None for none.
    """

    model: Model
    width: int
    height: int
    camera_id: int | None = None
    camera_name: str | None = None
    settings: tuple[tuple[str, Any], ...] = ()
    follows: int | None = None
    max_geom: int = 1000
    flags: tuple[tuple[Any, Any], ...] | None = None
    shadow_size: int | None = None
    marker: int | None = None

    @property
    def fixed_camera(self) -> int:
        """The number of the model's camera; -1 for the free one."""
        if self.camera_name is not None:
            return self.model.camera(self.camera_name)
        return -1 if self.camera_id is None else self.camera_id


def frozen(settings: Mapping[Any, Any] | tuple[tuple[Any, Any], ...] | None) -> Any:
    """A mapping as hashable pairs, with arrays as tuples; None stays None.

    Raises:
        InvalidField: it is not a mapping.
    """
    if settings is None:
        return None
    try:
        pairs = dict(settings).items()
    except (TypeError, ValueError):
        raise InvalidField(
            f'Camera settings and visual options must be dictionaries such as {{"distance": 3.0}}, got {settings!r}.'
        ) from None
    return tuple((key, tuple(np.asarray(v).tolist()) if np.ndim(v) else v) for key, v in pairs)


def check_view(view: CameraView) -> None:
    """Raises `InvalidField` for a camera or settings that do not exist."""
    if view.camera_id is not None and view.camera_name is not None:
        raise InvalidField("Give `camera_id` or `camera_name`, not both.")
    if max(view.width, view.height) > _MOST_PIXELS:
        raise InvalidField(
            f"`width` and `height` must be at most {_MOST_PIXELS:,}, which graphics libraries can draw; got"
            f" {view.width:,} and {view.height:,}."
        )
    cameras = view.model.mj_model.ncam
    if view.camera_id is not None and not isinstance(view.camera_id, int | np.integer):
        raise InvalidField(f"`camera_id` must be an integer, got {view.camera_id!r}; `camera_name` takes a name.")
    if not -1 <= view.fixed_camera < cameras:
        raise InvalidField(f"`camera_id` must be from -1 to {cameras - 1} for {view.model.path}, got {view.camera_id}.")
    for name, value in view.settings:
        if _SETTINGS.get(name) != np.size(value) or not _are_finite(value):
            known = ", ".join(f"{name} ({count} number{'s' * (count > 1)})" for name, count in _SETTINGS.items())
            raise InvalidField(f"`default_camera_config` cannot set {name!r} to {value!r}; it takes {known}.")

    bodies = view.model.mj_model.nbody
    follows = dict(view.settings).get("trackbodyid", -1)
    if not -1 <= follows < bodies:
        raise InvalidField(f"`default_camera_config` has `trackbodyid` {follows}, of {bodies} bodies from 0.")
    _check_flags(view.flags or ())


def _check_flags(flags: tuple[tuple[Any, Any], ...]) -> None:
    kind = import_mujoco().mjtVisFlag
    known = {getattr(kind, name) for name in dir(kind) if name.startswith("mjVIS_")}
    numbers = {int(flag) for flag in known}
    for flag, value in flags:
        is_number = isinstance(flag, int | np.integer) or type(flag) is kind
        if not is_number or int(flag) not in numbers or value not in (0, 1):
            raise InvalidField(
                f"`visual_options` cannot set {flag!r} to {value!r}; it takes members of `mujoco.mjtVisFlag`, such as"
                " `mujoco.mjtVisFlag.mjVIS_CONTACTPOINT`, and True or False for each."
            )


def _are_finite(value: Any) -> bool:
    """Whether a value is a finite number, or several of them."""
    return all(isinstance(x, int | float | np.number) and np.isfinite(x) for x in np.ravel(np.asarray(value, object)))


def render(view: CameraView, qpos: Array, marker: Array | None = None) -> Array:
    """(height, width, 3) uint8: the model at given positions.

    Mocap bodies are drawn where the bodies are that they lead.

    Args:
        view: the camera and other settings.
        qpos: (nq,) positions.
        marker: (3,) m, the position of the view's marker, if it has one.

    Raises:
        RenderingUnavailable: no library here can draw without a display.
    """
    check_drawing()
    results = {"picture": jax.ShapeDtypeStruct((view.height, view.width, 3), np.uint8)}
    arguments = {"qpos": qpos} if marker is None else {"qpos": qpos, "marker": marker}
    return host_call(_draw_function(view), results, arguments)["picture"]


@functools.cache
def check_drawing() -> None:
    """Raises `RenderingUnavailable` unless pictures can be drawn here."""
    _thread().submit(_context).result()


@functools.cache
def _draw_function(view: CameraView) -> HostFunction:
    """From positions to pictures."""

    def run(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        given = {name: np.broadcast_to(value, (lanes, value.shape[-1])) for name, value in inputs.items()}
        _thread().submit(_draw, view, given, outputs["picture"]).result()

    return run


def _draw(view: CameraView, given: Arrays, pictures: np.ndarray) -> None:
    _context()
    painter = _painter(view)
    for lane, picture in enumerate(pictures):
        painter.draw(given["qpos"][lane], given["marker"][lane] if "marker" in given else None, picture)


class _Painter:
    """What MuJoCo needs to draw a model; used only in the drawing thread."""

    def __init__(self, view: CameraView) -> None:
        mujoco = self._mujoco = import_mujoco()
        self._view = view
        model = self._model = copy.copy(view.model.mj_model)  # the frame must be as large as the picture
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, view.width)
        model.vis.global_.offheight = max(model.vis.global_.offheight, view.height)
        if view.shadow_size is not None:
            model.vis.quality.shadowsize = view.shadow_size
        self._data = mujoco.MjData(model)
        self._scene = mujoco.MjvScene(model, view.max_geom)
        self._option, self._perturbation = mujoco.MjvOption(), mujoco.MjvPerturb()
        for flag, value in view.flags or ():
            self._option.flags[int(flag)] = value
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._frame = mujoco.MjrRect(0, 0, view.width, view.height)
        self._camera = self._make_camera()
        self._lookat = np.array(self._camera.lookat)
        self._leaders = leaders_by_body(view.model)
        self._home = self._place()

    def draw(self, qpos: np.ndarray, marker: np.ndarray | None, picture: np.ndarray) -> None:
        """Draws the model at `qpos`, and the marker if there is one, into `picture`."""
        mujoco = self._mujoco
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._data)
        for body, leader in self._leaders.items():
            self._data.mocap_pos[leader], self._data.mocap_quat[leader] = self._data.xpos[body], self._data.xquat[body]
        if marker is not None and self._view.marker is not None:
            site = self._view.marker
            self._model.site_pos[site] += marker - self._data.site_xpos[site]  # its body is fixed, and not turned
        if self._leaders or marker is not None:
            mujoco.mj_kinematics(self._model, self._data)
        self._camera.lookat[:] = self._lookat + self._place() - self._home
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, self._perturbation, self._camera, every, self._scene
        )
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        mujoco.mjr_render(self._frame, self._scene, self._context)
        upside_down = np.empty_like(picture)
        mujoco.mjr_readPixels(upside_down, None, self._frame, self._context)
        picture[...] = upside_down[::-1]

    def _make_camera(self) -> Any:
        mujoco = self._mujoco
        mujoco.mj_forward(self._model, self._data)
        camera, view = mujoco.MjvCamera(), self._view
        camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FREE, -1
        camera.lookat[:] = np.median(self._data.geom_xpos, axis=0)
        camera.distance = self._model.stat.extent
        for name, value in view.settings:
            if np.ndim(value):
                getattr(camera, name)[:] = value
            else:
                setattr(camera, name, value)
        fixed = view.fixed_camera
        camera.fixedcamid = fixed
        camera.type = mujoco.mjtCamera.mjCAMERA_FREE if fixed < 0 else mujoco.mjtCamera.mjCAMERA_FIXED
        return camera

    def _place(self) -> np.ndarray:
        """The position of the body that the camera follows, without its height."""
        if self._view.follows is None:
            return np.zeros(3)
        return self._data.xpos[self._view.follows] * np.array([1.0, 1.0, 0.0])


@functools.lru_cache(maxsize=8)
def _painter(view: CameraView) -> _Painter:
    return _Painter(view)


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """The only thread that draws: a graphics context belongs to one thread, and callbacks may come from any."""
    return ThreadPoolExecutor(1, "jaxenvs-drawing")


@functools.cache
def _context() -> Any:
    """The graphics context of the drawing thread; `MUJOCO_GL` chooses the library that makes it."""
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    found = {}
    for backend in (wanted,) if wanted in _BACKENDS else _BACKENDS:
        try:
            context = importlib.import_module(f"mujoco.{backend}").GLContext(16, 16)
            context.make_current()
        except Exception as error:  # noqa: BLE001  # each library fails in its own way
            found[backend] = f"{type(error).__name__}: {error}"
        else:
            return context
    reasons = "; ".join(f"{backend}: {' '.join(reason.split())}" for backend, reason in found.items())
    raise RenderingUnavailable(
        "MuJoCo cannot draw here without a graphics library. Install one that needs neither display nor GPU, on"
        " Debian and Ubuntu `apt-get install libegl1 libgl1-mesa-dri` or `apt-get install libosmesa6` (which is"
        f" slower); or set `MUJOCO_GL` to egl or osmesa, to use only that one. What was tried: {reasons}"
    )
