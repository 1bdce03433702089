"""JAX arrays as torch tensors and back, through DLPack, which shares their memory on any device."""

from typing import Any

import jax
import torch
from jax import Array
from jax.core import Tracer

from jaxenvs.core.trees import is_key
from jaxenvs.errors import JaxenvsError

_NARROWER = {
    torch.int64: torch.int32,
    torch.uint64: torch.uint32,
    torch.float64: torch.float32,
    torch.complex128: torch.complex64,
}
"""The dtypes to which JAX silently converts 64-bit dtypes while `jax_enable_x64` is off."""


class CannotShare(JaxenvsError, TypeError, ValueError):
    """A leaf that has no counterpart in the other library, or none that can hold its values."""


def to_torch(tree: Any) -> Any:
    """The tree with a torch tensor in place of each JAX array, on the same device and in the same memory.

    All dtypes that both libraries have are supported: bool, integers, floats (including bfloat16 and float8)
    and complex numbers. A tensor keeps the memory of its array alive. Do not write to it while the array is in
    use, since JAX assumes that arrays are constant: `clone` it first. On the CPU, the call waits until the
    arrays are computed; on a GPU, torch's current stream waits, and the call returns at once.

    Args:
        tree: a pytree of JAX arrays.

    Raises:
        CannotShare: a leaf is not a JAX array, or is traced, deleted, a random key, spread over several
            devices, of a dtype that torch does not have, or on a device for which this torch was not built.
    """
    return jax.tree.map(_to_torch, tree)


def from_torch(tree: Any) -> Any:
    """The tree with a JAX array in place of each torch tensor, on the same device.

    A contiguous tensor shares its memory with the array. Do not write to it while the array is in use, or
    anything is still being computed from it. Two kinds of tensor are copied: those that are not contiguous,
    and on the CPU those whose address is not a multiple of 64 bytes, which XLA requires, such as `x[1:]`.

    Args:
        tree: a pytree of torch tensors.

    Raises:
        CannotShare: a leaf is not a tensor, or requires a gradient, is sparse, quantised or conjugated, of a
            dtype that JAX does not have, on a device that JAX does not use, or has 64 bits while
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
        return "`to_torch` takes computed arrays, got a traced one: call it outside `jax.jit`."
    if is_key(array):
        return "A random key is not an array of numbers. Convert `jax.random.key_data(key)`."
    if array.is_deleted():
        return "The array was deleted, or donated to a jitted function. Convert it first, or donate a copy."
    if len(array.devices()) > 1:
        return (
            f"The array is spread over {len(array.devices())} devices. Gather it with `jax.device_put(x, device)`,"
            " or convert the `data` of each of `x.addressable_shards`."
        )
    return (
        f"torch {torch.__version__} cannot share an array of dtype {array.dtype} on {array.device}: {error}."
        " Cast the array, or let JAX and torch use the same kind of device (for instance JAX_PLATFORMS=cpu)."
    )


def _from_torch(tensor: Any) -> Array:
    if not isinstance(tensor, torch.Tensor):
        raise CannotShare(f"`from_torch` takes torch tensors, got {tensor!r} of type {type(tensor).__name__}.")
    if tensor.requires_grad:
        raise CannotShare("The tensor requires a gradient, which cannot pass through JAX. Pass `tensor.detach()`.")
    narrower = _NARROWER.get(tensor.dtype)
    if narrower is not None and not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise CannotShare(
            f"JAX would reduce {tensor.dtype} to {narrower}, since `jax_enable_x64` is off."
            f" Pass `tensor.to({narrower})` if that can hold the values, or enable `jax_enable_x64`."
        )
    try:
        return jax.dlpack.from_dlpack(tensor.contiguous())  # pyright: ignore[reportArgumentType]  # it has __dlpack__
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise CannotShare(
            f"JAX cannot share a tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device}: {error}. It takes"
            f" plain dense tensors on its own devices: {', '.join(str(device) for device in jax.local_devices())}."
        ) from error
