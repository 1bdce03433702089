"""Arrays of JAX and tensors of torch that share their memory."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxenvs.adapters import from_torch, to_torch
from jaxenvs.adapters.torch.arrays import CannotShare

DTYPES = ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32", "complex64"]
DTYPES += ["float8_e4m3fn", "float8_e5m2"]


def pointer(array):
    return array.unsafe_buffer_pointer()


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_and_tensors_share_memory_both_ways(dtype):
    array = jnp.asarray([[0, 1, 1], [1, 0, 1]], dtype)
    tensor = to_torch(array)
    assert (tensor.dtype, tuple(tensor.shape)) == (getattr(torch, dtype), (2, 3))
    assert tensor.data_ptr() == pointer(array)
    assert tensor.to(torch.complex64).tolist() == np.asarray(array).astype(np.complex64).tolist()
    own = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).to(getattr(torch, dtype))
    back = from_torch(own)
    assert (back.dtype, back.shape) == (array.dtype, (2, 3))
    assert pointer(back) == own.data_ptr()
    np.testing.assert_array_equal(np.asarray(back), np.asarray(array))


def test_trees_keep_their_structure_and_odd_shapes_pass():
    tree = {"a": (jnp.zeros(()), [jnp.ones((0, 3))]), "b": None}
    tensors = to_torch(tree)
    assert [tuple(x.shape) for x in jax.tree.leaves(tensors)] == [(), (0, 3)]
    assert jax.tree.structure(from_torch(tensors)) == jax.tree.structure(tree)


def test_a_tensor_outlives_its_array_and_an_array_its_tensor():
    tensor = to_torch(jnp.arange(1000))
    array = from_torch(torch.arange(1000, dtype=torch.int32))
    gc.collect()
    jnp.zeros(1000).block_until_ready()
    assert tensor.tolist() == array.tolist() == list(range(1000))


@pytest.mark.parametrize(
    "view",
    [lambda x: x[:, 0], lambda x: x.T, lambda x: x[0, :1].expand(5), lambda x: x.flatten()[1:]],
    ids=["column", "transposed", "expanded", "not aligned"],
)
def test_views_that_cannot_be_shared_are_copied(view):
    tensor = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    array = from_torch(view(tensor))
    expected = view(tensor).tolist()
    tensor.zero_()
    assert array.tolist() == expected


@pytest.mark.parametrize(
    ("convert", "leaf", "message"),
    [
        (to_torch, lambda: jax.random.key(0), "jax.random.key_data"),
        (to_torch, lambda: np.zeros(3), "takes JAX arrays, got .* type ndarray"),
        (to_torch, lambda: 1.0, "takes JAX arrays, got 1.0 of type float"),
        (to_torch, lambda: jnp.zeros(3, "int4"), "dtype int4 .*Cast the array"),
        (from_torch, lambda: torch.ones(3, requires_grad=True), r"tensor.detach\(\)"),
        (from_torch, lambda: torch.ones(3, device="meta"), "on meta: .* own devices: .*cpu"),
        (from_torch, lambda: torch.eye(3).to_sparse(), "torch.sparse_coo"),
        (from_torch, lambda: torch.ones(3, dtype=torch.complex64).conj(), "conjugate"),
        (from_torch, lambda: np.zeros(3), "takes torch tensors, got .* type ndarray"),
    ],
)
def test_what_cannot_be_shared_says_why(convert, leaf, message):
    with pytest.raises(CannotShare, match=message):
        convert({"x": leaf()})


def test_a_traced_or_deleted_array_is_refused():
    with pytest.raises(CannotShare, match=r"outside `jax.jit`"):
        jax.jit(to_torch)(jnp.zeros(3))
    array = jnp.zeros(3)
    array.delete()
    with pytest.raises(CannotShare, match="deleted, or donated"):
        to_torch(array)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint64, torch.float64, torch.complex128])
def test_64_bits_are_never_cut_down_unasked(dtype):
    tensor = torch.tensor([1, 2**31 - 1], dtype=torch.int32).to(dtype)
    with jax.enable_x64(False), pytest.raises(CannotShare, match=r"jax_enable_x64"):
        from_torch(tensor)
    with jax.enable_x64(True):
        assert pointer(from_torch(tensor)) == tensor.data_ptr()
