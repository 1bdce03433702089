"""Hindsight experience replay: what its samples are, and that an agent learns from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import GoalEnv, restart, transition
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Dict
from jaxenvs.training import SAC
from jaxenvs.training.hindsight import HindsightBuffer
from jaxenvs.training.learner import training_env
from jaxenvs.wrappers import ScaleReward

LANES, LENGTH = 2, 5


class Line(GoalEnv):
    """Walks along a line; a step is rewarded with 0 if it ends within 0.1 of the goal, else with -1."""

    @property
    def observation_space(self):
        point = Box(-np.inf, np.inf, (1,))
        return Dict({"observation": point, "achieved_goal": point, "desired_goal": point})

    @property
    def action_space(self):
        return Box(-1.0, 1.0, (1,))

    def reset(self, key):
        goal = jax.random.uniform(key, (1,), jnp.float32, -2.0, 2.0)
        state = jnp.concatenate([jnp.zeros(1, jnp.float32), goal])
        return state, restart(self.observe(state), {"moved": jnp.float32(0.0)})

    def step(self, state, action):
        move = jnp.clip(self.action_space.validate(action), -1.0, 1.0)
        state = state.at[:1].add(0.5 * move)
        seen, info = self.observe(state), {"moved": move[0]}
        return state, transition(
            seen, self.compute_reward(seen["achieved_goal"], seen["desired_goal"], info), False, info
        )

    def observe(self, state):
        return {"observation": state[:1], "achieved_goal": state[:1], "desired_goal": state[1:]}

    def compute_reward(self, achieved_goal, desired_goal, info):
        apart = jnp.abs(jnp.asarray(achieved_goal) - jnp.asarray(desired_goal)).sum(-1)
        return -(apart > 0.1).astype(jnp.float32)

    def compute_terminated(self, achieved_goal, desired_goal, info):
        return jnp.zeros(jnp.shape(achieved_goal)[:-1], bool)

    def compute_truncated(self, achieved_goal, desired_goal, info):
        return jnp.zeros(jnp.shape(achieved_goal)[:-1], bool)


class Plane(Line):
    """Desires goals that the line does not have."""

    @property
    def observation_space(self):
        return Dict({**Line().observation_space.spaces, "desired_goal": Box(-np.inf, np.inf, (2,))})

    def observe(self, state):
        return {**Line().observe(state), "desired_goal": jnp.zeros(2, jnp.float32)}


ENV = jaxenvs.TimeLimit(Line(), max_episode_steps=LENGTH)


def played(rounds, rows, goals):
    """A buffer after some rounds of random steps, and all observations by round and lane."""
    env = training_env(ENV)
    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), LANES))
    buffer = HindsightBuffer.empty(timestep, jnp.zeros(1, jnp.float32), rows * LANES, goals)

    def step(carry, key):
        state, observation, buffer = carry
        choice = jax.random.uniform(key, (LANES, 1), jnp.float32, -1.0, 1.0)
        state, timestep = jax.vmap(env.step)(state, choice)
        buffer = buffer.add(ENV, observation, choice, timestep)
        return (state, timestep.observation, buffer), timestep.final_observation

    keys = jax.random.split(jaxenvs.random.key(1), rounds)
    (_, _, buffer), finals = jax.jit(lambda *carry: jax.lax.scan(step, carry, keys))(
        state, timestep.observation, buffer
    )
    return buffer, finals


draw = jax.jit(HindsightBuffer.sample, static_argnums=3)


@pytest.mark.parametrize(("rounds", "rows"), [(12, 20), (33, 12)])
def test_samples_have_goals_of_the_same_episode_that_came_later(rounds, rows):
    buffer, finals = played(rounds, rows, 4)
    samples = draw(buffer, ENV, jaxenvs.random.key(2), 2_000)
    goal, position = (np.asarray(samples.next_features[:, at]) for at in (1, 0))  # sorted by name: achieved, desired
    np.testing.assert_array_equal(samples.features[:, 1], goal)
    np.testing.assert_array_equal(samples.reward, -(np.abs(position - goal) > 0.1).astype(np.float32))
    places, goals = (np.asarray(finals[name])[:, :, 0] for name in ("achieved_goal", "desired_goal"))
    in_hindsight, seen, oldest = 0, set(), max(0, rounds - rows)
    for here, wanted in zip(position, goal):
        number, lane = (int(index[0]) for index in np.nonzero(places == here))
        assert number >= oldest
        seen.add((number, lane))
        if goals[number, lane] == wanted:
            continue
        in_hindsight += 1
        later, same = (int(index[0]) for index in np.nonzero(places == wanted))
        assert same == lane and number <= later and later // LENGTH == number // LENGTH
    assert abs(in_hindsight / 2_000 - 0.8) < 0.05
    assert len(seen) == min(rounds, rows) * LANES


def test_without_relabelling_samples_are_the_steps_as_they_were():
    buffer, finals = played(12, 20, 0)
    samples = draw(buffer, ENV, jaxenvs.random.key(2), 2_000)
    assert np.isin(samples.next_features[:, 1], finals["desired_goal"]).all()


class OneGoal(Line):
    """The same walk, always to 1."""

    def reset(self, key):
        state = jnp.concatenate([jax.random.uniform(key, (1,), jnp.float32, -2.0, 2.0), jnp.ones(1, jnp.float32)])
        return state, restart(self.observe(state), {"moved": jnp.float32(0.0)})


def test_achieved_goals_count_in_the_scale_of_desired_ones():
    env = jaxenvs.TimeLimit(OneGoal(), max_episode_steps=LENGTH)
    spread = {}
    for goals in (0, 4):
        learner = SAC(num_envs=8, hidden_sizes=(8,), normalize_observations=True, hindsight_goals=goals)

        @jax.jit
        def play(state, learner=learner):
            return jax.lax.scan(lambda s, n: learner.play(env, s, n, jnp.int32(1)), state, jnp.arange(20))

        state, _ = play(jax.jit(learner.init)(env, jaxenvs.random.key(0)))
        spread[goals] = np.asarray(jnp.sqrt(state.agent.statistics.variance))
    achieved, desired, _ = spread[4]  # sorted by name
    assert spread[0][1] < 0.02  # so other goals would be clipped, to the same feature
    assert 0.5 < desired / achieved < 1.5
    np.testing.assert_allclose(achieved, spread[0][0], rtol=1e-5)


def test_other_environments_and_wrappers_that_change_rewards_are_refused():
    learner = SAC(total_steps=64, learning_starts=8, hindsight_goals=4)
    with pytest.raises(InvalidField, match=r"needs a `jaxenvs.GoalEnv`.*Pendulum is none"):
        learner.init(jaxenvs.make("Pendulum-v1"), jaxenvs.random.key(0))
    with pytest.raises(InvalidField, match="ScaleReward would not be learnt"):
        learner.init(ScaleReward(ENV, 2.0), jaxenvs.random.key(0))
    with pytest.raises(
        InvalidField, match=r"but Plane has them in different spaces, Box\(.*\(1,\).* and Box\(.*\(2,\)"
    ):
        learner.init(jaxenvs.TimeLimit(Plane(), max_episode_steps=LENGTH), jaxenvs.random.key(0))
    with pytest.raises(InvalidField, match="hindsight_goals"):
        SAC(hindsight_goals=-1)


@pytest.mark.slow
def test_a_goal_that_is_seldom_met_by_chance_is_learnt():
    learner = SAC(
        total_steps=6_000,
        num_steps=50,
        learning_starts=400,
        learning_rate=3e-3,
        gamma=0.9,
        hidden_sizes=(32, 32),
        hindsight_goals=4,
    )
    env = jaxenvs.TimeLimit(Line(), max_episode_steps=10)
    state, _ = jax.jit(learner.train)(env, jaxenvs.random.key(0))
    evaluation = jaxenvs.evaluate(env, learner.policy(env, state.agent), jaxenvs.random.key(1))
    assert float(np.mean(evaluation.returns)) > -4.0  # it takes two steps on average to get there
