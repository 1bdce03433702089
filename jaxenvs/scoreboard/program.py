"""Program: the one compiled program that judges an environment's episodes.

The last bits of floats depend on how a loop was compiled. So every step that counts is computed by one program: on a
CPU, for a fixed number of lanes, with a number of steps that is an argument. It gives the same bits whether it is
called once for many steps, as verification does, or once for each, as a policy needs.

A loop that was recorded in a fused environment was rounded by kernels. It is judged by the same program with kernels.
"""

import functools
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import Jaxpr, jaxprs_in_params

from jaxenvs.core.env import Env
from jaxenvs.core.trees import is_key, is_key_type
from jaxenvs.fusion import call, fuse
from jaxenvs.scoreboard.board import board_of, on_cpu

EVERY = 8
"""Steps between two checkpoints that are written here. Fewer leave chaos less time."""
_HOST_EVERY = 16
"""Those of a program that computes outside JAX. MuJoCo's C engine computes in float64: on one kind of processor it
gives the same bits, and on another nearly the same for so long. On ARM, 1,000 random steps of a HalfCheetah returned
-324, and on x86 -216."""
_MOST_LANES = 256
_HOST_LANES = 16
"""Lanes of an environment that computes outside JAX, where each is an emulator."""
_MOST_STEPS = 256


class Steps(NamedTuple):
    """What a call of the program gives.

    Attributes:
        states: the states after the last step, with an axis of lanes.
        observation: what is observed of them, with the same axis.
        rewards: (steps, lanes) float32.
        terminated: (steps, lanes) bool.
        truncated: (steps, lanes) bool.
    """

    states: Any
    observation: Any
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


