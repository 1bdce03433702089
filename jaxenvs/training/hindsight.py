"""Hindsight experience replay: learning from an episode as if a goal had been desired that it did reach.

After M. Andrychowicz et al., "Hindsight Experience Replay", 2017 (arXiv:1707.01495), with the strategy "future": the
goal is one that was achieved in the sampled step or later in its episode.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.goal_env import GoalEnv
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trees import tree_at, tree_where
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Dict
from jaxenvs.training.features import of_bytes
from jaxenvs.training.replay import ReplayBuffer, StepBuffer, Transition
from jaxenvs.wrappers import AutoReset, EpisodeStatistics, TimeLimit

_KEEP_REWARDS = (AutoReset, EpisodeStatistics, TimeLimit)


class GoalStep(PyTreeNode):
    """One step of an environment with goals.

    Attributes:
        observation: the observation acted on.
        choice: the choice of the policy.
        reward: () float32.
        terminated: () bool.
        next_observation: the `final_observation`, which the step led to.
        info: `info` of the step.
        start: () int32, the number of the round of steps in which the episode began.
    """

    observation: dict[str, Any]
    choice: Array
    reward: Array
    terminated: Array
    next_observation: dict[str, Any]
    info: dict[str, Array]
    start: Array


class HindsightBuffer(StepBuffer):
    """The latest steps of several environments, in the order in which they were taken.

    A round is one step of every environment. Rounds are numbered from 0, and a round's row in the buffer is its number
    modulo the number of rows.

    Attributes:
        replay: of `GoalStep`s; each round is a run of num_envs items.
        rounds: () int32, number of rounds so far.
        starts: (num_envs,) int32, the round in which the current episode of each environment began.
        goals: of `goals + 1` transitions, this many have a goal that was achieved in the step or later.
    """

    replay: ReplayBuffer
    rounds: Array
    starts: Array
    goals: int = static()

    @staticmethod
    def empty(timestep: TimeStep[Any], choice: Array, capacity: int, goals: int) -> "HindsightBuffer":
        """A buffer for steps like these.

        Args:
            timestep: what the environments returned at reset, with a leading axis num_envs.
            choice: a choice of the policy.
            capacity: number of steps; a multiple of num_envs.
            goals: see above.
        """
        one = tree_at(timestep, 0)
        step = GoalStep(
            observation=one.observation,
            choice=choice,
            reward=one.reward,
            terminated=one.terminated,
            next_observation=one.final_observation,
            info=one.info,
            start=jnp.zeros((), jnp.int32),
        )
        starts = jnp.zeros(timestep.reward.shape, jnp.int32)
        return HindsightBuffer(ReplayBuffer.empty(step, capacity), jnp.zeros((), jnp.int32), starts, goals)

    def add(self, env: Env[Any, Any], observation: Any, choice: Array, timestep: TimeStep[Any]) -> "HindsightBuffer":
        """See `StepBuffer.add`."""
        steps = GoalStep(
            observation=observation,
            choice=choice,
            reward=timestep.reward,
            terminated=timestep.terminated,
            next_observation=timestep.final_observation,
            info=timestep.info,
            start=self.starts,
        )
        rounds = self.rounds + 1
        starts = jnp.where(timestep.done, rounds, self.starts)
        return HindsightBuffer(self.replay.add(steps), rounds, starts, self.goals)

    def sample(self, env: Env[Any, Any], key: Key, count: int) -> Transition:
        """See `StepBuffer.sample`; the environment says what is rewarded."""
        return jax.vmap(lambda key: self._draw(env, key))(jax.random.split(key, count))

    def _draw(self, env: Env[Any, Any], key: Key) -> Transition:
        round_key, env_key, later_key, goal_key = jax.random.split(key, 4)
        oldest = jnp.maximum(self.rounds - self._num_rows, 0)
        now = jax.random.randint(round_key, (), oldest, jnp.maximum(self.rounds, 1), jnp.int32)
        lane = jax.random.randint(env_key, (), 0, self.starts.shape[0], jnp.int32)
        later = jax.random.randint(later_key, (), now, self.last_round(now, lane) + 1, jnp.int32)
        step: GoalStep = tree_at(self.replay.items, self._index(now, lane))
        achieved = self.replay.items.next_observation["achieved_goal"]
        goal = tree_at(achieved, self._index(later, lane))

        base = unwrap(env)
        assert isinstance(base, GoalEnv)
        judged = step.next_observation["achieved_goal"], goal, step.info
        relabelled = step.replace(
            observation={**step.observation, "desired_goal": goal},
            next_observation={**step.next_observation, "desired_goal": goal},
            reward=base.compute_reward(*judged),
            terminated=base.compute_terminated(*judged),
        )
        in_hindsight = jax.random.uniform(goal_key, (), jnp.float32) < self.goals / (self.goals + 1)
        step = tree_where(in_hindsight, relabelled, step)
        return Transition(
            features=of_bytes(env.observation_space, step.observation),
            choice=step.choice,
            reward=step.reward,
            terminated=step.terminated,
            next_features=of_bytes(env.observation_space, step.next_observation),
        )

    def last_round(self, now: Array, lane: Array) -> Array:
        """() int32: the last round so far of the episode that environment `lane` was in, in round `now`."""
        start = self.replay.items.start[self._index(now, lane)]

        def halve(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bounds  # the last round is one of these, or between them
            middle = (low + high + 1) // 2
            is_in = self.replay.items.start[self._index(middle, lane)] == start
            return jnp.where(is_in, middle, low), jnp.where(is_in, high, middle - 1)

        halvings = self._num_rows.bit_length()
        return jax.lax.fori_loop(0, halvings, halve, (now, jnp.maximum(self.rounds - 1, now)))[0]

    def _index(self, number: Array, lane: Array) -> Array:
        return (number % self._num_rows) * self.starts.shape[0] + lane

    @property
    def _num_rows(self) -> int:
        return self.replay.capacity // self.starts.shape[0]


def at_its_goal(observation: dict[str, Any]) -> dict[str, Any]:
    """An observation, as if the goal that it achieves had been desired."""
    return {**observation, "desired_goal": observation["achieved_goal"]}


def check_goals(learner: str, env: Env[Any, Any]) -> None:
    """Raises `InvalidField` if hindsight cannot be used in an environment.

    Args:
        learner: name of the learner.
        env: the environment.
    """
    base = unwrap(env)
    if not isinstance(base, GoalEnv):
        raise InvalidField(
            f"{learner}: `hindsight_goals` needs a `jaxenvs.GoalEnv`, which computes the reward of any goal;"
            f" {type(base).__name__} is none. Set it to 0."
        )
    for wrapper in wrappers_of(env):
        if not isinstance(wrapper, _KEEP_REWARDS):
            raise InvalidField(
                f"{learner}: with `hindsight_goals`, rewards are computed again without wrappers, so"
                f" {type(wrapper).__name__} would not be learnt. Leave it out, or set `hindsight_goals` to 0."
            )
    space = env.observation_space
    if not isinstance(space, Dict) or not set(GoalEnv.goal_entries) <= set(space.spaces):
        raise InvalidField(f"{learner}: `hindsight_goals` needs observations with both goals, got {space}.")
    achieved, desired = space.spaces["achieved_goal"], space.spaces["desired_goal"]
    if achieved != desired:
        raise InvalidField(
            f"{learner}: `hindsight_goals` puts achieved goals in the place of desired ones, but {type(base).__name__}"
            f" has them in different spaces, {achieved} and {desired}."
        )
