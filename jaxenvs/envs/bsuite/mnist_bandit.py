"""MnistBandit: say which digit an image shows."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._idx import read_images, read_labels
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_DIGITS = 10
_NO_GUESS = -1
_SIDE = 280  # pixels of the shorter side of the picture
_FRAME = 12


class MnistBanditState(PyTreeNode):
    """State of `MnistBandit`.

    Attributes:
        index: () int32, number of the image shown.
        guess: () int32, the last action; -1 at reset.
    """

    index: Array
    guess: Array


class MnistBandit(Env[MnistBanditState, Array]):
    """Say which handwritten digit an image shows. There is one guess.

    MNIST does not come with jaxenvs. Its files are read from the folder named by the environment variable
    `JAXENVS_MNIST`, or else from `~/.cache/jaxenvs/mnist`. They are `train-images-idx3-ubyte` and
    `train-labels-idx1-ubyte`, with or without `.gz`, and can be downloaded from
    https://storage.googleapis.com/cvdf-datasets/mnist/. Files that bsuite downloaded work as well. Any other images
    with labels can be passed instead.

    Observation: (height, width) float32: the image's bytes / 255; all 0 at the end. bsuite reads bytes as signed, so
        the brightest ones, from 128 on, appear negative, and values range from -128 / 255 to 127 / 255.
        `signed_pixels=False` gives the true brightness, from 0 to 1.

    Action: () int32, from 0 to 9: the digit.

    Reward: 1 for the right digit, else -1.

    Start: an image drawn uniformly.

    Episode end:
        Termination: after one step.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        images: (count, height, width) uint8. This leaf is large, so pass the environment to a jitted function as an
            argument, rather than compiling it into the program.
        labels: (count,) uint8, the digit that each image shows.
        signed_pixels: whether bytes are read as signed; see Observation.

    Differences from the reference: none. Its `fraction` of the images is `images[:count]` with `labels[:count]`.

    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits"; bsuite 0.3.6, `MNISTBandit`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 2

    images: ArrayLike = dataclasses.field(default_factory=read_images)
    labels: ArrayLike = dataclasses.field(default_factory=read_labels)
    signed_pixels: bool = static(default=True)

    def check_fields(self) -> None:
        """Checks that images and labels match."""
        images, labels = self.images, self.labels
        if not (isinstance(images, np.ndarray | jax.Array) and isinstance(labels, np.ndarray | jax.Array)):
            return
        if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
            raise InvalidField(
                "MnistBandit: `images` must be uint8 of shape (count, height, width),"
                f" got {images.dtype} of shape {images.shape}."
            )
        if labels.shape != images.shape[:1] or labels.dtype != np.uint8:
            raise InvalidField(
                f"MnistBandit: `labels` must be uint8 of shape {images.shape[:1]}, one for each image,"
                f" got {labels.dtype} of shape {labels.shape}."
            )

    @property
    def observation_space(self) -> Box:
        seen = self._brightness
        return Box(seen.min(), seen.max(), np.shape(self.images)[1:])

    @property
    def action_space(self) -> Discrete:
        return Discrete(_DIGITS)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[MnistBanditState, TimeStep[Array]]:
        index = jax.random.randint(check_key(key), (), 0, np.shape(self.images)[0], jnp.int32)
        state = MnistBanditState(index=index, guess=jnp.full((), _NO_GUESS, jnp.int32))
        return state, restart(self.observe(state))

    def step(self, state: MnistBanditState, action: Array) -> tuple[MnistBanditState, TimeStep[Array]]:
        state = state.replace(guess=self.action_space.validate(action))
        return state, transition(self.observe(state), jnp.where(self._is_right(state), 1.0, -1.0), True)

    def observe(self, state: MnistBanditState) -> Array:
        # Looked up in a table, since XLA multiplies by a rounded 1 / 255 instead of dividing.
        image = jnp.asarray(self._brightness)[self._image(state)]
        return jnp.where(state.guess == _NO_GUESS, image, 0.0)

    def render(self, state: MnistBanditState) -> Array:
        """(280, 340, 3) uint8 if images are square: the image and the guess, green if it is right."""
        image = self._image(state)
        height, width = image.shape
        scale = max(_SIDE // min(height, width), 1)
        large = jnp.repeat(jnp.repeat(255 - image, scale, 0), scale, 1)
        frame = large.shape[0] + 2 * _FRAME
        canvas = Canvas.blank(frame, large.shape[1] + 2 * _FRAME + 60, palette.PAPER)
        canvas = canvas.image(jnp.broadcast_to(large[..., None], (*large.shape, 3)), (_FRAME, _FRAME))
        place = (large.shape[1] + 2.0 * _FRAME + 42.0, frame / 2 + 16.0)
        color = jnp.where(self._is_right(state), np.array(palette.TEAL), np.array(palette.RED)).astype(jnp.uint8)
        seen = (state.guess != _NO_GUESS).astype(jnp.float32)
        return canvas.number(state.guess, place, 32.0, color, digits=1, align="right", opacity=seen).to_rgb()

    @property
    def _brightness(self) -> np.ndarray:
        """(256,) float32: the observed value of each byte."""
        byte = np.arange(256, dtype=np.uint8)
        return (byte.view(np.int8) if self.signed_pixels else byte).astype(np.float32) / 255

    def _image(self, state: MnistBanditState) -> Array:
        return jnp.asarray(self.images)[state.index]

    def _is_right(self, state: MnistBanditState) -> Array:
        return state.guess == jnp.asarray(self.labels)[state.index].astype(jnp.int32)
