"""Every id's loop can be compiled for accelerators that are not there: traced once, and lowered for both kinds."""

import jax
import pytest

import jaxenvs
from jaxenvs.registration.catalog import CATALOG
from tests.conformance.claims import REPRESENTATIVES

PLATFORMS = "cuda", "tpu"
LANES, STEPS = 1024, 10

ON_THE_PROCESSOR = {"HalfCheetah-v5": {"engine": "c"}, "ALE/Pong-v5": {}}
"""Exempt: programs that call the host, which JAX lowers only on a machine with the device. One of each kind."""

ROBOTS = {"mujoco", "robotics"}
"""The extras of ids with the field `engine`."""

ONE_ROBOT = "InvertedPendulum-v5"
"""Enough for the engine. The others, which take seconds to trace, are left to the slow tests, like the ids that another
represents."""


def lower(env):
    """Lowers a scan of the batched step, which resets itself. Nothing is computed, and nothing compiled."""
    env = jaxenvs.AutoReset(env)

    def play(key):
        reset_key, action_key = jax.random.split(key)
        state, _ = jax.vmap(env.reset)(jax.random.split(reset_key, LANES))

        def step(state, key):
            actions = jax.vmap(env.action_space.sample)(jax.random.split(key, LANES))
            return jax.vmap(env.step)(state, actions)

        return jax.lax.scan(step, state, jax.random.split(action_key, STEPS))

    key = jax.eval_shape(lambda: jaxenvs.random.key(0))
    return jax.jit(play).trace(key).lower(lowering_platforms=PLATFORMS)


def is_slow(spec):
    return spec.id != ONE_ROBOT and (spec.extra in ROBOTS or spec.id not in REPRESENTATIVES)


@pytest.mark.parametrize(
    "spec",
    [pytest.param(spec, id=spec.id, marks=pytest.mark.slow if is_slow(spec) else ()) for spec in CATALOG],
)
def test_the_loop_of_every_id_lowers_for_accelerators(spec):
    env = jaxenvs.make(spec.id, **({"engine": "mjx"} if spec.extra in ROBOTS else {}))
    assert "stablehlo.while" in lower(env).as_text()


@pytest.mark.parametrize("id", ON_THE_PROCESSOR)
def test_loops_that_call_the_host_are_exempt_since_they_need_the_device(id):
    with pytest.raises(NotImplementedError, match="callback"):
        lower(jaxenvs.make(id, **ON_THE_PROCESSOR[id]))
