"""The program that judges episodes: steps one by one or many in a call, and what it leaves out."""

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.scoreboard.program import Program
from jaxenvs.wrappers import DelayObservation

COUNT = 5


def begun(env):
    """A program with the states in which its lanes begin, and actions of all steps of a call."""
    program = Program(env)
    states, observation = program.reset(jax.random.key(0, impl="jaxenvs"), np.arange(program.lanes))
    keys = jax.random.split(jax.random.key(1), (program.most_steps, program.lanes))
    return program, states, observation, np.asarray(jax.vmap(jax.vmap(env.action_space.sample))(keys))


@pytest.mark.parametrize("delay", [0, 2])
def test_many_steps_of_a_call_are_those_of_many_calls(delay):
    """Whether the observation is a function of the state, or not."""
    env = jaxenvs.make("CartPole-v1")
    env = DelayObservation(env, delay) if delay else env
    assert env.can_observe == (not delay)
    program, states, _, actions = begun(env)
    many, seen = program.advance(states, actions, COUNT), []
    for step in range(COUNT):
        one = program.advance(states, actions[step : step + 1], 1)
        states = one.states
        seen.append(np.asarray(one.observation))
        np.testing.assert_array_equal(one.rewards[0], many.rewards[step])
    for x, y in zip(program.data(states), program.data(many.states), strict=True):
        np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(seen[-1], many.observation)
    assert (seen[-1] != seen[-2]).any()


def test_no_picture_is_drawn_before_the_last_step_of_a_call():
    """Of VoxelCraft, drawing 256 pictures in each step took 47 times as long as the steps."""
    env = jaxenvs.make("VoxelCraft-v0", size=8, image_size=(64, 64), view_distance=2)
    program = Program(env)
    states, _ = jax.eval_shape(program._begun, jax.random.split(jax.random.key(0), program.lanes), np.arange(256))
    actions = np.zeros((program.most_steps, program.lanes), np.int32)
    jaxpr = jax.make_jaxpr(program._advanced)(states, actions, np.int32(1))
    (loop,) = [equation for equation in jaxpr.eqns if equation.primitive.name == "while"]
    shapes = [(*value.aval.shape,) for value in loop.outvars]
    assert (program.lanes, 64, 64, 3) not in shapes and (program.most_steps, program.lanes) in shapes
