"""evaluate: measure a policy over whole fresh episodes."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.sharding import Mesh

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.wrapper import resets_itself, wrappers_of
from jaxenvs.errors import WrapperOrderError
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts._progress import progress_bar
from jaxenvs.rollouts.mesh import LANES, SHARED, Devices, lane_mesh, per_device
from jaxenvs.rollouts.policy import Policy, as_policy
from jaxenvs.rollouts.rollout import Play, begin_play, check_count, play_step
from jaxenvs.wrappers import TimeLimit

# The longest episode if neither a TimeLimit nor `max_steps` sets a limit.
DEFAULT_MAX_STEPS = 10_000

# Steps between two updates of the progress bar.
_CHUNK = 100


class Evaluation(PyTreeNode):
    """Returns and lengths of n episodes, one per lane.

    Attributes:
        returns: (n,) float32, undiscounted sums of rewards.
        lengths: (n,) int32, numbers of steps.
        finished: (n,) bool, whether the episode ended. If it did not, `max_steps` cut it short, and its return and
            length are those of the part that was played.
        terminated: (n,) bool, whether the last step terminated the episode.
        truncated: (n,) bool, whether the last step truncated it.
    """

    returns: Array
    lengths: Array
    finished: Array
    terminated: Array
    truncated: Array

    @property
    def mean_return(self) -> Array:
        """() float32, over all n episodes."""
        return self.returns.mean(axis=-1)

    @property
    def std_return(self) -> Array:
        """() float32, standard deviation over the n episodes (divided by n)."""
        return self.returns.std(axis=-1)

    @property
    def mean_length(self) -> Array:
        """() float32, over all n episodes."""
        return self.lengths.astype(jnp.float32).mean(axis=-1)

    @property
    def num_episodes(self) -> int:
        """The number of episodes that were played."""
        return self.returns.shape[-1]

    @property
    def num_finished(self) -> Array:
        """() int32, the number of episodes that ended."""
        return self.finished.sum(axis=-1, dtype=jnp.int32)


class _Carry(PyTreeNode):
    play: Play
    episode_return: Array
    length: Array
    terminated: Array
    truncated: Array

    @property
    def finished(self) -> Array:
        return self.terminated | self.truncated


def evaluate(
    env: Env[Any, Any],
    policy: Policy,
    key: Key,
    *,
    num_episodes: int = 128,
    max_steps: int | None = None,
    progress: bool = False,
    mesh: Devices | None = None,
) -> Evaluation:
    """Plays whole episodes in parallel, one from a fresh start in each lane, until all have ended.

    Every lane counts once, so short episodes do not weigh more than long ones. Lane `i` is a function of
    `jax.random.split(key, num_episodes)[i]`. Environment and policy are arguments of one jitted function.

    Args:
        env: the environment, without AutoReset. It is played as it is, including wrappers that belong to training:
            leave them out with `jaxenvs.evaluation(env)`.
        policy: `policy(observation, key) -> action`; see `Policy`.
        key: a scalar random key, for the resets and for the policy.
        num_episodes: number of episodes.
        max_steps: cuts longer episodes short, as `Evaluation.finished` then reports. By default there is no limit if
            the environment has a `TimeLimit`, and 10,000 steps otherwise.
        progress: whether to show a progress bar; it needs tqdm, and such a call cannot be jitted.
        mesh: devices to spread the episodes over, a mesh with an axis "data" or a number of devices. Each
            plays its own episodes until they have ended, without waiting for the others. The numbers are the same.

    Raises:
        InvalidField: `env` is not an environment, a count is below 1, the policy cannot be called with an observation
            and a key, or the devices do not exist or cannot share `num_episodes` evenly.
        WrapperOrderError: the environment resets itself.

    Warns:
        UserWarning: some episodes had not ended after 10,000 steps, and that limit was not set by the caller.
    """
    check_is_env("evaluate", env)
    policy, key = as_policy(policy), check_key(key, name="evaluate")
    num_episodes = check_count("evaluate", "num_episodes", num_episodes)
    if max_steps is not None:
        max_steps = check_count("evaluate", "max_steps", max_steps)
    mesh = lane_mesh("evaluate", mesh, num_episodes=num_episodes)
    if resets_itself(env):
        raise WrapperOrderError("evaluate plays each episode once. Pass the environment without AutoReset.")
    limits = [wrapper.max_episode_steps for wrapper in wrappers_of(env) if isinstance(wrapper, TimeLimit)]
    limit = min(limits, default=DEFAULT_MAX_STEPS) if max_steps is None else max_steps
    if progress:
        carry = _play_with_progress(env, policy, key, num_episodes, limit, mesh)
    else:
        carry = _play(env, policy, key, num_episodes, limit, mesh)
    if max_steps is None and not limits and not isinstance(carry.finished, Tracer):
        _warn_of_unfinished(num_episodes - int(carry.finished.sum()), num_episodes)
    return Evaluation(carry.episode_return, carry.length, carry.finished, carry.terminated, carry.truncated)


def _warn_of_unfinished(unfinished: int, num_episodes: int) -> None:
    if unfinished:
        warnings.warn(
            f"evaluate: {unfinished} of {num_episodes} episodes had not ended after {DEFAULT_MAX_STEPS} steps, so their"
            " returns are partial. Pass `max_steps`, or wrap the environment in a TimeLimit.",
            UserWarning,
            stacklevel=3,
        )


def _play_with_progress(
    env: Env[Any, Any], policy: Policy, key: Key, num_episodes: int, limit: int, mesh: Mesh | None
) -> _Carry:
    carry, played, finished = _begin(env, key, num_episodes, mesh), 0, 0
    with progress_bar(num_episodes, "evaluate", "episode") as bar:
        while finished < num_episodes and played < limit:
            played = min(played + _CHUNK, limit)
            carry = _advance(env, policy, carry, jnp.asarray(played, jnp.int32), mesh)
            count = int(carry.finished.sum())
            bar.update(count - finished)
            finished = count
    return carry


def _play_program(
    env: Env[Any, Any], policy: Policy, key: Key, num_episodes: int, limit: Array, mesh: Mesh | None
) -> _Carry:
    return _advance_program(env, policy, _begin_program(env, key, num_episodes, mesh), limit, mesh)


def _begin_program(env: Env[Any, Any], key: Key, num_episodes: int, mesh: Mesh | None) -> _Carry:
    def begin(env: Env[Any, Any], key: Key) -> _Carry:
        return _Carry(
            play=begin_play(env, key)[0],
            episode_return=jnp.zeros((), jnp.float32),
            length=jnp.zeros((), jnp.int32),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )

    lanes = jax.vmap(begin, in_axes=(None, 0))
    return per_device(lanes, mesh, (SHARED, LANES), LANES)(env, jax.random.split(key, num_episodes))


def _advance_program(env: Env[Any, Any], policy: Policy, carry: _Carry, limit: Array, mesh: Mesh | None) -> _Carry:
    """Plays until all episodes have ended, or have lasted `limit` steps."""

    def play(env: Env[Any, Any], policy: Policy, carry: _Carry, limit: Array) -> _Carry:
        def step(carry: _Carry) -> _Carry:
            after, _, timestep = play_step(env, policy, carry.play)
            finished = carry.finished
            return _Carry(
                play=after,
                episode_return=carry.episode_return + jnp.where(finished, 0.0, timestep.reward),
                length=carry.length + (~finished).astype(jnp.int32),
                terminated=carry.terminated | (timestep.terminated & ~finished),
                truncated=carry.truncated | (timestep.truncated & ~finished),
            )

        def going_on(carry: _Carry) -> Array:
            # Lanes that are still playing have all lasted equally long.
            return (~carry.finished & (carry.length < limit)).any()

        return jax.lax.while_loop(going_on, jax.vmap(step), carry)

    return per_device(play, mesh, (SHARED, SHARED, LANES, SHARED), LANES)(env, policy, carry, limit)


_play = jax.jit(_play_program, static_argnums=(3, 5))
_begin = jax.jit(_begin_program, static_argnums=(2, 3))
_advance = jax.jit(_advance_program, static_argnums=4)
