"""A setting of XLA's CPU compiler that keeps training from standing still."""

import os

import jaxlib.version

_FLAG = "--xla_cpu_experimental_ynn_fusion_type"
_AFFECTED = ("0.10.2", "0.11.0")


def avoid_stalling_fusions() -> None:
    """Has XLA keep small matrix products and sums on the CPU to itself, where jaxlib's way with them can stall.

    jaxlib 0.10.2 and 0.11.0 hand them to YNNPACK, and a program that trains several agents side by side then
    waits for ever now and then, with all threads idle (github.com/jax-ml/jax/issues/39257 has another fault of
    that path). The setting costs no speed here. It takes effect where no JAX computation has run yet; set
    `XLA_FLAGS` yourself to decide otherwise.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if jaxlib.version.__version__ in _AFFECTED and _FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_FLAG}=".strip()
