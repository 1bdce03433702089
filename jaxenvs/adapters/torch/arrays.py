"""JAX arrays as torch tensors and back, through DLPack: the memory is shared, on whatever device it lies."""

from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import Array
from jax.core import Tracer

from jaxenvs.errors import JaxenvsError

_NARROWER = {
    torch.int64: torch.int32,
    torch.uint64: torch.uint32,
    torch.float64: torch.float32,
    torch.complex128: torch.complex64,
}
"""What JAX would make of a 64-bit dtype, without a word, while `jax_enable_x64` is off."""


class CannotShare(JaxenvsError, TypeError, ValueError):
    """A leaf that has no counterpart on the other side, or none that holds its values."""


def to_torch(tree: Any) -> Any:
    """The tree with a torch tensor in the place of each JAX array, on the same device, in the same memory.

    All dtypes that both libraries have pass: bool, integers, floats (bfloat16 and float8 too), complex.
    A tensor keeps its array's memory alive. It must not be written to while anybody reads the array,
    which JAX takes to be constant: `clone` it first. On the CPU the call waits until the arrays are
    computed; on a GPU torch's current stream does, and the caller goes on.

    Args:
        tree: a pytree of JAX arrays.

    Raises:
        CannotShare: a leaf that is no JAX array, or is traced, deleted, a random key, spread over
            several devices, of a dtype that torch has not, or on a device that this torch was not
            built for.
    """
    return jax.tree.map(_to_torch, tree)


def from_torch(tree: Any) -> Any:
    """The tree with a JAX array in the place of each torch tensor, on the same device.

    A contiguous tensor shares its memory with the array, and must not be written to while anybody
    reads the array, or anything is still being computed from it. Two kinds of tensor are copied: those
    that are not contiguous; and on the CPU those that begin at an address XLA cannot compute from,
    which is no multiple of 64 bytes, such as `x[1:]`.

    Args:
        tree: a pytree of torch tensors.

    Raises:
        CannotShare: a leaf that is no tensor, or requires a gradient, is sparse, quantised or conjugated,
            of a dtype that JAX has not, or on a device that JAX does not use; or has 64 bits while
            `jax_enable_x64` is off.
    """
    return jax.tree.map(_from_torch, tree)


def _to_torch(array: Any) -> torch.Tensor:
    if not isinstance(array, Array):
        raise CannotShare(f"`to_torch` takes JAX arrays, got {array!r} of type {type(array).__name__}.")
    try:
        return torch.from_dlpack(array)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise CannotShare(_why_not_to_torch(array, error)) from error


def _why_not_to_torch(array: Array, error: Exception) -> str:
    if isinstance(array, Tracer):
        return "`to_torch` takes computed arrays and was given a traced one: call it outside `jax.jit`."
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        return "A random key is no array of numbers. Convert `jax.random.key_data(key)`."
    if array.is_deleted():
        return "The array was deleted, or donated to a jitted function. Convert it before, or donate a copy."
    if len(array.devices()) > 1:
        return (
            f"The array is spread over {len(array.devices())} devices. Gather it with `jax.device_put(x, device)`,"
            " or convert the `data` of each of `x.addressable_shards`."
        )
    return (
        f"torch {torch.__version__} cannot share an array of dtype {array.dtype} on {array.device}: {error}."
        " Cast the array, or let JAX and torch use one kind of device (for instance JAX_PLATFORMS=cpu)."
    )


def _from_torch(tensor: Any) -> Array:
    if not isinstance(tensor, torch.Tensor):
        raise CannotShare(f"`from_torch` takes torch tensors, got {tensor!r} of type {type(tensor).__name__}.")
    if tensor.requires_grad:
        raise CannotShare("The tensor requires a gradient, which does not reach through JAX. Pass `tensor.detach()`.")
    narrower = _NARROWER.get(tensor.dtype)
    if narrower is not None and not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise CannotShare(
            f"JAX would cut {tensor.dtype} down to {narrower}, as `jax_enable_x64` is off."
            f" Pass `tensor.to({narrower})` if that holds the values, or switch `jax_enable_x64` on."
        )
    try:
        return jax.dlpack.from_dlpack(tensor.contiguous())  # pyright: ignore[reportArgumentType]  # it has __dlpack__
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise CannotShare(
            f"JAX cannot share a tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device}: {error}. It takes"
            f" plain dense tensors on its own devices: {', '.join(str(device) for device in jax.local_devices())}."
        ) from error
