"""The check of goal environments: their goals alone give the rewards and flags of their steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.goal_env import GoalEnv
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.spaces import Dict
from jaxenvs.testing.subject import Fault, Subject
from jaxenvs.testing.trees import difference
from jaxenvs.wrappers import TimeLimit

_METHODS = ("reward", "terminated", "truncated")


def goals_judge_steps(subject: Subject) -> None:
    """A goal environment computes the reward and flags of its steps from goals, one at a time and for a batch."""
    base = unwrap(subject.env)
    if not isinstance(base, GoalEnv):
        return
    space = base.observation_space
    missing = set(GoalEnv.goal_entries) - set(space.spaces if isinstance(space, Dict) else ())
    if missing or not isinstance(space, Dict):
        raise Fault(
            f"its observation space {space} has no {', '.join(sorted(missing))}",
            'Make it a Dict with "observation", "achieved_goal" and "desired_goal".',
        )
    if space.spaces["achieved_goal"] != space.spaces["desired_goal"]:
        raise Fault(
            f"goals are achieved in {space.spaces['achieved_goal']} and desired in {space.spaces['desired_goal']}",
            "Give both goals the same space, since hindsight puts one in the place of the other.",
        )
    plain = all(isinstance(wrapper, TimeLimit) for wrapper in wrappers_of(subject.env))
    _, _, _, (_, timestep) = (subject if plain else Subject(base, seed=subject.seed)).few
    final, info = timestep.final_observation, timestep.info
    one = (final["achieved_goal"], final["desired_goal"], info)
    # Other goals as well, since a goal that is never reached says nothing about the other side.
    shifted = jax.tree.map(lambda leaf: np.roll(np.asarray(leaf), 1, axis=(0, 1)), final["achieved_goal"])
    stepped = {name: getattr(timestep, name) for name in _METHODS}
    if plain and base is not subject.env:
        stepped["truncated"] = jnp.zeros_like(timestep.truncated)  # what is left is the time limit's

    def judge(achieved: Any, desired: Any, info: Any) -> dict[str, Any]:
        return {name: getattr(base, f"compute_{name}")(achieved, desired, info) for name in _METHODS}

    each = jax.jit(jax.vmap(jax.vmap(judge)))
    if found := difference("the step", stepped, each(*one)):
        raise Fault(
            f"the methods of the goals do not agree with a step: {found}",
            "Let `step` return what `compute_reward`, `compute_terminated` and `compute_truncated` return, float32 and"
            " bool.",
        )
    swapped = (final["achieved_goal"], shifted, info)
    for goals in (one, swapped):
        if found := difference("a batch", each(*goals), jax.jit(judge)(*goals)):
            raise Fault(
                f"goals in a batch are judged otherwise than one at a time: {found}",
                "Reduce over the axes of the goal only, from the end: `.sum(-1)`.",
            )
        achieved, desired = (jax.tree.map(np.asarray, goal) for goal in goals[:2])
        in_numpy = jax.tree.map(jnp.asarray, judge(achieved, desired, info))
        if found := difference("goals in NumPy", each(*goals), in_numpy):
            raise Fault(
                f"goals in NumPy arrays are judged otherwise than in JAX arrays: {found}",
                "Begin with `jnp.asarray(achieved_goal)`.",
            )
