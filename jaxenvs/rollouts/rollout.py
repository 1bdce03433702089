"""rollout: a policy acts in an environment for a number of steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts._progress import progress_bar
from jaxenvs.rollouts.mesh import LANES, SHARED, TIME_AND_LANES, Devices, lane_mesh, on_each_device
from jaxenvs.rollouts.policy import Policy, as_policy

# Parts that a rollout with a progress bar is cut in.
_NUM_CHUNKS = 50


class Trajectory(PyTreeNode):
    """What happened: `actions[t]`, chosen by `observations[t]`, led to `timesteps[t]`.

    Below, `time` is (num_steps,), or (num_steps, num_envs) where there were several environments.

    Attributes:
        initial: the timestep of the reset; arrays without the axis num_steps.
        actions: (*time, ...) in the action space.
        timesteps: (*time, ...) what each action led to.
        states: (*time, ...) the state that each action was taken in, for `render`; None unless kept.
    """

    initial: TimeStep[Any]
    actions: Any
    timesteps: TimeStep[Any]
    states: Any = None

    @property
    def observations(self) -> Any:
        """(*time, ...) what each action was chosen by: the initial observation, and all but the last after."""
        return jax.tree.map(
            lambda first, later: jnp.concatenate([first[None], later[:-1]]),
            self.initial.observation,
            self.timesteps.observation,
        )


class _Carry(PyTreeNode):
    state: Any
    observation: Any
    key: Key


def rollout(
    env: Env[Any, Any],
    policy: Policy,
    key: Key,
    num_steps: int,
    *,
    num_envs: int | None = None,
    keep_states: bool = False,
    progress: bool = False,
    mesh: Devices | None = None,
) -> tuple[Any, Trajectory]:
    """Resets the environment and lets the policy act for `num_steps` steps.

    The environment is used as given: without `AutoReset` it is stepped on after the end of its episode.
    Environment and policy are arguments of one jitted function, so other parameters or weights of the
    same shapes compile nothing anew. With `num_envs`, lane `i` does what a single rollout does with
    `jax.random.split(key, num_envs)[i]`.

    Args:
        env: the environment.
        policy: `policy(observation, key) -> action`; see `Policy`.
        key: a scalar random key, for the reset and for the policy.
        num_steps: steps to take.
        num_envs: environments to run side by side; None for a single one, without that axis.
        keep_states: keep the state that each action was taken in, as `Trajectory.states`.
        progress: show a progress bar; needs tqdm, and cannot itself be jitted.
        mesh: devices to spread the environments over, a mesh with an axis "data" or a number of devices.
            Each steps its own lanes, and what is returned stays spread; the numbers are the same.

    Returns:
        The last state, and the trajectory.

    Raises:
        InvalidField: a count below 1, a policy that cannot be called, or devices that are not there or
            cannot share `num_envs` evenly.
    """
    policy, key = as_policy(policy), check_key(key, name="rollout")
    num_steps = check_count("rollout", "num_steps", num_steps)
    if num_envs is not None:
        num_envs = check_count("rollout", "num_envs", num_envs)
    mesh = lane_mesh("rollout", mesh, num_envs=num_envs)
    if not progress:
        return _rollout(env, policy, key, num_steps, num_envs, keep_states, mesh)
    carry, initial = _begin(env, key, num_envs, mesh)
    chunk, parts, left = -(-num_steps // _NUM_CHUNKS), [], num_steps
    with progress_bar(num_steps, "rollout", "step") as bar:
        while left:
            steps = min(chunk, left)
            lanes = num_envs is not None
            carry, part = jax.block_until_ready(_advance(env, policy, carry, steps, lanes, keep_states, mesh))
            parts.append(part)
            left -= steps
            bar.update(steps)
    trajectory = jax.tree.map(lambda *xs: jnp.concatenate(xs), *parts)
    return carry.state, Trajectory(initial, *trajectory)


def _rollout_program(
    env: Env[Any, Any],
    policy: Policy,
    key: Key,
    num_steps: int,
    num_envs: int | None,
    keep_states: bool,
    mesh: Mesh | None,
) -> tuple[Any, Trajectory]:
    carry, initial = _begin_program(env, key, num_envs, mesh)
    carry, trajectory = _advance_program(env, policy, carry, num_steps, num_envs is not None, keep_states, mesh)
    return carry.state, Trajectory(initial, *trajectory)


def _begin_program(
    env: Env[Any, Any], key: Key, num_envs: int | None, mesh: Mesh | None
) -> tuple[_Carry, TimeStep[Any]]:
    def begin(env: Env[Any, Any], key: Key) -> tuple[_Carry, TimeStep[Any]]:
        reset_key, policy_key = jax.random.split(key)
        state, timestep = env.reset(reset_key)
        return _Carry(state, timestep.observation, policy_key), timestep

    if num_envs is None:
        return begin(env, key)
    lanes = jax.vmap(begin, in_axes=(None, 0))
    return on_each_device(lanes, mesh, (SHARED, LANES), LANES)(env, jax.random.split(key, num_envs))


def _advance_program(
    env: Env[Any, Any],
    policy: Policy,
    carry: _Carry,
    num_steps: int,
    batched: bool,
    keep_states: bool,
    mesh: Mesh | None,
) -> tuple[_Carry, tuple[Any, TimeStep[Any], Any]]:
    def play(env: Env[Any, Any], policy: Policy, carry: _Carry) -> tuple[_Carry, tuple[Any, TimeStep[Any], Any]]:
        def step(carry: _Carry, _: None) -> tuple[_Carry, tuple[Any, TimeStep[Any], Any]]:
            key, action_key = jax.random.split(carry.key)
            action = policy(carry.observation, action_key)
            state, timestep = env.step(carry.state, action)
            kept = carry.state if keep_states else None
            return _Carry(state, timestep.observation, key), (action, timestep, kept)

        lanes = jax.vmap(step, in_axes=(0, None)) if batched else step
        return jax.lax.scan(lanes, carry, None, length=num_steps)

    return on_each_device(play, mesh, (SHARED, SHARED, LANES), (LANES, TIME_AND_LANES))(env, policy, carry)


_rollout = jax.jit(_rollout_program, static_argnums=(3, 4, 5, 6))
_begin = jax.jit(_begin_program, static_argnums=(2, 3))
_advance = jax.jit(_advance_program, static_argnums=(3, 4, 5, 6))


def check_count(function: str, name: str, value: Any) -> int:
    """Returns `value`, Python's or NumPy's, as a Python integer; raises `InvalidField` if it is below 1 or none."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise InvalidField(f"{function}: `{name}` must be an integer of at least 1, got {value!r}.")
    return int(value)
