"""Policies, which choose the actions."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import jax

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Space

Policy: TypeAlias = Callable[[Any, Key], Any]
"""`policy(observation, key) -> action`, for one environment.

A policy with numbers in it (weights, a table) should be a pytree, such as a `jaxenvs.PyTreeNode` with `__call__` or a
`jax.tree_util.Partial`. Then new numbers need no new compilation. A plain function works as well, but what it closes
over is compiled into the program.
"""


class RandomPolicy(PyTreeNode):
    """Draws every action from the action space.

    Attributes:
        action_space: the space.
    """

    action_space: Space[Any]

    def __post_init__(self) -> None:
        if isinstance(self.action_space, Env):
            raise InvalidField(
                "RandomPolicy takes an action space, got an environment. Write `RandomPolicy(env.action_space)`."
            )

    def __call__(self, observation: Any, key: Key) -> Any:
        """A sample of the action space, for any observation."""
        return self.action_space.sample(key)


def as_policy(policy: Policy) -> Policy:
    """`policy` as a pytree: a plain function is wrapped in `jax.tree_util.Partial`.

    Raises:
        InvalidField: it cannot be called, or not with two arguments.
    """
    if not callable(policy):
        raise InvalidField(
            f"A policy is called as `policy(observation, key)`, got {policy!r} of type {type(policy).__name__}."
        )
    try:
        inspect.signature(policy).bind(None, None)
    except ValueError:  # a builtin function does not tell its arguments
        pass
    except TypeError as error:
        name = getattr(policy, "__name__", type(policy).__name__)
        raise InvalidField(
            f"A policy is called as `policy(observation, key)`, and `{name}` cannot be: {error}. For one that draws"
            " nothing write `lambda observation, key: ...`."
        ) from None
    return jax.tree_util.Partial(policy) if jax.tree_util.all_leaves([policy]) else policy