class Program:
    """The program of an environment.

    Attributes:
        env: the environment.
        is_host: whether it computes outside JAX.
        lanes: the lanes of every call.
        every: the steps between two checkpoints that are written.
        most_steps: the most steps of a call.
        observation: the shapes and dtypes of an observation.
        action: those of an action.
    """

    def __init__(self, env: Env[Any, Any], *, is_fused: bool = False) -> None:
        """Looks at the shapes and dtypes; nothing is compiled yet.

        Args:
            env: the environment.
            is_fused: whether kernels compute it, as in `fuse(AutoReset(env))`.

        Raises:
            DependencyNotInstalled: a kernel needs an extra that is missing.
        """
        self.env = env
        self._is_fused = is_fused
        self._step = fuse(env).step if is_fused else env.step
        self._key = jax.eval_shape(lambda: jax.random.key(0, impl="jaxenvs"))
        self._state, first = jax.eval_shape(env.reset, self._key)
        self.action = jax.eval_shape(env.action_space.sample, self._key)
        jaxpr = jax.make_jaxpr(lambda state, action: jax.tree.leaves(env.step(state, action)[1]))(
            self._state, self.action
        )
        self.is_host = _calls_out(jaxpr.jaxpr)
        self.lanes = _HOST_LANES if self.is_host else _MOST_LANES
        self.every = _HOST_EVERY if self.is_host else EVERY
        self.most_steps = _MOST_STEPS
        self.observation = first.observation
        # Numbers of the environment are constants, as in most loops.
        self._reset = jax.jit(self._begun)
        self._steps = jax.jit(self._advanced)

    def reset(self, root: Any, numbers: np.ndarray) -> tuple[Any, Any]:
        """Begins episodes.

        Args:
            root: (lanes,) or () key; episode `i` begins with `fold_in(root, i)`.
            numbers: (lanes,) the numbers of the episodes.

        Returns:
            Their states and observations, with an axis of lanes.
        """
        with on_cpu():
            roots = jnp.broadcast_to(root, (self.lanes,))
            return self._reset(roots, np.asarray(numbers, np.int32))

    def advance(self, states: Any, actions: Any, count: int) -> Steps:
        """Takes steps in all lanes.

        Args:
            states: the states, with an axis of lanes.
            actions: elements of the action space, with axes (steps, lanes).
            count: how many of these steps, at most `most_steps`.
        """
        with on_cpu():
            padded = jax.tree.map(self._padded, actions)
            states, observation, *outputs = self._steps(states, padded, np.int32(count))
            rewards, terminated, truncated = (np.asarray(x)[:count] for x in outputs)
        return Steps(states, observation, rewards, terminated, truncated)

    def _padded(self, actions: np.ndarray) -> np.ndarray:
        if len(actions) == self.most_steps:
            return actions
        padded = np.zeros((self.most_steps, *actions.shape[1:]), actions.dtype)
        padded[: len(actions)] = actions
        return padded

    def _begun(self, roots: Any, numbers: Array) -> tuple[Any, Any]:
        keys = jax.vmap(jax.random.fold_in)(roots, numbers)
        states, timestep = jax.vmap(self.env.reset)(keys)
        begun = states, timestep.observation
        if not self._is_fused:
            return begun
        # The loop's kernel begins all episodes but the first of a lane, which `reset` has begun.
        later, timestep = jax.vmap(partial(call, self.env.reset))(keys)

        def choose(first: Array, other: Array) -> Array:
            return jnp.where((numbers == 0).reshape(-1, *(1,) * (first.ndim - 1)), first, other)

        return jax.tree.map(choose, begun, (later, timestep.observation))

    def _advanced(self, states: Any, actions: Any, count: Array) -> tuple[Any, ...]:
        def step(index: Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
            states, observation, *outputs = carry
            action = jax.tree.map(lambda leaf: leaf[index], actions)
            states, timestep = jax.vmap(self._step)(states, action)
            news = timestep.reward, timestep.terminated, timestep.truncated
            observation = None if observation is None else timestep.observation
            return states, observation, *(old.at[index].set(new) for old, new in zip(outputs, news))

        shape = self.most_steps, self.lanes
        outputs = jnp.zeros(shape, jnp.float32), jnp.zeros(shape, bool), jnp.zeros(shape, bool)
        if self.env.can_observe:  # after the last step only: a picture takes longer than the rest of a step
            states, _, *outputs = jax.lax.fori_loop(0, count, step, (states, None, *outputs))
            return states, jax.vmap(self.env.observe)(states), *outputs
        observation = jax.tree.map(lambda x: jnp.zeros((self.lanes, *x.shape), x.dtype), self.observation)
        return jax.lax.fori_loop(0, count, step, (states, observation, *outputs))

    @functools.cached_property
    def leaves(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
        """The shape and dtype of each leaf of a state, keys as their words."""
        datas = jax.eval_shape(lambda state: _data(state), self._state)
        return [(leaf.shape, np.dtype(leaf.dtype)) for leaf in datas]

    @property
    def state_size(self) -> int:
        """The bytes of a state."""
        return sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in self.leaves)

    @property
    def has_floats(self) -> bool:
        """Whether a state has floats, whose last bits depend on the machine."""
        return any(dtype.kind == "f" for _, dtype in self.leaves)

    def data(self, states: Any) -> list[np.ndarray]:
        """The leaves of states as NumPy arrays with an axis of lanes, keys as their words."""
        return [np.asarray(leaf) for leaf in _data(states)]

    def states(self, data: list[np.ndarray]) -> Any:
        """The states of which `data` made this."""
        leaves, treedef = jax.tree.flatten(self._state)
        with on_cpu():
            made = [
                jax.random.wrap_key_data(jnp.asarray(x), impl="jaxenvs") if is_key_type(leaf) else jnp.asarray(x)
                for leaf, x in zip(leaves, data)
            ]
        return treedef.unflatten(made)


@functools.cache
def program_of(env_id: str) -> Program:
    """The program of an id, compiled on its first call."""
    return Program(board_of(env_id).env)


@functools.cache
def fused_program_of(env_id: str) -> Program:
    """The program of an id with kernels.

    Raises:
        DependencyNotInstalled: a kernel needs an extra that is missing.
    """
    return Program(board_of(env_id).env, is_fused=True)


def _data(states: Any) -> list[Any]:
    return [jax.random.key_data(leaf) if is_key(leaf) else leaf for leaf in jax.tree.leaves(states)]


def _calls_out(jaxpr: Jaxpr) -> bool:
    """Whether a program calls functions of the host."""
    return any(
        "callback" in equation.primitive.name or any(map(_calls_out, jaxprs_in_params(equation.params)))
        for equation in jaxpr.eqns
    )
