"""rollout: let a policy act in an environment for a number of steps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, check_is_env
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.fusion import Fused, scan
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts._progress import progress_bar
from jaxenvs.rollouts.mesh import LANES, SHARED, TIME_AND_LANES, Devices, lane_mesh, per_device
from jaxenvs.rollouts.policy import Policy, as_policy

# The number of parts that a rollout with a progress bar is cut into.
_NUM_CHUNKS = 50


class Trajectory(PyTreeNode):
    """The record of a rollout: `actions[t]`, chosen from `observations[t]`, led to `timesteps[t]`.

    Below, `time` is (num_steps,), or (num_steps, num_envs) with several environments.

    Attributes:
        initial: the timestep of the reset; arrays without the axis num_steps.
        actions: (*time, ...) elements of the action space.
        timesteps: (*time, ...) the timestep that each action led to.
        states: (*time, ...) the state in which each action was taken, for `render`; None unless kept.
    """

    initial: TimeStep[Any]
    actions: Any
    timesteps: TimeStep[Any]
    states: Any = None

    @property
    def observations(self) -> Any:
        """(*time, ...) what each action was chosen from: the initial observation, then all others but the last."""
        return jax.tree.map(
            lambda first, later: jnp.concatenate([first[None], later[:-1]]),
            self.initial.observation,
            self.timesteps.observation,
        )


class Play(PyTreeNode):
    """What is carried from step to step while a policy acts.

    Attributes:
        state: of the environment.
        observation: what the next action is chosen from.
        key: () key for all further actions.
    """

    state: Any
    observation: Any
    key: Key


def begin_play(env: Env[Any, Any], key: Key) -> tuple[Play, TimeStep[Any]]:
    """Resets the environment with one half of `key`; the other half is for the policy."""
    reset_key, policy_key = jax.random.split(key)
    state, timestep = env.reset(reset_key)
    return Play(state, timestep.observation, policy_key), timestep


def play_step(env: Env[Any, Any], policy: Policy, play: Play) -> tuple[Play, Any, TimeStep[Any]]:
    """Lets the policy act once. Returns what is carried on, the action, and the timestep that it led to."""
    key, action_key = jax.random.split(play.key)
    action = policy(play.observation, action_key)
    state, timestep = env.step(play.state, action)
    return Play(state, timestep.observation, key), action, timestep


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

    The environment is used as given: without `AutoReset`, stepping continues after the end of its episode. Environment
    and policy are arguments of one jitted function, so other parameters or weights of the same shapes need no new
    compilation. With `num_envs`, lane `i` does what a single rollout does with
    `jax.random.split(key, num_envs)[i]`; if the environment is fused (`jaxenvs.fuse`), all steps of all lanes are one
    kernel, which chooses the actions as well.

    Args:
        env: the environment.
        policy: `policy(observation, key) -> action`; see `Policy`.
        key: a scalar random key, for the reset and for the policy.
        num_steps: number of steps.
        num_envs: number of environments; None for a single one, without that axis.
        keep_states: whether to keep the state in which each action was taken, as `Trajectory.states`.
        progress: whether to show a progress bar; it needs tqdm, and such a call cannot be jitted.
        mesh: devices to spread the environments over, a mesh with an axis "data" or a number of devices.
            Each steps its own lanes, and the results stay distributed. The numbers are the same.

    Returns:
        The last state, and the trajectory.

    Raises:
        InvalidField: `env` is not an environment, a count is below 1, the policy cannot be called with an observation
            and a key, or the devices do not exist or cannot share `num_envs` evenly.
    """
    check_is_env("rollout", env)
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


def _begin_program(env: Env[Any, Any], key: Key, num_envs: int | None, mesh: Mesh | None) -> tuple[Play, TimeStep[Any]]:
    if num_envs is None:
        return begin_play(env, key)
    lanes = jax.vmap(begin_play, in_axes=(None, 0))
    return per_device(lanes, mesh, (SHARED, LANES), LANES)(env, jax.random.split(key, num_envs))


def _advance_program(
    env: Env[Any, Any],
    policy: Policy,
    carry: Play,
    num_steps: int,
    batched: bool,
    keep_states: bool,
    mesh: Mesh | None,
) -> tuple[Play, tuple[Any, TimeStep[Any], Any]]:
    def step_of(env: Env[Any, Any], policy: Policy) -> Callable[..., Any]:
        def step(carry: Play, _: None) -> tuple[Play, tuple[Any, TimeStep[Any], Any]]:
            after, action, timestep = play_step(env, policy, carry)
            return after, (action, timestep, carry.state if keep_states else None)

        return step

    if isinstance(env, Fused) and batched and mesh is None:  # one kernel, which chooses the actions as well
        return scan(step_of(env.env, policy), carry, None, num_steps)

    def play(env: Env[Any, Any], policy: Policy, carry: Play) -> tuple[Play, tuple[Any, TimeStep[Any], Any]]:
        step = step_of(env, policy)
        lanes = jax.vmap(step, in_axes=(0, None)) if batched else step
        return jax.lax.scan(lanes, carry, None, length=num_steps)

    return per_device(play, mesh, (SHARED, SHARED, LANES), (LANES, TIME_AND_LANES))(env, policy, carry)


_rollout = jax.jit(_rollout_program, static_argnums=(3, 4, 5, 6))
_begin = jax.jit(_begin_program, static_argnums=(2, 3))
_advance = jax.jit(_advance_program, static_argnums=(3, 4, 5, 6))


def check_count(function: str, name: str, value: Any) -> int:
    """Returns `value` as a Python integer; raises `InvalidField` if it is below 1 or not an integer."""
    check_integer(function, name, value)
    return int(value)
