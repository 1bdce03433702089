"""What is claimed of each id, where it differs from the defaults of `check_env`: the table of exceptions.

Each row holds keyword arguments of `jaxenvs.testing.check_env`, with its reason.
"""

import jax.numpy as jnp


def _along_the_velocity(observation, key):
    """MountainCar: push the way the car already moves, which gains height with every swing."""
    return jnp.where(observation[1] < 0, jnp.int32(0), jnp.int32(2))


def _full_force_along_the_velocity(observation, key):
    return jnp.where(observation[1:] < 0, jnp.float32(-1.0), jnp.float32(1.0))


def _torque_along_the_velocity(observation, key):
    """Acrobot: torque in the sense of the second joint's motion, which always adds energy."""
    return jnp.where(observation[5] < 0, jnp.int32(0), jnp.int32(2))


CLAIMS = {
    # Random pushes do not reach the flag.
    "MountainCar-v0": {"policy": _along_the_velocity},
    "MountainCarContinuous-v0": {"policy": _full_force_along_the_velocity},
    # The pendulum task has no end but the limit.
    "Pendulum-v1": {"reaches": {"truncated"}},
    # Random torques seldom swing it up.
    "Acrobot-v1": {"policy": _torque_along_the_velocity},
    # Work has no end.
    "HeartPole-v0": {"reaches": {"truncated"}},
    "HeartPole-v1": {"reaches": {"truncated"}},
    # The chain has no end.
    "NChain-v0": {"reaches": {"truncated"}},
    # The clock of the game runs for 2,501 frames.
    "MinAtar/Freeway-v0": {"steps": 2600, "lanes": 4},
    "MinAtar/Freeway-v1": {"steps": 2600, "lanes": 4},
    # One start, and moves without chance.
    "CliffWalking-v1": {"random": False},
}
