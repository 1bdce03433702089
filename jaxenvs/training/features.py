"""Features: what the networks of the learners read of an observation."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Dict, Space, Tuple
from jaxenvs.training.networks import LEAST_PIXELS, SMALLEST_WINDOW
from jaxenvs.wrappers import RunningStatistics

Shown = Callable[[Space[Any]], bool]
"""Which spaces a learner reads as pictures, by convolutions: `is_picture` or `is_byte_picture`."""

_MOST_CHANNELS = 4
_LEAST_VARIANCE = 1e-8
"""Added to the variance by which features are scaled."""
_FEATURE_LIMIT = 10.0
"""Normalised features are clipped to this range, on both sides of 0."""


def is_picture(space: Space[Any]) -> bool:
    """Whether observations are pictures: uint8 or bool, with 3 axes (channels first or last), or a stack of these.

    uint8 with 2 axes is also a picture. bool with 2 axes is not, since a stack of vectors has that form as well.
    float32 with 3 axes is one if there are at most 4 channels of at least 36 by 36 pixels. The bounds do not matter:
    they are unknown where a space is traced, as in a policy that is an argument of a jitted function.
    """
    least = {np.dtype(np.uint8): 2, np.dtype(np.bool_): 3}
    if not isinstance(space, Box) or space.dtype not in least:
        return _is_float_picture(space)
    return least[space.dtype] <= len(space.shape) <= 4


def _is_float_picture(space: Space[Any]) -> bool:
    if not isinstance(space, Box) or space.dtype != np.float32 or len(space.shape) != 3:
        return False
    first, second, last = space.shape
    channels, sides = (first, (second, last)) if first < last else (last, (first, second))
    return channels <= _MOST_CHANNELS and min(sides) >= LEAST_PIXELS


def is_byte_picture(space: Space[Any]) -> bool:
    """Whether observations are pictures of uint8, with 2 to 4 axes."""
    return is_picture(space) and space.dtype == np.uint8  # pyright: ignore[reportAttributeAccessIssue]  # it is a Box


def to_features(space: Space[Any], observation: Any, is_shown: Shown = is_picture) -> Any:
    """The features of an observation, as networks read them.

    Args:
        space: the observation space.
        observation: an observation.
        is_shown: which spaces are read as pictures.

    Returns:
        A picture as (rows, columns, channels), in its own dtype. Of 3 axes, the first contains the channels if it is
        shorter than the last (a stack of grey pictures), else the last; of 4 axes, both do (a stack of coloured
        pictures). For a dict or tuple that contains pictures, at any depth, a tuple: everything else as one vector,
        then the pictures. Everything else as in `to_vector`.
    """
    if is_shown(space):
        return _in_rows_and_columns(observation)
    try:
        parts = list(_parts(space, observation))
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise InvalidField(
            f"An observation is {jax.tree.structure(observation)}, and those of {space} are"
            f" {jax.tree.structure(jax.eval_shape(lambda: space.sample(jax.random.key(0))))}. Return what the space"
            " contains: a dict for a `Dict`, a tuple for a `Tuple`."
        ) from error
    pictures = [_in_rows_and_columns(x) for part, x in parts if _is_shown_within(part, is_shown)]
    if not pictures:
        return to_vector(space, observation)
    others = [to_vector(part, x) for part, x in parts if not _is_shown_within(part, is_shown)]
    return jnp.concatenate([jnp.zeros(0, jnp.float32), *others]), *pictures


def to_vector(space: Space[Any], observation: Any) -> Array:
    """The features for networks without convolutions: (space.flat_size,) float32, with discrete parts one-hot."""
    return space.flatten(observation).astype(jnp.float32)


def of_bytes(space: Space[Any], observation: Any) -> Any:
    """The features for learners with a replay buffer: as in `to_features`, where only uint8 makes a picture."""
    return to_features(space, observation, is_byte_picture)


def _in_rows_and_columns(picture: Array) -> Array:
    if picture.ndim == 4:
        return jnp.moveaxis(picture, 0, 2).reshape(*picture.shape[1:3], -1)
    if picture.ndim == 2:
        return picture[:, :, None]
    return jnp.moveaxis(picture, 0, 2) if picture.shape[0] < picture.shape[2] else picture


def _parts(space: Space[Any], observation: Any) -> Iterator[tuple[Space[Any], Any]]:
    """The spaces inside dicts and tuples, with their part of an observation, in the order of `flatten`."""
    match space:
        case Dict():
            for name, part in space.spaces.items():
                yield from _parts(part, observation[name])
        case Tuple():
            for part, x in zip(space.spaces, observation, strict=True):
                yield from _parts(part, x)
        case _:
            yield space, observation


def _is_shown_within(part: Space[Any], is_shown: Shown) -> bool:
    """Whether a part of a dict or tuple is read as a picture: a board of bool may be too small for that."""
    return is_shown(part) and (is_byte_picture(part) or min(_sides(part)) >= SMALLEST_WINDOW)


def _sides(space: Space[Any]) -> tuple[int, int]:
    """Rows and columns of a picture, as `_in_rows_and_columns` makes them."""
    shape = space.shape  # pyright: ignore[reportAttributeAccessIssue]  # it is a Box
    if len(shape) == 4 or (len(shape) == 3 and shape[0] < shape[2]):
        return shape[1], shape[2]
    return shape[0], shape[1]


def vector_of(features: Any) -> Array:
    """The part of features, or of batches of them, that is a vector."""
    return features[0] if isinstance(features, tuple) else features


def joined_with(features: Any, choice: Array) -> Any:
    """Features with the numbers of a choice at the end of their vector; a single picture is put beside them."""
    if isinstance(features, tuple):
        return jnp.concatenate([features[0], choice]), *features[1:]
    return (choice, features) if features.ndim == 3 else jnp.concatenate([features, choice])


def statistics_of(features: Any) -> RunningStatistics:
    """Empty statistics of the vector among features; of nothing if there is only a picture."""
    vector = vector_of(features)
    return RunningStatistics.of_shape(vector.shape if vector.ndim == 1 else ())


def normalized(statistics: RunningStatistics | None, features: Any) -> Any:
    """Features whose vector has mean 0 and variance 1 by its statistics, in [-10, 10]; unchanged without these."""
    if statistics is None:
        return features
    deviation = jnp.sqrt(statistics.variance + _LEAST_VARIANCE)
    vector = jnp.clip((vector_of(features) - statistics.mean) / deviation, -_FEATURE_LIMIT, _FEATURE_LIMIT)
    return (vector, *features[1:]) if isinstance(features, tuple) else vector


def blank_features(space: Space[Any], is_shown: Shown = is_picture) -> Any:
    """Zeros in the form of `to_features`."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    form = jax.eval_shape(lambda key: to_features(space, space.sample(key), is_shown), key)
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), form)


