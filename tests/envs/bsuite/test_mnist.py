"""MNIST's files: where they are searched, how they are read, and the errors if they are missing or damaged."""

import gzip
import struct

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.bsuite._idx import mnist_folder, read_mnist
from jaxenvs.envs.bsuite.mnist_bandit import MnistBandit
from jaxenvs.errors import DatasetNotFound, InvalidField

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4) * 4
LABELS = np.array([7, 0, 9, 7, 3], np.uint8)


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the images compressed and the labels as they are."""
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    monkeypatch.setenv("JAXENVS_MNIST", str(tmp_path))
    return tmp_path


def test_make_reads_the_files(folder):
    env = jaxenvs.make("bsuite/MnistBandit-v0")
    np.testing.assert_array_equal(env.images, IMAGES)
    np.testing.assert_array_equal(env.labels, LABELS)
    assert env.observation_space.shape == (3, 4)


def test_the_folder_is_the_variables_or_one_in_the_cache(folder, monkeypatch):
    assert mnist_folder() == folder
    monkeypatch.delenv("JAXENVS_MNIST")
    assert mnist_folder().parts[-3:] == (".cache", "jaxenvs", "mnist")


def test_a_missing_file_is_an_error_that_says_what_to_download_and_where_to(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXENVS_MNIST", str(tmp_path))
    with pytest.raises(DatasetNotFound) as caught:
        jaxenvs.make("bsuite/MnistBandit-v0")
    for part in (
        str(tmp_path),
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "https://",
        "JAXENVS_MNIST",
    ):
        assert part in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file"),
        (b"PNG" + bytes(20), "is not an IDX file"),
        (idx(LABELS)[:-1], r"4 bytes for an array of shape \(5,\)"),
        (idx(LABELS)[:6], "is damaged"),
        (bytes((0, 0, 0x0D, 1)) + idx(LABELS)[4:], "not an IDX file of unsigned bytes"),
    ],
)
def test_a_damaged_file_is_refused(folder, content, message):
    (folder / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(InvalidField, match=message):
        read_mnist("train-labels-idx1-ubyte", folder)


@pytest.mark.parametrize(
    "harm", [lambda data: data[:-12], lambda data: b"not" + data, lambda data: data[:10] + b"~" * 20 + data[30:]]
)
def test_a_damaged_archive_is_refused(folder, harm):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(InvalidField, match="damaged"):
        read_mnist("train-images-idx3-ubyte")


def test_bytes_are_signed_as_in_bsuite_unless_told_otherwise():
    image = np.array([[[0, 1, 127, 128, 255]]], np.uint8)
    for signed, expected in ((True, [0, 1, 127, -128, -1]), (False, [0, 1, 127, 128, 255])):
        env = MnistBandit(image, LABELS[:1], signed_pixels=signed)
        _, timestep = env.reset(jaxenvs.random.key(0))
        np.testing.assert_array_equal(timestep.observation[0], np.array(expected, np.float32) / 255)
        assert env.observation_space.contains(timestep.observation)


def test_images_are_no_part_of_a_program_that_takes_the_environment_as_an_argument():
    env = MnistBandit(np.zeros((1000, 28, 28), np.uint8), np.zeros(1000, np.uint8))

    def first(env, key):
        state, _ = env.reset(key)
        return env.step(state, jnp.int32(0))[1].reward

    program = jax.make_jaxpr(first)(env, jaxenvs.random.key(0))
    assert sum(np.size(constant) for constant in program.consts) < 1000
