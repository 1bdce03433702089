"""from_gymnasium_functional: a functional environment of Gymnasium as a jaxenvs environment."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from jax import Array

from jaxenvs.adapters._from_foreign import ForeignEnv, ForeignObject, ForeignState
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Space, from_gymnasium


class Fixed:
    """A param that is part of the program, such as a flag, a count or a name. A pytree without leaves.

    Attributes:
        value: hashable.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))

    def __repr__(self) -> str:
        return f"Fixed({self.value!r})"


jax.tree_util.register_pytree_node(Fixed, lambda fixed: ((), fixed), lambda fixed, _: fixed)


class ForeignFunctional(ForeignEnv):
    """The rules of a `FuncEnv`, called in the order and with the keys of Gymnasium's own `FunctionalJaxEnv`.

    The transition, observation, reward and terminal function of a step all get the same key. `info` is
    `state_info` after a reset and `transition_info` after a step; entries that only the other one has are zero.

    In `params`, floats and arrays are leaves; everything else is `Fixed`.
    """

    @property
    def foreign_params(self) -> Any:
        """`params` with the original values in place of `Fixed`."""
        return jax.tree.map(
            lambda value: value.value if isinstance(value, Fixed) else value,
            self.params,
            is_leaf=lambda value: isinstance(value, Fixed),
        )

    @property
    def declared_observation_space(self) -> Space[Any]:
        """The functional environment's."""
        return from_gymnasium(self.program.value.observation_space)

    @property
    def action_space(self) -> Space[Any]:
        """The functional environment's."""
        return from_gymnasium(self.program.value.action_space)

    def begin(self, key: Key) -> tuple[Any, Any, dict[str, Any]]:
        """`initial`, `observation` and `state_info`."""
        rules, params = self.program.value, self.foreign_params
        state = _call(rules.initial, (), key, params)
        return _call(rules.observation, (state,), key, params), state, _call(rules.state_info, (state,), key, params)

    def advance(self, key: Key, state: Any, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """`transition`, then `observation`, `reward`, `terminal` and `transition_info` of the next state."""
        rules, params = self.program.value, self.foreign_params
        after = _call(rules.transition, (state, action), key, params)
        return (
            _call(rules.observation, (after,), key, params),
            after,
            _call(rules.reward, (state, action, after), key, params),
            _call(rules.terminal, (after,), key, params),
            _call(rules.transition_info, (state, action, after), key, params),
        )


def from_gymnasium_functional(
    func_env: FuncEnv, params: Any = None, *, draw: Callable[[Any, Any], Array] | None = None
) -> Env[ForeignState, Any]:
    """A functional environment of Gymnasium 1.1 to 1.4 as a jaxenvs environment, without a time limit.

        env = from_gymnasium_functional(gymnasium.envs.phys2d.CartPoleFunctional())
        env = jaxenvs.AutoReset(jaxenvs.TimeLimit(env, max_episode_steps=500))

    Its functions must be pure and traceable by JAX, as those of `gymnasium.envs.phys2d` and
    `gymnasium.envs.tabular` are. Params that are floats or arrays are leaves, so a batch of them can be
    stepped under `vmap`: `env.replace(params=env.params.replace(g=3.7))`. Flags, counts and names are part of
    the program: pass them here, in `params`.

    Args:
        func_env: the functional environment.
        params: its params; None for its `default_params`.
        draw: `draw(state, params) -> (height, width, 3) uint8`, a pure function. Gymnasium's own
            `render_image` is not pure: it draws with pygame, on the host.

    Raises:
        InvalidField: `func_env` is not a functional environment, or JAX cannot trace it.
        InvalidSpace: jaxenvs has no equivalent of a space.
    """
    inner = getattr(getattr(func_env, "unwrapped", None), "func_env", None)
    if not isinstance(func_env, FuncEnv):
        hint = " Pass `env.unwrapped.func_env`." if isinstance(inner, FuncEnv) else ""
        raise InvalidField(
            f"from_gymnasium_functional takes an instance of gymnasium.experimental.functional.FuncEnv, got"
            f" {func_env!r} of type {type(func_env).__name__}.{hint}"
        )
    params = func_env.default_params if params is None else params
    env = ForeignFunctional(program=ForeignObject(func_env), params=jax.tree.map(_fixed_or_leaf, params), draw=draw)
    try:
        _ = env.observation_space, env.action_space  # traces both functions, and raises their errors here
    except jax.errors.JAXTypeError as error:
        raise InvalidField(
            f"JAX cannot trace {type(func_env).__name__}: {str(error).splitlines()[0]} Only functional environments"
            " written in JAX are supported, and only before `transform`, or after `transform(jax.jit)`."
        ) from error
    return env


def _call(function: Callable[..., Any], arguments: tuple[Any, ...], key: Key, params: Any) -> Any:
    """Calls a function of a FuncEnv with the arguments it takes; a key, if it takes one, is called `rng` or `key`."""
    extra: dict[str, Any] = {}
    for name in list(inspect.signature(function).parameters)[len(arguments) :]:
        if name in ("rng", "key"):
            extra[name] = key
        elif name == "params" and params is not None:
            extra[name] = params
    return function(*arguments, **extra)


def _fixed_or_leaf(value: Any) -> Any:
    return value if isinstance(value, float | np.floating | np.ndarray | Array) else Fixed(value)
