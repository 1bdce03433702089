"""The setting that keeps XLA's CPU compiler from stalling reaches programs compiled after the import."""

import os
import subprocess
import sys

import jax
import pytest
from jaxlib.version import __version__ as jaxlib_version

PROGRAM = """
{imports}
import jax, jax.numpy as jnp
product = jax.jit(lambda a, b: jnp.einsum("bij,bjk->bik", a, b))
print("ynn" in product.lower(jnp.ones((10, 128, 64)), jnp.ones((10, 64, 64))).compile().as_text())
"""


def offloads(imports: str, **environment: str) -> bool:
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    program = PROGRAM.format(imports=imports)
    result = subprocess.run(
        [sys.executable, "-c", program], env={**clean, **environment}, capture_output=True, text=True, check=True
    )
    return result.stdout.strip() == "True"


@pytest.mark.skipif(
    jaxlib_version not in ("0.10.2", "0.11.0") or jax.default_backend() != "cpu",
    reason="the fault is in jaxlib 0.10.2 and 0.11.0 on CPU; other versions are left alone",
)
def test_training_keeps_products_from_the_path_that_stalls():
    if not offloads(""):
        pytest.skip(reason="XLA keeps products to itself on this processor, so there is nothing to avoid")
    assert not offloads("import jaxenvs.training")


def test_flags_of_the_users_own_are_kept():
    flag = "--xla_cpu_experimental_ynn_fusion_type=-reduce"
    program = "import os, jaxenvs.training; print(os.environ['XLA_FLAGS'])"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "XLA_FLAGS": flag},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == flag
