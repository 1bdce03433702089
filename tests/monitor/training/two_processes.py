"""One of two processes that play and train together; `test_processes.py` starts both.

Arguments: the process's number, the coordinator's address, the folder for results.
"""

import sys
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, Settings, train
from tests.monitor.training.test_processes import ENV, LEARNER, PLAYED, POLICY, SEED

number, address, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.distributed.initialize(address, num_processes=2, process_id=number, initialization_timeout=60)
KEY = jaxenvs.random.key(SEED)  # the first array, which has to wait until the processes know each other
assert (jax.process_count(), jax.local_device_count(), jax.device_count()) == (2, 2, 4)
mesh = jax.make_mesh((4,), ("data",))

_, trajectory = jaxenvs.rollout(PLAYED, POLICY, KEY, 30, num_envs=16, mesh=mesh)
assert trajectory.actions.addressable_shards[0].data.shape == (30, 4, 1)
evaluation = jaxenvs.evaluate(ENV, POLICY, KEY, num_episodes=16, mesh=4)
played = multihost_utils.process_allgather(
    {"actions": trajectory.actions, "reward": trajectory.timesteps.reward, "returns": evaluation.returns}, tiled=True
)
if number == 0:
    np.savez(folder / "played.npz", **played)

# Each process passes a different folder: only the first process creates and fills one.
own = Run.create(Settings("Pendulum-v1", {}, None, "ppo", {}, 0), folder / f"run-{number}")
try:
    train(own, ENV, LEARNER, KEY)
except InvalidField as error:
    assert "2 processes would each train alone" in str(error)
else:
    raise AssertionError("two processes trained alone into one folder")
own.mark("running")
_, report = train(own, ENV, LEARNER, KEY, mesh=mesh, record=True, should_stop=lambda: number == 0)
assert report.updates < LEARNER.num_updates, report  # the first process decides for both
multihost_utils.sync_global_devices("stopped")
run = Run.open(folder / "run-0")
state, report = train(run, ENV, LEARNER, KEY, mesh=mesh, resume=True, record=True)
assert report.updates == LEARNER.num_updates
own.mark("finished")

devices_of_the_other = [device for device in jax.devices() if device.process_index != number]
try:
    jaxenvs.rollout(
        PLAYED, POLICY, KEY, 3, num_envs=2, mesh=jax.make_mesh((2,), ("data",), devices=devices_of_the_other)
    )
except InvalidField as error:
    assert f"no device of process {number}" in str(error)
else:
    raise AssertionError("a mesh without this process was accepted")
print("done")
