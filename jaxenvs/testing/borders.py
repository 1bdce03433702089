"""Checks at the boundaries: bad input, pickling, rendering."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.errors import InvalidAction, InvalidKey
from jaxenvs.testing.subject import Fault, Subject
from jaxenvs.testing.trees import identical


def bad_action_refused(subject: Subject) -> None:
    """An action of a wrong shape or dtype raises InvalidAction while tracing, and has no other effect."""
    env, (state, _) = subject.env, subject.after_reset
    timestep = jax.eval_shape(env.step, state, subject.action)[1]
    for label, action in _bad_actions(subject.action):
        _expect(
            InvalidAction,
            f"step with {label}",
            lambda a=action: jax.eval_shape(lambda s: env.step(s, a), state),
            _ACTION,
        )
    if jax.eval_shape(env.step, state, subject.action)[1] != timestep:
        raise Fault("a refused action changes what the next step returns", "Keep nothing outside the state.")


def bad_key_refused(subject: Subject) -> None:
    """Anything but one random key raises InvalidKey, and raw key data works like the typed key."""
    env = subject.env
    bad = {
        "an integer": 0,
        "None": None,
        "a float array": jnp.zeros((2,), jnp.float32),
        "a batch of keys": subject.keys(0, 2),
        "a batch of raw keys": jnp.zeros((3, 2), jnp.uint32),
    }
    for label, key in bad.items():
        _expect(InvalidKey, f"reset with {label}", lambda k=key: jax.eval_shape(lambda: env.reset(k)), _KEY)
    raw = jax.random.key_data(jax.random.key(0))
    if jax.eval_shape(env.reset, raw)[1] != jax.eval_shape(env.reset, jax.random.key(0))[1]:
        raise Fault("reset treats raw key data unlike a typed key", _KEY)


_ACTION = "Begin `step` with `action = self.action_space.validate(action)`."
_KEY = "Begin `reset` with `key = check_key(key)`, from `jaxenvs.random`."


def _expect(error: type[Exception], what: str, call: Callable[[], Any], remedy: str) -> None:
    try:
        call()
    except error:
        return
    except Exception as other:
        seen = f"{what} raises {type(other).__name__} instead of {error.__name__}"
        raise Fault(seen, remedy) from other
    raise Fault(f"{what} is accepted instead of raising {error.__name__}", remedy)


def _bad_actions(action: Any) -> Iterator[tuple[str, Any]]:
    yield "no action (None)", None
    leaves, structure = jax.tree.flatten(action)
    for place, leaf in enumerate(leaves):
        wrong_dtype = np.complex64 if jnp.issubdtype(leaf.dtype, jnp.floating) else np.float32
        host = np.asarray(leaf)
        for label, bad in (
            (f"an action of shape {(1, *host.shape)} for {host.shape}", host[None]),
            (f"an action of dtype {np.dtype(wrong_dtype)} for {host.dtype}", host.astype(wrong_dtype)),
        ):
            yield label, structure.unflatten([*leaves[:place], jnp.asarray(bad), *leaves[place + 1 :]])


def survives_pickle(subject: Subject) -> None:
    """Environment, state and timestep survive pickling, including random keys."""
    state, timestep = subject.after_reset
    for name, value in (("the environment", subject.env), ("its state", state), ("its timestep", timestep)):
        try:
            copy = pickle.loads(pickle.dumps(value))
        except Exception as error:
            raise Fault(
                f"{name} cannot be pickled: {type(error).__name__}: {error}",
                "Define classes and functions at the top of a module, and store no lambda or open file.",
            ) from error
        if not identical(copy, value):
            raise Fault(
                f"{name} comes back from pickle changed", "Hold only arrays, numbers and hashable static values."
            )


def renders(subject: Subject) -> None:
    """`render` gives (height, width, 3) uint8, jitted and vmapped, and the picture shows something.

    Rendering is optional: a class that does not define `render` is skipped; see `can_render`.
    """
    if not subject.env.can_render:
        return
    env, (states, _) = subject.env, subject.few[0]
    remedy = "Draw with `jaxenvs.canvas` or jnp; return uint8 in (height, width, 3), from the state alone."
    try:
        frames = jax.jit(jax.vmap(env.render))(states)
    except Exception as error:
        first_line = str(error).splitlines()[0].rstrip(".") if str(error) else ""
        raise Fault(f"render cannot be jitted and vmapped: {type(error).__name__}: {first_line}", remedy) from error
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise Fault(f"render gives {frames.shape[1:]} {frames.dtype}", remedy)
    if frames.min() == frames.max():
        raise Fault("render gives an image of one colour", "Draw the state.")
