"""The table of derivatives in `docs/guide.md` says which steps have them."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, NotDifferentiable
from jaxenvs.registration.catalog import CATALOG

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"

ENGINES = {"mujoco": ("c", "mjx"), "robotics": ("c", "mjx")}
"""By family, the engines to look at."""

ON_MJX = {"InvertedPendulum-v5", "PointMaze_UMaze-v3", "FetchReach-v4"}
"""`tests/simulators/mujoco/engines/mjx/test_gradients.py` has the values of derivatives."""

SLOW = {("BipedalWalker-v3", None), ("CarRacing-v3", None), ("FetchReach-v4", "mjx")}


def family_of(spec):
    return spec.entry_point.partition(":")[0].split(".")[2]


def cases():
    """One id of each class, with each engine."""
    ids = {}
    for spec in CATALOG:
        ids.setdefault(spec.entry_point, spec)
    for spec in ids.values():
        for engine in ENGINES.get(family_of(spec), (None,)):
            if engine != "mjx" or spec.id in ON_MJX:
                marks = (pytest.mark.slow,) if (spec.id, engine) in SLOW else ()
                yield pytest.param(spec, engine, id="-".join(filter(None, (spec.id, engine))), marks=marks)


def documented(family, engine):
    """What the table says of a family: of forward mode, then of reverse mode."""
    answer = "(yes|`NotDifferentiable`)"
    rows = re.findall(rf"^\| (.*?) \| {answer} \| {answer} \|$", GUIDE.read_text(), re.M)
    assert len(rows) == 4
    for environments, forward, reverse in rows:
        if f"`{family}`" in environments and (engine is None or f'"{engine}"' in environments):
            return forward, reverse
    assert rows[-1][0] == "all others"
    return rows[-1][1:]


def is_real(x):
    return jnp.issubdtype(x.dtype, jnp.floating)


def found(program, key):
    try:
        jax.eval_shape(program, key)
    except NotDifferentiable:
        return "`NotDifferentiable`"
    return "yes"


@pytest.mark.parametrize(("spec", "engine"), list(cases()))
def test_steps_have_the_derivatives_of_the_table(spec, engine):
    try:
        env = jaxenvs.unwrap(jaxenvs.make(spec.id, **({} if engine is None else {"engine": engine})))
    except DependencyNotInstalled as error:
        pytest.skip(f"needs an extra: {error}")

    def moved(numbers, rest, action):
        """What is real after a step, given what is real before it."""
        numbers, state = iter(numbers), rest
        state = jax.tree.map(lambda x: next(numbers) if is_real(x) else x, state)
        return [x for x in jax.tree.leaves(env.step(state, action)) if is_real(x)]

    def start(key):
        state, _ = env.reset(key)
        numbers = [x for x in jax.tree.leaves(state) if is_real(x)]
        return numbers, lambda numbers: moved(numbers, state, env.action_space.sample(key))

    def forward(key):
        numbers, function = start(key)
        return jax.jvp(function, (numbers,), (numbers,))

    def reverse(key):
        numbers, function = start(key)
        results, pull_back = jax.vjp(function, numbers)
        return pull_back(results)

    key = jaxenvs.random.key(0)
    assert (found(forward, key), found(reverse, key)) == documented(family_of(spec), engine)


def test_the_derivatives_of_a_reward_are_those_of_small_changes():
    env = jaxenvs.unwrap(jaxenvs.make("Pendulum-v1"))
    state, _ = env.reset(jaxenvs.random.key(0))

    def episode_return(gravity):
        torques = jnp.zeros((10, 1), jnp.float32)
        return jax.lax.scan(env.replace(gravity=gravity).step, state, torques)[1].reward.sum()

    slope = (episode_return(jnp.float32(10.1)) - episode_return(jnp.float32(9.9))) / 0.2
    assert jnp.abs(slope) > 0.1
    assert jnp.allclose(jax.grad(episode_return)(jnp.float32(10.0)), slope, rtol=1e-2)
