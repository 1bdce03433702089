"""DomainRandomize: fresh parameters for each episode."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_function
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import is_static, static
from jaxenvs.core.wrapper import Placement, SameActions, SameObservations, Wrapper, WrapperState, rewrap, unwrap
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key

Obs = TypeVar("Obs")


class DomainRandomizeState(WrapperState):
    """State of `DomainRandomize`.

    Attributes:
        parameters: the leaves of this episode's base environment, in the order of `jax.tree.leaves`;
            `DomainRandomize.drawn(state)` is that environment.
    """

    parameters: list[Array]


class DomainRandomize(SameObservations, SameActions, Wrapper[DomainRandomizeState, Obs], Generic[Obs]):
    """Plays each episode in an environment with freshly drawn parameters.

        def randomize(key, env):
            return env.replace(gravity=jax.random.uniform(key, (), minval=5.0, maxval=15.0))

        env = AutoReset(DomainRandomize(jaxenvs.make("CartPole-v1"), randomize))

    The spaces are those of the environment as given. It goes inside AutoReset; a TimeLimit may be
    inside or around.

    If something outlasts an episode (`Env.after_episode`), `randomize` is given the environment after the last
    episode. An episode begins in exactly what `randomize` returns. It continues with those fields that have the
    form they were given in: a field that was None, and is an array after an episode, is None again in `step`.

    Attributes:
        randomize: a pure function, traceable by JAX, from a key and the base environment (the one under all wrappers)
            to the environment of the episode, which may differ only in the values of its leaves. It is part of the
            traced program, so define it once: a new lambda means a new trace.
        continued: `env` after the last episode, or None before the first; `after_episode` sets it.
        training_only: whether `evaluation` removes the wrapper. By default it does not, so agents are evaluated over
            such draws; pass True to evaluate them in the environment as given.
    """

    randomize: Callable[[Key, Any], Any] = static()
    continued: Any = None
    training_only: bool = static(default=False, kw_only=True)

    placement: ClassVar[Placement] = "inside"

    def check_fields(self) -> None:
        """Checks that `randomize` is a function, of a key and an environment in this order."""
        check_function(self, "randomize", self.randomize)
        code: Any = getattr(self.randomize, "__code__", None)  # of a Python function
        if code is not None and code.co_varnames[:2] == ("env", "key"):
            raise InvalidField("DomainRandomize: `randomize` takes the key first: write `def randomize(key, env):`.")

    def check_spaces(self) -> None:
        """Checks that `randomize` changes nothing but the values of leaves."""
        jax.eval_shape(self._draw, jax.eval_shape(lambda: jax.random.key(0)))

    def inner_state(self, state: DomainRandomizeState) -> Any:
        return state.inner

    def after_episode(self, state: DomainRandomizeState) -> Self:
        """The wrapper whose next episode is drawn from the wrapped environment as it is after this one."""
        if not type(unwrap(self)).changes_between_episodes:
            return self
        before = self.env if self.continued is None else self.continued
        return self.replace(continued=before.after_episode(state.inner))

    def drawn(self, state: DomainRandomizeState) -> Env[Any, Any]:
        """The wrapped environment around this episode's base environment."""
        return rewrap(self.env, jax.tree.structure(unwrap(self.env)).unflatten(state.parameters))

    def reset(self, key: Key) -> tuple[DomainRandomizeState, TimeStep[Obs]]:
        """Draws an environment and resets it."""
        draw_key, inner_key = jax.random.split(check_key(key))
        drawn = self._draw(draw_key)
        inner, timestep = rewrap(self.env, drawn).reset(inner_key)
        return DomainRandomizeState(inner, _leaves_in_the_form_of(unwrap(self.env), drawn)), timestep

    def step(self, state: DomainRandomizeState, action: Array) -> tuple[DomainRandomizeState, TimeStep[Obs]]:
        inner, timestep = self.drawn(state).step(state.inner, action)
        return DomainRandomizeState(inner, state.parameters), timestep

    def observe(self, state: DomainRandomizeState) -> Obs:
        """The drawn environment's observation of the state."""
        return self.drawn(state).observe(state.inner)

    def render(self, state: DomainRandomizeState) -> Array:
        """Draws the state as the drawn environment does: (height, width, 3) uint8."""
        return self.drawn(state).render(state.inner)

    def _draw(self, key: Key) -> Env[Any, Any]:
        """The base environment of an episode."""
        base = unwrap(self.env if self.continued is None else self.continued)
        drawn = self.randomize(key, base)
        if difference := _first_difference(base, drawn, "env"):
            raise InvalidField(
                f"DomainRandomize: `randomize` may change only the values of leaves, but {difference}."
                " Return `env.replace(field=value)` with values of the same shapes."
            )
        return jax.tree.map(_strong, drawn)


def _leaves_in_the_form_of(base: Env[Any, Any], drawn: Env[Any, Any]) -> list[Array]:
    """The leaves of `drawn`, or those of `base` for fields with another structure or shape in `drawn`."""
    names = [field.name for field in dataclasses.fields(base) if not is_static(field)]
    pairs = {name: (getattr(base, name), getattr(drawn, name)) for name in names}
    kept = {name: after for name, (before, after) in pairs.items() if not _first_difference(before, after, name)}
    form = copy.copy(base)  # the constructor would check values again
    vars(form).update(kept)
    return [_strong(leaf) for leaf in jax.tree.leaves(form)]


def _strong(x: Any) -> Array:
    """`x` as an array of at most 32 bits, not weakly typed."""
    x = jnp.asarray(x)
    narrow = {np.dtype(np.float64): jnp.float32, np.dtype(np.int64): jnp.int32}
    return x.astype(narrow.get(x.dtype, x.dtype))


def _is_same(before: Any, after: Any) -> bool:
    """Whether two static values are the same; NumPy arrays are compared as a whole."""
    if isinstance(before, np.ndarray) or isinstance(after, np.ndarray):
        return np.array_equal(before, after)
    return bool(before == after)


def _first_difference(base: Any, drawn: Any, path: str) -> str | None:
    """Describes the first difference of the two other than in the values of leaves."""
    if type(drawn) is not type(base) and (dataclasses.is_dataclass(base) or dataclasses.is_dataclass(drawn)):
        return f"`{path}` was {type(base).__name__} and became {type(drawn).__name__}"
    if dataclasses.is_dataclass(base):
        for field in dataclasses.fields(base):
            before, after = getattr(base, field.name), getattr(drawn, field.name)
            if not is_static(field):
                if difference := _first_difference(before, after, f"{path}.{field.name}"):
                    return difference
            elif not _is_same(before, after):
                return f"the static `{path}.{field.name}` was {before!r} and became {after!r}"
        return None
    before, after = jax.tree.structure(base), jax.tree.structure(drawn)
    if before != after:
        return f"the structure of `{path}` was {before} and became {after}"
    for old, new in zip(jax.tree.leaves(base), jax.tree.leaves(drawn), strict=True):
        if jnp.shape(old) != jnp.shape(new):
            return f"`{path}` had shape {jnp.shape(old)} and got shape {jnp.shape(new)}"
    return None
