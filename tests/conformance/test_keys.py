"""What the check of random keys takes for sound, and what it says of what is not."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from jaxenvs.random import check_key
from jaxenvs.testing import CHECKS, ConformanceError
from tests.conformance.sound import Sound, WalkState

keys_used_once = next(check for check in CHECKS if check.name == "keys_used_once")


class ManyDraws(Sound):
    """Draws in every way that keys may be used, each key once."""

    def reset(self, key):
        key = check_key(key)
        numbers = jax.vmap(lambda index: jax.random.normal(jax.random.fold_in(key, index)))(jnp.arange(3))
        total = 0.1 * jnp.tanh(numbers.sum()).astype(jnp.float32)
        return self.outcome(WalkState(total, jnp.zeros((), jnp.int32), jax.random.fold_in(key, 3)), None)

    def step(self, state, action):
        key, draw_key, loop_key, branch_key, batch_key = jax.random.split(state.key, 5)
        total = jax.random.choice(draw_key, 5).astype(jnp.float32)

        def round(carry, row):
            key, draw_key = jax.random.split(carry[0])
            return (key, carry[1] + jax.random.uniform(draw_key) + jax.random.uniform(row)), None

        rows = jax.random.split(batch_key, 4)
        (_, total), _ = jax.lax.scan(round, (loop_key, total), rows)
        total += jax.lax.cond(
            total > 0, lambda k: jax.random.gumbel(k, ()), lambda k: jax.random.exponential(k, ()), branch_key
        )
        held = jax.tree.map(lambda a, b: jnp.where(action == 1, a, b), key, jax.random.fold_in(key, 1))
        return Sound.step(self, state.replace(key=held), action)


class SeededLevel(Sound):
    """A goal that a key among the parameters decides, computed in each step."""

    level: jax.Array = dataclasses.field(default_factory=lambda: jax.random.key(3))

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        goal = jax.random.uniform(jax.random.split(self.level)[0], (), jnp.float32)
        return state, timestep.replace(reward=goal + timestep.reward)


class DrawsInBothBranchesAndAfter(Sound):
    """A branch draws from the key that the step draws from next."""

    def step(self, state, action):
        jax.lax.cond(action == 1, jax.random.uniform, lambda key: 0.0, state.key)
        return Sound.step(self, state, action)


class DrawsAnEntryTwice(Sound):
    """The first of several keys, twice."""

    def step(self, state, action):
        keys = jax.random.split(state.key, 3)
        noise = jax.random.uniform(keys[0], (), jnp.float32) - jax.random.uniform(keys[0], (), jnp.float32)
        return Sound.step(self, state.replace(key=keys[1], position=state.position + noise), action)


@pytest.mark.parametrize("env", [ManyDraws, SeededLevel], ids=lambda env: env.__name__)
def test_each_key_once_is_sound(env):
    keys_used_once(env())


@pytest.mark.parametrize("env", [DrawsInBothBranchesAndAfter, DrawsAnEntryTwice], ids=lambda env: env.__name__)
def test_a_second_draw_is_found_with_its_line(env):
    with pytest.raises(
        ConformanceError, match=r"step draws from a key that was drawn from before, in line \d+ of .*\.py"
    ):
        keys_used_once(env())
