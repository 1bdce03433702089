"""Objects saved with other tools can be read in a new process: keys, numbers and classes."""

import inspect
import pickle
import subprocess
import sys

import cloudpickle
import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest

import jaxenvs
from jaxenvs.testing.trees import identical
from jaxenvs.wrappers.auto_reset import AutoResetState


def agent(seed):
    """What a learner's state holds: ours around others', and typed keys of two implementations at several depths."""
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    params = {"w": jax.random.normal(jaxenvs.random.key(seed), (2, 3), jnp.float32)}
    env_state, _ = jax.jit(jax.vmap(env.reset))(jaxenvs.random.keys([seed, seed + 1]))
    threefry = (jax.random.key(seed), jax.random.split(jax.random.key(seed)))
    inner = {
        "params": params,
        "optimizer": optax.adam(0.1).init(params),
        "env": env_state,
        "keys": threefry,
        "no": None,
    }
    return AutoResetState(inner=inner, key=jaxenvs.random.key(seed), episodes=jnp.int32(seed))


READ = f"""
import pickle, sys
import flax.serialization, jax, jax.numpy as jnp, numpy as np, optax, orbax.checkpoint
import jaxenvs
from jaxenvs.testing.trees import identical
from jaxenvs.wrappers.auto_reset import AutoResetState

{inspect.getsource(agent)}

folder = sys.argv[1]
expected, other = agent(3), agent(4)
assert not identical(expected, other)
read = {{}}
with orbax.checkpoint.StandardCheckpointer() as checkpointer:
    read["orbax"] = checkpointer.restore(folder + "/orbax", other)
    read["orbax without a target"] = expected.replace(**checkpointer.restore(folder + "/orbax"))
with open(folder + "/flax", "rb") as file:
    read["flax"] = flax.serialization.from_bytes(other, file.read())
for name in ("pickle", "cloudpickle"):
    with open(folder + "/" + name, "rb") as file:
        read[name] = pickle.load(file)
words = np.load(folder + "/key.npz")["key"]
read["numpy"] = expected.replace(key=jax.random.wrap_key_data(words, impl="jaxenvs"))
for name, value in read.items():
    assert value.key.dtype == expected.key.dtype, name
    assert np.array_equal(jax.random.key_data(value.key), jax.random.key_data(expected.key)), name
    assert "without" in name or identical(value, expected), name
print("all of it")
"""


def test_a_fresh_process_reads_what_orbax_flax_pickle_and_numpy_saved(tmp_path):
    saved = agent(3)
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "orbax", saved)
    (tmp_path / "flax").write_bytes(flax.serialization.to_bytes(saved))
    (tmp_path / "cloudpickle").write_bytes(cloudpickle.dumps(saved))
    (tmp_path / "pickle").write_bytes(pickle.dumps(saved))
    np.savez(tmp_path / "key.npz", key=jax.random.key_data(saved.key))
    read = subprocess.run([sys.executable, "-c", READ, tmp_path], capture_output=True, text=True, check=False)
    assert read.stdout.strip() == "all of it", read.stderr


def test_flax_restores_into_another_instance_leaf_for_leaf():
    state, other = agent(3), agent(4)
    restored = flax.serialization.from_bytes(other, flax.serialization.to_bytes(state))
    assert type(restored) is AutoResetState and identical(restored, state)
    env = jaxenvs.make("Pendulum-v1", gravity=9.0)
    assert flax.serialization.from_bytes(jaxenvs.make("Pendulum-v1"), flax.serialization.to_bytes(env)) == env


def test_flax_says_which_fields_do_not_fit():
    state = flax.serialization.to_state_dict(agent(3))
    del state["key"]
    with pytest.raises(ValueError, match=r"AutoResetState is saved as the fields .*'key'"):
        flax.serialization.from_state_dict(agent(4), state)


def test_importing_jaxenvs_does_not_import_flax_and_classes_from_before_it_are_saved():
    code = """
import sys, jaxenvs
env = jaxenvs.make("CartPole-v1")
assert "flax" not in sys.modules
import flax.serialization
state, timestep = jaxenvs.make("CartPole-v1").reset(jaxenvs.random.key(0))
assert isinstance(flax.serialization.to_state_dict((state, timestep))["0"]["inner"], dict)
print("saved")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "saved", ran.stderr


@pytest.mark.parametrize("key", ["jaxenvs.random.key(0)", "jax.random.key(0)"])
def test_an_exported_step_is_read_in_a_new_process(tmp_path, key):
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    state, _ = jax.vmap(env.reset)(jax.random.split(eval(key), 3))
    actions = jnp.asarray([0, 1, 1])
    exported = jax.export.export(jax.jit(jax.vmap(env.step)))(state, actions)
    (tmp_path / "step").write_bytes(exported.serialize())
    stepped, timestep = jax.jit(jax.vmap(env.step))(state, actions)
    np.savez(tmp_path / "seen.npz", inner=stepped.inner.inner.x, observation=timestep.observation)
    code = f"""
import jax, jax.numpy as jnp, numpy as np, jaxenvs
env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
state, _ = jax.vmap(env.reset)(jax.random.split({key}, 3))
step = jax.export.deserialize(bytearray(open({str(tmp_path / "step")!r}, "rb").read()))
stepped, timestep = step.call(state, jnp.asarray([0, 1, 1]))
seen = np.load({str(tmp_path / "seen.npz")!r})
assert (seen["inner"] == stepped.inner.inner.x).all() and (seen["observation"] == timestep.observation).all()
print(type(stepped).__name__, type(timestep).__name__)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "AutoResetState TimeStep", ran.stderr


def test_a_class_that_is_defined_again_is_exported_as_well():
    def define():
        class Counter(jaxenvs.PyTreeNode):
            count: jax.Array

        return Counter

    for counter in define(), define():
        exported = jax.export.export(jax.jit(lambda node: node.replace(count=node.count + 1)))(counter(jnp.int32(1)))
        again = jax.export.deserialize(exported.serialize()).call(counter(jnp.int32(1)))
        assert type(again) is counter and again.count == 2


def test_values_of_static_fields_are_not_read_from_an_exported_program():
    class Sized(jaxenvs.PyTreeNode):
        count: jax.Array
        size: int = jaxenvs.static(default=3)

    exported = jax.export.export(jax.jit(lambda node: node))(Sized(jnp.int32(1)))
    with pytest.raises(ValueError, match="unregistered type"):
        exported.serialize()
