"""Every pure environment of the catalog becomes a kernel, with XLA's integers, flags and keys, and its floats."""

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs import fusion
from jaxenvs.fusion.lanes import as_words
from tests.fusion.tolerances import NOT_FUSED, PICTURES, TIES, TOLERANCES

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

REPRESENTATIVES = [
    "CartPole-v1",
    "Pendulum-v1",
    "Blackjack-v1",
    "Copy-v0",
    "MinAtar/Breakout-v1",
    "gymnax/MetaMaze-v0",
    "bsuite/DeepSeaStochastic-v0",
    "two_player/Othello-v0",
]
OTHERS = [id for id in jaxenvs.registry if id not in REPRESENTATIVES and not NOT_FUSED.match(id)]
LANES = 16


def _flat(tree):
    return [
        (jax.tree_util.keystr(path), np.asarray(as_words(x))) for path, x in jax.tree_util.tree_leaves_with_path(tree)
    ]


def _check(id, steps):
    """One fused step from each state of a run of XLA's, episodes' ends included."""
    env = jaxenvs.AutoReset(jaxenvs.make(id))
    assert fusion.explain(env).fused, fusion.explain(env)
    lanes = LANES
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), lanes))
    sample = jax.vmap(jax.vmap(env.action_space.sample))
    actions = jax.jit(sample)(jax.random.split(jaxenvs.random.key(1), (steps, lanes)))

    def step(state, action):
        after, timestep = jax.vmap(env.step)(state, action)
        return after, (state, after, timestep)

    _, (states, after, timesteps) = jax.jit(lambda state, actions: jax.lax.scan(step, state, actions))(state, actions)
    joined = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (states, actions, after, timesteps))
    fused = jax.jit(jax.vmap(jaxenvs.fuse(env).step))(*joined[:2])
    tolerance = TOLERANCES.get(id, 1e-6)
    for (name, x), (_, y) in zip(_flat(fused), _flat(joined[2:]), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype), name
        if "observation" in name and id in PICTURES:
            level = 1 if x.dtype == np.uint8 else 1 / 255
            assert np.mean(abs(x.astype(np.float32) - y) > level) <= PICTURES[id], name
        elif x.dtype.kind == "f":
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, err_msg=name)
        elif "contacts" in name and id in TIES:
            assert np.mean(x != y) <= TIES[id], name
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)


@pytest.mark.parametrize("id", REPRESENTATIVES)
def test_a_fused_step_is_a_step(id):
    _check(id, 120)


@pytest.mark.slow
@pytest.mark.parametrize("id", OTHERS)
def test_a_fused_step_of_any_id_is_a_step(id):
    _check(id, 500 if "CarRacing" not in id and "VoxelCraft" not in id else 20)
