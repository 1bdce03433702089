"""A sound environment with goals, and those with one fault each."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import restart, transition
from jaxenvs.core.goal_env import GoalEnv
from jaxenvs.spaces import Box, Dict
from tests.conformance.sound import Sound


class SoundGoals(Sound, GoalEnv):
    """The walk with a goal, at 0.5."""

    @property
    def observation_space(self):
        goal = Box(np.full((1,), -1, np.float32), np.full((1,), 1, np.float32))
        return Dict({"observation": goal, "achieved_goal": goal, "desired_goal": goal})

    def outcome(self, state, before):
        seen = self.observe(state)
        if before is None:
            return state, restart(seen, self.info(state))
        goals = seen["achieved_goal"], seen["desired_goal"], self.info(state)
        reward, terminated = self.compute_reward(*goals), self.compute_terminated(*goals)
        return state, transition(seen, reward, terminated, self.info(state))

    def observe(self, state):
        position = state.position.astype(jnp.float32)[None]
        return {"observation": position, "achieved_goal": position, "desired_goal": jnp.full_like(position, 0.5)}

    def distance(self, achieved_goal, desired_goal):
        return jnp.abs(jnp.asarray(achieved_goal) - jnp.asarray(desired_goal)).sum(-1)

    def compute_reward(self, achieved_goal, desired_goal, info):
        return -self.distance(achieved_goal, desired_goal)

    def compute_terminated(self, achieved_goal, desired_goal, info):
        return self.distance(achieved_goal, desired_goal) < 0.1

    def compute_truncated(self, achieved_goal, desired_goal, info):
        return jnp.zeros_like(self.distance(achieved_goal, desired_goal), bool)


class OtherRewardOfGoals(SoundGoals):
    """Steps are rewarded otherwise than goals."""

    def outcome(self, state, before):
        state, timestep = SoundGoals.outcome(self, state, before)
        return state, timestep if before is None else timestep.replace(reward=timestep.reward - 1.0)


class SumsOverBatch(SoundGoals):
    """Adds up the distances of a batch."""

    def distance(self, achieved_goal, desired_goal):
        return jnp.abs(jnp.asarray(achieved_goal) - jnp.asarray(desired_goal)).sum()


class OnlyJaxGoals(SoundGoals):
    """Judges goals in NumPy arrays otherwise."""

    def compute_reward(self, achieved_goal, desired_goal, info):
        reward = SoundGoals.compute_reward(self, achieved_goal, desired_goal, info)
        return reward if isinstance(achieved_goal, Array) else reward - 1.0


class NoDesiredGoal(SoundGoals):
    """Does not say where to go."""

    @property
    def observation_space(self):
        spaces = SoundGoals.observation_space.fget(self).spaces
        return Dict({name: space for name, space in spaces.items() if name != "desired_goal"})
