"""A subclass may define another observation: nothing but the timestep follows from it."""

import jax
import pytest

import jaxenvs
from jaxenvs.registration.catalog import CATALOG

IDS = list({spec.entry_point: spec.id for spec in CATALOG}.values())
"""One id of each class."""


def with_own_observation(env):
    """`env` with an observation that nothing can be computed from; a goal environment's keeps the goals."""
    own = type(env)

    def observe(self, state):
        if not isinstance(env, jaxenvs.GoalEnv):
            return ()
        return {**own.observe(self, state), "observation": ()}

    changed = type(f"Own{own.__name__}", (own,), {"observe": observe})
    return changed(**vars(env))


@pytest.mark.parametrize("id", IDS)
def test_reset_and_step_return_the_observation_of_a_subclass_and_compute_nothing_from_it(id):
    try:
        env = jaxenvs.unwrap(jaxenvs.make(id))
    except jaxenvs.errors.DependencyNotInstalled as error:
        pytest.skip(f"needs an extra: {error}")
    if not env.can_observe:
        assert type(env).observe is jaxenvs.Env.observe
        return
    env = with_own_observation(env)

    def program(key):
        state, first = env.reset(key)
        return first, env.step(state, env.action_space.sample(key))[1]

    for timestep in jax.eval_shape(program, jaxenvs.random.key(0)):
        observation = timestep.observation
        assert (observation["observation"] if isinstance(env, jaxenvs.GoalEnv) else observation) == ()
