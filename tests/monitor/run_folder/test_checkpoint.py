"""Checkpoints are restored exactly, and nothing else is accepted as one."""

import hashlib
import struct

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import serialization

import jaxenvs
from jaxenvs.errors import CheckpointError
from jaxenvs.monitor import load_checkpoint, save_checkpoint


def tree():
    return {
        "weights": [jnp.arange(6, dtype=jnp.float32).reshape(2, 3), jnp.ones((), jnp.bfloat16)],
        "count": jnp.asarray(7, jnp.int32),
        "flags": jnp.asarray([True, False]),
        "nothing": jnp.zeros((0, 3), jnp.float32),
        "key": jaxenvs.random.key(3),
        "keys": jax.random.split(jax.random.key(1), 4),
    }


def template(value):
    return jax.eval_shape(lambda: value)


def forged(path, payload):
    """Writes a payload with a header whose checksum is correct."""
    path.write_bytes(struct.pack("<8sIQ32s", b"jaxenvs\0", 1, len(payload), hashlib.sha256(payload).digest()) + payload)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.msgpack"
    save_checkpoint(path, tree(), {"updates": 12})
    return path


def test_tree_comes_back_bit_for_bit_with_its_keys_and_counters(saved):
    restored, progress = load_checkpoint(saved, template(tree()))
    assert progress == {"updates": 12}
    assert jax.tree.structure(restored) == jax.tree.structure(tree())
    for new, old in zip(jax.tree.leaves(restored), jax.tree.leaves(tree()), strict=True):
        assert new.dtype == old.dtype and new.shape == old.shape
        if jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
            new, old = jax.random.key_data(new), jax.random.key_data(old)
        assert np.asarray(new).tobytes() == np.asarray(old).tobytes()
    assert jax.random.uniform(restored["key"]) == jax.random.uniform(tree()["key"])


def test_file_holds_no_pickle(saved):
    content = serialization.msgpack_restore(saved.read_bytes()[52:])
    assert set(content) == {"progress", "leaves", "keys"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: b"\x89PNG\r\n" + data, "not written by jaxenvs"),
        (lambda data: data[:20], "truncated within its header"),
        (lambda data: data[:-1], "truncated"),
        (lambda data: data[:60], "truncated"),
        (lambda data: data + b"x", "corrupt"),
        (lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "corrupt"),
        (lambda data: data[:8] + struct.pack("<I", 9) + data[12:], "format 9"),
        (lambda data: data[:12] + struct.pack("<Q", 2**60) + data[20:], "claims"),
    ],
)
def test_damaged_file_is_refused_with_what_is_wrong(saved, damage, message):
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(saved, template(tree()))
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize(
    "payload",
    [
        b"\xc1",  # a byte that msgpack never uses
        b"\x91" * 5000,  # nested too deeply for any reader
        b"\xdd\xff\xff\xff\xff",  # a list that claims four billion entries
        serialization.msgpack_serialize({"leaves": {}}),
        serialization.msgpack_serialize({"progress": {}, "keys": {}, "leaves": {"a": "text"}}),
        serialization.msgpack_serialize({"progress": {"updates": "1"}, "keys": {}, "leaves": {}}),
        serialization.msgpack_serialize([1, 2]),
    ],
)
def test_payload_with_a_forged_checksum_is_refused(tmp_path, payload):
    forged(tmp_path / "c", payload)
    with pytest.raises(CheckpointError, match=r"corrupt|parts of a checkpoint"):
        load_checkpoint(tmp_path / "c", template(tree()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {**t, "extra": jnp.zeros(())}, r"does not hold `\['extra'\]`"),
        (
            lambda t: {k: v for k, v in t.items() if k != "count"},
            r"holds `\['count'\]`, which the run's settings do not",
        ),
        (lambda t: {**t, "count": jnp.zeros((2,), jnp.int32)}, r"`\['count'\]` has shape \(\), .* build \(2,\)"),
        (lambda t: {**t, "count": jnp.zeros((), jnp.float32)}, r"`\['count'\]` has dtype int32, .* build float32"),
        (lambda t: {**t, "key": jax.random.key(0)}, r"`\['key'\]` has dtype key<jaxenvs>, .* build key<fry>"),
        (lambda t: {**t, "keys": jax.random.key(0)}, r"`\['keys'\]` has shape \(4,\), .* build \(\)"),
    ],
)
def test_first_difference_to_the_settings_is_named(saved, change, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved, template(change(tree())))


def test_missing_file_and_folder_are_reported(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "none", {})
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path, {})


def test_failed_write_leaves_the_old_checkpoint_and_no_rubbish(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(saved, {"other": jnp.zeros(3)})
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]
