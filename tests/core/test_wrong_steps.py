"""Errors if JAX cannot trace what an environment does, or a step changes types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import AutoReset, TimeLimit, restart, transition
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import InvalidEnv
from tests.core.newcomer import KEY, Count, CountState, Played

COUNT = Played(Count())


class Branches(Count):
    def step(self, state, action):
        if state.t > 3:
            pass
        return super().step(state, action)


class Counts(Count):
    def step(self, state, action):
        return super().step(CountState(jnp.int32(int(state.t))), action)


class UsesNumPy(Count):
    def step(self, state, action):
        return super().step(CountState(np.abs(state.t)), action)


class IndexesList(Count):
    def step(self, state, action):
        return super().step(CountState(state.t + [0, 1][action]), action)


class LooksUp(Count):
    def step(self, state, action):
        return super().step(CountState(state.t + {0: 1, 1: 2}[action]), action)


class Prints(Count):
    def step(self, state, action):
        print(f"{state.t:.2f}")
        return super().step(state, action)


class InGymnasiumsOrder(Count):
    def step(self, state, action):
        return state, transition(jnp.zeros(1), 1.0, False, False, {})


class MakesTimeStep(Count):
    def step(self, state, action):
        return state, jaxenvs.TimeStep(jnp.zeros(1), 1.0, done=False)


class ForOneDevice(Count):
    def step(self, state, action):
        raise ValueError("Resource axis: d of P('d',) is not found in mesh: ().")  # as JAX 0.12 of a broadcast number


class CountsInALoop(CartPole):
    def step(self, state, action):
        state, timestep = CartPole.step(self, state, action)
        return state.replace(x=jax.lax.fori_loop(0, 3, lambda _, x: x + state.x, jnp.zeros((), jnp.float32))), timestep


def over_devices():
    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    lanes = jax.sharding.PartitionSpec("data")
    auto = AutoReset(TimeLimit(CountsInALoop(), 9))
    play = jax.shard_map(
        lambda keys: jax.vmap(auto.step)(jax.vmap(auto.reset)(keys)[0], jnp.zeros(2, jnp.int32)),
        mesh=mesh,
        in_specs=lanes,
        out_specs=lanes,
    )
    play(jax.random.split(KEY, 2))


class Sized(Count):
    size: int = 3

    def reset(self, key):
        return CountState(jnp.zeros((), jnp.int32)), restart(jnp.zeros(self.size, jnp.float32))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            lambda: jax.jit(Branches().step)(COUNT.state, 0),
            r"`Branches.step` decides by.*`x = jnp\.where\(a > b, c, x\)`",
        ),
        (
            lambda: jax.jit(TimeLimit(Branches(), 9).step)(TimeLimit(Branches(), 9).reset(KEY)[0], 0),
            "`Branches.step` dec",
        ),
        (
            lambda: jax.jit(Counts().step)(COUNT.state, 0),
            r"`Counts\.step` needs the value of a traced number.*`x\.astype\(jnp\.int32\)` in place of `int",
        ),
        (lambda: jax.jit(IndexesList().step)(COUNT.state, 0), r"with a list write `jnp\.array\(values\)\[i\]`"),
        (
            lambda: jax.jit(LooksUp().step)(COUNT.state, 0),
            r"`LooksUp\.step` looks .*`jnp\.array\(\[-1\.0, 1\.0\]\)\[act",
        ),
        (lambda: jax.jit(Prints().step)(COUNT.state, 0), r"formats a traced number.*`jax\.debug\.print\(\"x = "),
        (over_devices, r"Pass `check_vma=False` to `jax\.shard_map`"),
        (
            lambda: ForOneDevice().step(COUNT.state, 0),
            r"Make the mesh with `axis_types=\(jax\.sharding\.AxisType\.Auto,\)",
        ),
        (lambda: InGymnasiumsOrder().step(COUNT.state, 0), r"`info` if there is any\. An environment never truncates"),
        (lambda: MakesTimeStep().step(COUNT.state, 0), r"by its constructor\. Write `jaxenvs\.restart\(observation\)`"),
        (lambda: jax.jit(UsesNumPy().step)(COUNT.state, 0), "passes a traced number to NumPy. Write `jnp`"),
        (lambda: jax.jit(lambda env: env.reset(KEY))(Sized()), r"`size: int = jaxenvs\.static\(default=3\)`"),
    ],
)
def test_errors_of_tracing_have_a_note_on_what_to_write(run, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        run()
    assert sum("jax" not in note.lower() or "`" in note for note in caught.value.__notes__) == 1


class Drifts(Count):
    def step(self, state, action):
        state = CountState(state.t + 0.5)
        return state, transition(jnp.zeros(1, jnp.float32), 0.0, state.t > 5)


class Grows(Count):
    def step(self, state, action):
        return state, transition(jnp.zeros(2, jnp.float32), 0.0, False)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            Drifts(),
            r"Drifts: `state\.t` is int32\[\] after `reset` and float32\[\] after `step`.*`jnp\.zeros\(\(\), jnp\.flo",
        ),
        (Grows(), r"Grows: `timestep\.observation` is float32\[1\] after `reset` and float32\[2\] after `step`"),
    ],
)
def test_a_step_that_changes_types_is_named_by_auto_reset(env, message):
    auto = AutoReset(TimeLimit(env, 9))
    with jax.numpy_dtype_promotion("standard"):
        state, _ = auto.reset(KEY)
        with pytest.raises(InvalidEnv, match=message):
            auto.step(state, jnp.int32(0))
