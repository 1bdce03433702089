"""The setting that prevents programs of XLA's CPU compiler from hanging applies to those compiled after the import."""

import os
import subprocess
import sys

import jax
import pytest
from jaxlib.version import __version__ as jaxlib_version

WITH_SETTINGS = ("0.10.2", "0.11.0", "0.11.1", "0.11.2")

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
    jaxlib_version not in WITH_SETTINGS or jax.default_backend() != "cpu",
    reason="the settings are for jaxlib 0.10.2 to 0.11.2 on CPU; other versions are left alone",
)
def test_training_keeps_products_from_the_path_that_stalls():
    if not offloads(""):
        pytest.skip(reason="XLA keeps products to itself on this processor, so there is nothing to avoid")
    assert not offloads("import jaxenvs.training")


def flags_after_import(flags: str) -> list[str]:
    program = "import os, jaxenvs.training; print(os.environ['XLA_FLAGS'])"
    environment = {**os.environ, "XLA_FLAGS": flags}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def test_flags_of_the_users_own_are_kept():
    own = ["--xla_cpu_experimental_ynn_fusion_type=-reduce", "--xla_cpu_enable_concurrency_optimized_scheduler=true"]
    assert flags_after_import(" ".join(own)) == own


@pytest.mark.skipif(jaxlib_version not in WITH_SETTINGS, reason="other versions are left alone")
def test_the_parts_of_a_program_are_put_in_order():
    flags = flags_after_import("--xla_cpu_prefer_vector_width=256")
    assert flags[0] == "--xla_cpu_prefer_vector_width=256"
    assert "--xla_cpu_enable_concurrency_optimized_scheduler=false" in flags


@pytest.mark.slow
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="it was seen on CPU")
def test_agents_trained_side_by_side_come_to_an_end():
    """Without the setting, two agents on two cores hang within about five trainings, in a separate process."""
    program = """
import jax, jaxenvs
from jaxenvs.training import preset

learner = preset("CartPole-v1", total_steps=16_384)
train = jax.jit(jax.vmap(learner.train, in_axes=(None, 0)))
for i in range(12):
    jax.block_until_ready(train(jaxenvs.make("CartPole-v1"), jax.random.split(jaxenvs.random.key(i), 2)))
"""
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=240)
