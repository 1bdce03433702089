"""The wrappers of images: what the comparison with Gymnasium does not cover."""

import cv2
import jax
import numpy as np
import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import GrayscaleObservation, ResizeObservation
from tests.wrappers.toy_envs import Counter, Script, Scripted

SIZES = [
    ((210, 160), (84, 84)),
    ((250, 160), (84, 84)),
    ((214, 160, 3), (96, 64)),
    ((96, 96, 3), (48, 48)),  # two by two, where OpenCV rounds halves up
    ((84, 84), (84, 84)),
    ((84, 84), (28, 21)),
    ((33, 100), (32, 99)),
    ((50, 60), (1, 7)),
]


def images_of(space):
    """An environment that shows images, never run."""
    script = Script(np.zeros((1, *space.shape), np.uint8), np.zeros(1, np.float32), np.zeros(1, bool))
    return Scripted(script, space, Discrete(2))


@pytest.mark.parametrize(("old", "new"), SIZES, ids=str)
def test_resizing_is_opencvs_in_every_bit_also_under_vmap(old, new):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (6, *old), np.uint8)
    # Few colours in large patches, as in a game, so that means often fall halfway between two levels.
    patches = rng.choice(np.uint8([0, 74, 111, 142, 255]), (6, *old))
    patches[:, : old[0] // 2, : old[1] // 2] = patches[:, :1, :1]
    images = np.concatenate([noise, patches, np.full((1, *old), 255, np.uint8)])
    env = ResizeObservation(images_of(Box(0, 255, old, np.uint8)), new)
    resized = jax.jit(jax.vmap(env.transform_observation))(images)
    expected = np.stack([cv2.resize(image, new[::-1], interpolation=cv2.INTER_AREA) for image in images])
    np.testing.assert_array_equal(resized, expected)
    np.testing.assert_array_equal(env.transform_observation(images[0]), expected[0])


def test_grey_stays_what_it_is():
    greys = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    env = GrayscaleObservation(images_of(Box(0, 255, (1, 256, 3), np.uint8)))
    np.testing.assert_array_equal(env.transform_observation(greys)[0], np.arange(256))


REAL = Box(0.0, 255.0, (8, 8), np.float32)
WRONG = [
    (lambda: ResizeObservation(Counter(), (4, 4)), "needs images for observations, a Box of uint8 with 2 or 3 axes"),
    (lambda: ResizeObservation(images_of(REAL), (4, 4)), "needs images"),
    (
        lambda: ResizeObservation(images_of(Box(0, 255, (8, 9), np.uint8)), (8, 10)),
        "exceeds that of the images, (8, 9)",
    ),
    (lambda: ResizeObservation(images_of(Box(0, 255, (8, 9), np.uint8)), 4), "must be a pair (height, width)"),
    (lambda: ResizeObservation(images_of(Box(0, 255, (8, 9), np.uint8)), (4, 0)), "must be a pair"),
    (lambda: GrayscaleObservation(images_of(Box(0, 255, (8, 9), np.uint8))), "needs images"),
    (lambda: GrayscaleObservation(images_of(Box(0, 255, (8, 9, 4), np.uint8))), "needs images with 3 channels"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_no_image_is_refused(make, message):
    with pytest.raises(InvalidField) as caught:
        make()
    assert message in str(caught.value)