def check_observation_space(
    learner: str, space: Space[Any], is_shown: Shown = is_picture, *, normalizes: bool = False
) -> None:
    """Raises `InvalidField` if observations are empty, or contain uint8 of 2 or more axes that is no picture.

    Args:
        learner: name of the learner.
        space: the observation space.
        is_shown: which spaces the learner reads as pictures.
        normalizes: whether the learner normalises observations, which there must be a vector for.
    """
    if normalizes and is_shown(space):
        raise InvalidField(
            f"{learner}: leave `normalize_observations` off for pictures, which are scaled to [0, 1] anyway."
        )
    if space.flat_size == 0:
        raise InvalidField(
            f"{learner}: these observations contain no numbers: {space}. Add a constant, with"
            " `TransformObservation(env, lambda observation: jnp.ones(1), Box(0, 1, (1,)))`."
        )
    for part, _ in _parts(space, jax.eval_shape(lambda: space.sample(jax.random.key(0)))):
        if is_shown(part) and (part is space or _is_shown_within(part, is_shown)):
            _check_size(learner, part)
            continue
        for box in jax.tree.leaves(part, is_leaf=lambda node: isinstance(node, Box)):
            if isinstance(box, Box) and box.dtype == jnp.uint8 and len(box.shape) >= 2:
                raise InvalidField(
                    f"{learner} has a network for vectors and for pictures of 2 to 4 axes, alone or in dicts and"
                    f" tuples, but these observations contain {box}. Observe the state instead, or pass"
                    " `FlattenObservation(env)` to read the pixels as one vector."
                )


def _check_size(learner: str, space: Space[Any]) -> None:
    rows, columns = _sides(space)
    if min(rows, columns) < SMALLEST_WINDOW:
        raise InvalidField(
            f"{learner}: pictures of {rows} by {columns} pixels are too small for convolutions."
            " If these are not pixels, give them another dtype, such as int32;"
            " otherwise pass `FlattenObservation(env)` to read the pixels as one vector."
        )
