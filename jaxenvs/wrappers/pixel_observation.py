"""PixelObservation: the rendered frame as the observation."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import Placement, SameActions, StatelessWrapper, unwrap
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Box, Dict, Space
from jaxenvs.wrappers._elements import with_entry
from jaxenvs.wrappers._luminance import luminance


class PixelObservation(SameActions, StatelessWrapper[Any]):
    """Shows the rendered frame, in addition to the observation or in place of it.

    The counterpart of `gymnasium.wrappers.AddRenderObservation`. It goes inside AutoReset, whose default
    method then renders new starts only where an episode ended.

    Attributes:
        height: rows of the frame, resized with antialiasing; None for as many as `render` draws.
        width: columns of the frame, resized in the same way.
        grayscale: whether the frame is (height, width) of luminance rather than (height, width, 3) of RGB.
        render_only: whether the frame takes the observation's place. Otherwise a Dict observation gets
            the key `render_key`, and any other becomes a dictionary with `obs_key` and `render_key`.
        render_key: the frame's key.
        obs_key: the key of the wrapped environment's observation.
    """

    height: int | None = static(default=None)
    width: int | None = static(default=None)
    grayscale: bool = static(default=False)
    render_only: bool = static(default=True)
    render_key: str = static(default="pixels")
    obs_key: str = static(default="state")

    reset_is_costly: ClassVar[bool] = True

    placement: ClassVar[Placement] = "inside"

    def check_fields(self) -> None:
        """Checks the size, the keys, and that there is a picture."""
        for name, size in (("height", self.height), ("width", self.width)):
            if size is not None:
                check_integer(self, name, size)
        if self.render_key == self.obs_key:
            raise InvalidField(f"PixelObservation: `render_key` and `obs_key` must differ, both are {self.obs_key!r}.")
        if not self.env.can_render:
            raise InvalidField(
                f"PixelObservation needs pictures, and {type(unwrap(self)).__name__} does not define `render`."
            )

    def check_spaces(self) -> None:
        """Checks that the key of the frame is free."""
        space = self.env.observation_space
        if not self.render_only and isinstance(space, Dict) and self.render_key in space.spaces:
            raise InvalidField(
                f"PixelObservation: observations already have the key {self.render_key!r}. Choose another `render_key`."
            )

    @property
    def observation_space(self) -> Space[Any]:
        """Frames of uint8, with the wrapped environment's observations unless `render_only`."""
        state, _ = jax.eval_shape(self.env.reset, jax.eval_shape(lambda: jax.random.key(0)))
        frames = Box(0, 255, jax.eval_shape(self._frame, state).shape, np.uint8)
        if self.render_only:
            return frames
        space = self.env.observation_space
        if isinstance(space, Dict):
            return with_entry(space, self.render_key, frames)
        return Dict({self.obs_key: space, self.render_key: frames})

    def reset(self, key: Key) -> tuple[Any, TimeStep[Any]]:
        """Resets the wrapped environment and renders."""
        state, timestep = self.env.reset(key)
        return state, self._show(state, timestep)

    def step(self, state: Any, action: Array) -> tuple[Any, TimeStep[Any]]:
        """Steps the wrapped environment and renders."""
        state, timestep = self.env.step(state, action)
        return state, self._show(state, timestep)

    def _show(self, state: Any, timestep: TimeStep[Any]) -> TimeStep[Any]:
        observation = frame = self._frame(state)
        if not self.render_only:
            rest = timestep.observation
            is_dict = isinstance(self.env.observation_space, Dict)
            observation = {**(rest if is_dict else {self.obs_key: rest}), self.render_key: frame}
        return timestep.replace(observation=observation, final_observation=observation)

    def _frame(self, state: Any) -> Array:
        frame = self.env.render(state)
        if self.grayscale:
            frame = luminance(frame)
        height, width, *channels = frame.shape
        size = (self.height or height, self.width or width, *channels)
        if size == frame.shape:
            return frame
        resized = jax.image.resize(frame.astype(jnp.float32), size, "linear", antialias=True)
        return jnp.clip(jnp.round(resized), 0.0, 255.0).astype(jnp.uint8)
