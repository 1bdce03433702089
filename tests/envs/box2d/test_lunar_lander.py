"""LunarLander's engines, wind, observation and potential, without the world's step.

`tests/parity/test_lunar_lander.py` compares whole transitions with Gymnasium's.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.testing.trees import identical, take
from tests.parity._lunar_lander_states import env_of, golden, state_of

LANES, ALONE, EAGER = 160, 40, 4


@pytest.mark.parametrize("variant", ["discrete", "gale"])
def test_every_program_gives_the_same_bits(variant):
    """The reward is a small difference of potentials near 200, so it would show their last bits."""
    env, rows = env_of(variant), golden(variant)
    actions = rows["action"][:LANES].astype(np.float32 if env.continuous else np.int32)
    draws = (rows["draws"][:LANES] / 30).astype(np.float32)
    states = jax.tree.map(lambda x: jnp.asarray(x[:LANES]), state_of(rows, env))

    def around_the_world(state, action, draws):
        state, drive = env.thrust(state, action, draws)
        return drive, env.settle(state, state.world, jnp.zeros(3, bool))

    together = jax.jit(jax.vmap(around_the_world))(states, actions, draws)
    alone = jax.jit(around_the_world)
    for lane in range(ALONE):
        expected = take(together, lane)
        mine = take((states, actions, draws), lane)
        assert identical(alone(*mine), expected), f"compiled for lane {lane}"
        if lane < EAGER:
            assert identical(around_the_world(*mine), expected), f"without jit, lane {lane}"
