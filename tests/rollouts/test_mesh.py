"""Lanes over several devices: invalid arguments here, and equal results in a separate process."""

from pathlib import Path

import jax
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from tests.devices import run_tests

ENV = jaxenvs.make("CartPole-v1")
POLICY = jaxenvs.RandomPolicy(ENV.action_space)
KEY = jaxenvs.random.key(0)


EIGHT_DEVICES = Path(__file__).with_name("eight_devices.py")


def test_eight_devices_do_what_one_does():
    run_tests(EIGHT_DEVICES, devices=8, seconds=300)


@pytest.mark.slow
def test_eight_devices_do_what_one_does_with_the_other_methods():
    run_tests(EIGHT_DEVICES, devices=8, seconds=300, marked="slow")


def test_a_mesh_of_one_device_is_a_mesh():
    _, alone = jaxenvs.rollout(ENV, POLICY, KEY, 3, num_envs=2)
    _, spread = jaxenvs.rollout(ENV, POLICY, KEY, 3, num_envs=2, mesh=1)
    assert (alone.actions == spread.actions).all()


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (100, r"100 devices were asked for.*xla_force_host_platform_device_count=100.*jax_num_cpu_devices"),
        (0, "number of devices of at least 1, got 0"),
        (True, "number of devices of at least 1, got True"),
        ("data", "must be a jax.sharding.Mesh or a number of devices, got 'data'"),
        (jax.sharding.AbstractMesh((1,), ("data",)), "must be a jax.sharding.Mesh"),
    ],
    ids=["too-many", "none", "bool", "word", "abstract"],
)
def test_what_is_no_mesh_is_refused(mesh, message):
    with pytest.raises(InvalidField, match=f"rollout: .*{message}"):
        jaxenvs.rollout(ENV, POLICY, KEY, 3, num_envs=2, mesh=mesh)
    with pytest.raises(InvalidField, match=f"evaluate: .*{message}"):
        jaxenvs.evaluate(ENV, POLICY, KEY, num_episodes=2, mesh=mesh)


def test_a_single_environment_cannot_be_spread():
    with pytest.raises(InvalidField, match="`num_envs` is not given"):
        jaxenvs.rollout(ENV, POLICY, KEY, 3, mesh=1)
