"""Error messages for calls of `reset`, `step`, `render` or `observe` with wrong arguments, and for wrong results.

Arguments are examined only after a call has failed, so that a successful call costs one Python frame, and a look at the
type of its result.
"""

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenvs.core import fields
from jaxenvs.core.timestep import TimeStep
from jaxenvs.core.varying import varying_as
from jaxenvs.errors import AttributeNotFound, InvalidAction, InvalidEnv, InvalidKey, InvalidState, JaxenvsError

_LINES = "`state, timestep = env.reset(key)`, then `state, timestep = env.step(state, action)`"

_TRACED = {
    "TracerBoolConversionError": (
        "decides by the value of a traced number, which is not known yet. For `if a > b: x = c` write"
        " `x = jnp.where(a > b, c, x)`, for costly branches `jax.lax.cond`; for `and`, `or`, `not`, `min`, `max` write"
        " `&`, `|`, `~`, `jnp.minimum`, `jnp.maximum`."
    ),
    "TracerArrayConversionError": "passes a traced number to NumPy. Write `jnp` in place of `np` to compute with data.",
    "TracerIntegerConversionError": (
        "uses a traced number as a Python integer, which is not known yet. For `values[i]` with a list write"
        " `jnp.array(values)[i]`, for `for i in range(n)` `jax.lax.fori_loop`."
    ),
    "NonConcreteBooleanIndexError": (
        "selects entries by a traced mask, whose number is not known yet. Write `jnp.where(mask, x, 0)`."
    ),
    "ConcretizationTypeError": (
        "needs the value of a traced number, which is not known yet. Write `jnp.sin` in place of `math.sin`,"
        " `x.astype(jnp.int32)` in place of `int(x)`, `x.astype(jnp.float32)` in place of `float(x)`."
    ),
    "TypeError": "",
}
"""The mistakes of an environment that cause JAX's errors, by the names of the errors."""

_WORDED = {
    r"unhashable type: '.*(Tracer|Array)": (
        "looks a number of JAX up in a dictionary or a set, which cannot find it. Index an array:"
        " `jnp.array([-1.0, 1.0])[action]`."
    ),
    r"unsupported format string passed to \w*Tracer": (
        'formats a traced number, which is not known yet. Write `jax.debug.print("x = {x:.2f}", x=x)`.'
    ),
    r"manual axis types do not match|\{V:": (
        "does not mark which of its values differ between devices. Pass `check_vma=False` to `jax.shard_map`."
    ),
    r"is not found in mesh|sharded the same|sharding in types": (
        "is written for one device, and was given arrays whose types hold their sharding. Make the mesh with"
        " `axis_types=(jax.sharding.AxisType.Auto,)`, or use `jax.shard_map`."
    ),
    r"^transition\(\) (takes|got)": (
        "calls `jaxenvs.transition`, which takes the observation, the reward, `terminated`, and `info` if there is any."
        " An environment never truncates: `jaxenvs.TimeLimit` does, and `max_episode_steps` of `jaxenvs.register`."
    ),
    r"^TimeStep\.__init__\(\)": (
        "makes a TimeStep by its constructor. Write `jaxenvs.restart(observation)` in `reset`, and"
        " `jaxenvs.transition(observation, reward, terminated)` in `step`."
    ),
}
"""The mistakes that cause other errors, by patterns for the messages of the errors."""


def explained(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `method` so that wrong calls raise an error that explains them.

    Args:
        name: the method's name: "reset", "step", "render" or "observe".
        method: a function whose first argument is the environment.
    """

    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            result = method(self, *arguments, **named)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            explanation = _explain(self, name, method, arguments, named, error)
            if explanation is None:
                raise
            raise explanation from (error if isinstance(explanation, InvalidEnv) else None)
        if returns_pair and not _is_pair(result):
            raise InvalidEnv(_wrong_result(self, name, result))
        if name == "render" and not _is_picture(result):
            raise InvalidEnv(_wrong_picture(self, result))
        if name == "reset":
            _check_leaves(self, result)
        return varying_as((self, arguments, named), result) if returns_pair else result

    returns_pair = name in ("reset", "step")
    return call


def keyed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `sample` of a space so that a call without a key raises an error that explains it."""

    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return method(self, *arguments, **named)
        except TypeError:
            if arguments or "key" in named:
                raise
        raise InvalidKey(
            f"`{type(self).__name__}.sample` takes a random key, and got none: write `space.sample(key)` with"
            " `key = jaxenvs.random.key(0)`, and for each further draw a key of its own, by `jax.random.split(key)`."
        )

    return call


def _is_pair(result: Any) -> bool:
    """Whether a result is a pair of a state that JAX can take apart, and a timestep."""
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], TimeStep):
        return False
    state = result[0]
    if state is None or isinstance(state, TimeStep):
        return False
    return not jax.tree_util.all_leaves((state,)) or _is_data(state)


def _is_picture(result: Any) -> bool:
    """Whether a result has the shape and dtype of a picture."""
    shape = getattr(result, "shape", ())
    return len(shape) == 3 and shape[-1] == 3 and getattr(result, "dtype", None) == np.uint8


def _wrong_picture(env: Any, result: Any) -> str:
    """What `render` returned in place of a picture, and what to write."""
    begin = f"`{type(env).__name__}.render` must return an array (height, width, 3) of uint8, and returned"
    if result is None:
        return f"{begin} nothing. Nothing is shown in a window: return the picture."
    if hasattr(result, "to_rgb"):
        return f"{begin} {describe(result)}. Write `return canvas.to_rgb()`."
    if not hasattr(result, "dtype"):
        return f"{begin} {describe(result)}. Write `jnp.asarray(picture, jnp.uint8)`."
    kind = f"{begin} an array {result.dtype}{list(result.shape)}"
    if jax.numpy.issubdtype(result.dtype, jax.numpy.floating):
        return f"{kind}. For colours from 0 to 1, write `(255 * picture).astype(jnp.uint8)`."
    return f"{kind}. Of a picture in grey, write `jnp.stack([picture] * 3, axis=-1).astype(jnp.uint8)`."


def _is_data(leaf: Any) -> bool:
    """Whether a leaf of a tree is an array, a number, or what stands for one while JAX traces or maps."""
    return isinstance(leaf, Array | np.ndarray | np.generic | int | float | complex) or hasattr(leaf, "dtype")


def _check_leaves(env: Any, result: tuple[Any, TimeStep[Any]]) -> None:
    """Raises `InvalidEnv` if something within the state or the timestep is not an array."""
    if all(map(_is_data, jax.tree.leaves(result))):
        return
    for path, leaf in jax.tree_util.tree_leaves_with_path(dict(zip(("state", "timestep"), result))):
        if not _is_data(leaf):
            place = f"{path[0].key}{jax.tree_util.keystr(path[1:])}"
            raise InvalidEnv(
                f"`{type(env).__name__}.reset` returns {describe(leaf)} in `{place}`, where an array belongs. In a"
                " state, what never changes is a static field: `name: str = jaxenvs.static()`. An observation and"
                " `info` hold arrays alone."
            )


def _wrong_result(env: Any, name: str, result: Any) -> str:
    """What `reset` or `step` returned in place of a state and a timestep, and what to write."""
    owner = type(env).__name__
    made = "restart(observation)" if name == "reset" else "transition(observation, reward, terminated)"
    begin = f"`{owner}.{name}` must return a state and a TimeStep, and"
    line = f"Write `return state, jaxenvs.{made}`."
    if result is None:
        return f"{begin} returned nothing. {line}"
    if not isinstance(result, tuple):
        return f"{begin} returned {describe(result)} alone. {line}"
    got = f"{begin} returned ({', '.join(map(describe, result))})"
    if len(result) == 2 and isinstance(result[0], TimeStep) and not isinstance(result[1], TimeStep):
        return f"{got}. Exchange them: `return state, timestep`."
    if len(result) == 2 and isinstance(result[1], TimeStep) and not isinstance(result[0], TimeStep):
        if result[0] is None:
            return f"{got}. A state that holds nothing is an empty tuple: `return (), timestep`."
        return (
            f"{got}. {type(result[0]).__name__} is not a class that JAX can take apart: derive it from"
            " `jaxenvs.PyTreeNode`, or use a NamedTuple, a tuple or a dictionary of arrays."
        )
    return f"{got}. {line}"


def _explain(
    env: Any, name: str, method: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any], error: Any
) -> JaxenvsError | None:
    """The error to raise in place of `error`; None if the call was right, in which case `error` may get a note."""
    if vars(error).get("jaxenvs_examined", False):
        return None
    if inspect.unwrap(getattr(type(env), name)) is not method:
        return None  # a class calls the method of its base, perhaps with a state of its own: its own call is judged
    try:
        bound = inspect.signature(method).bind(env, *arguments, **named).arguments
    except TypeError:
        return _wrong_arguments(env, name, arguments, named)
    values = list(bound.values())[1:]
    is_ours = isinstance(error, JaxenvsError)
    if is_ours and not isinstance(error, AttributeNotFound | InvalidAction | InvalidState | InvalidEnv):
        return None
    if name != "reset" and not isinstance(error, InvalidAction | InvalidState) and (size := _size(env, values[0])):
        mapped = f"jax.vmap(env.{name})(states{', actions' * (name == 'step')})"
        return InvalidState(f"`{type(env).__name__}.{name}` takes one state, got a batch of {size}. Write `{mapped}`.")
    if isinstance(error, InvalidEnv):
        return None
    if name != "reset" and not _fits(env, method, values[0]):
        # An outer environment may find that this was the inner state of something that is not a state either.
        return InvalidState(_wrong_state(env, name, values))
    if not isinstance(error, JaxenvsError):
        vars(error)["jaxenvs_examined"] = True
        carries = name == "step" and "env" in vars(env) and isinstance(error, TypeError) and not _is_tracing(error)
        if carries and (change := _first_change(env.env)):
            return InvalidEnv(change)
        _add_note(env, name, error)
    return None


def _wrong_arguments(env: Any, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> JaxenvsError:
    owner = type(env).__name__
    got = ", ".join([*map(describe, arguments), *(f"{key}={value!r}" for key, value in named.items())]) or "nothing"
    if name == "reset":
        seed = named.get("seed")
        key = f"jaxenvs.random.key({seed if isinstance(seed, int) else 0})"
        line = f"`state, timestep = env.reset({key})`"
        return InvalidKey(f"`{owner}.reset` takes a random key and nothing else, got {got}. Write {line}.")
    if name == "step":
        if len(arguments) > 2:
            more = " The state holds the keys that are needed, and parameters are fields of the environment."
            return InvalidState(f"`{owner}.step` takes the state and the action, got {got}.{more} Write {_LINES}.")
        if len(arguments) == 1 and not named and _fits(env, type(env).step, arguments[0]):
            return InvalidAction(f"`{owner}.step` takes the state and the action, but got only the state.")
        hint = " An environment does not keep its state, so you pass it on."
        return InvalidState(f"`{owner}.step` takes the state and the action, got {got}.{hint} Write {_LINES}.")
    hint = " An environment does not keep its state."
    return InvalidState(f"`{owner}.{name}` takes the state to look at, got {got}.{hint} Write `env.{name}(state)`.")


def _fits(env: Any, method: Callable[..., Any], state: Any) -> bool:
    """Whether `state` may be a state of `env`; True if that is unknown."""
    hint = _state_hint(method)
    if hint is not None:
        return isinstance(state, hint)
    expected = _reset_state(env)
    if expected is None:
        return True
    return jax.tree.structure(expected) == jax.tree.structure(state) or _same_node(expected, state)


def _size(env: Any, state: Any) -> int | None:
    """The number of states in a batch of states of `env`; None if `state` is no such batch."""
    expected = _reset_state(env)
    if expected is None or jax.tree.structure(expected) != jax.tree.structure(state):
        return None
    shapes = [(jax.numpy.shape(x), x_one.shape) for x, x_one in zip(jax.tree.leaves(state), jax.tree.leaves(expected))]
    sizes = {shape[0] if shape and shape[1:] == one else None for shape, one in shapes}
    return sizes.pop() if len(sizes) == 1 else None


def _same_node(expected: Any, state: Any) -> bool:
    """Whether both are nodes of the same class, whatever they contain."""
    return type(expected) is type(state) and not isinstance(state, jax.ShapeDtypeStruct | tuple | list | dict)


@functools.cache
def _state_hint(method: Callable[..., Any]) -> type[Any] | None:
    """The class that a method's annotation gives for the state, if it gives one."""
    function = inspect.unwrap(method)
    name = list(inspect.signature(function).parameters)[1:2]
    hint = function.__annotations__.get(name[0]) if name else None
    hint = getattr(hint, "__origin__", hint)
    return hint if isinstance(hint, type) and dataclasses.is_dataclass(hint) else None


def _reset_state(env: Any) -> Any:
    """The state that `reset` returns, as a tree of `jax.ShapeDtypeStruct`; None if it fails."""
    try:
        return jax.eval_shape(env.reset, jax.eval_shape(lambda: jax.random.key(0)))[0]
    except Exception:  # noqa: BLE001  # an environment with another mistake
        return None


def _wrong_state(env: Any, name: str, values: list[Any]) -> str:
    owner, state = type(env).__name__, values[0]
    hint = _state_hint(getattr(type(env), name))
    wanted = (hint or type(_reset_state(env))).__name__
    wanted = "an array" if wanted == "ShapeDtypeStruct" else wanted
    begin = f"`{owner}.{name}` takes a state of this environment, {_article(wanted)}, and got {describe(state)}"
    if isinstance(state, TimeStep):
        return f"{begin}, which `reset` and `step` return second. Write {_LINES}."
    if name == "step" and _fits(env, type(env).step, values[1]):
        return f"{begin} as its state and the state as its action. Exchange them: `env.step(state, action)`."
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], TimeStep):
        return f"{begin}, the pair that `reset` and `step` return. Take it apart: {_LINES}."
    inner = vars(env).get("env")
    while inner is not None:
        if _state_hint(type(inner).step) not in (None, hint) and _fits(inner, type(inner).step, state):
            return (
                f"{begin}, the state of {type(inner).__name__} inside, without what {owner} keeps. Hand on what"
                f" `reset` and `step` of this same environment return: {_LINES}."
            )
        inner = vars(inner).get("env")
    within = getattr(state, "inner", None)
    while within is not None:
        if _fits(env, type(env).step, within):
            return (
                f"{begin}, the state of a wrapper around it. Use the wrapped environment's `{name}`, or take the state"
                " inside: `jaxenvs.unwrap_state(wrapped, state)`."
            )
        within = getattr(within, "inner", None)
    return f"{begin}. The state is what `reset` and `step` return first, and not the observation. Write {_LINES}."


def describe(value: Any) -> str:
    """What was passed, in a few words."""
    if isinstance(value, Array | np.ndarray):
        return f"an array {value.dtype}{list(value.shape)}"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return _article(type(value).__name__)


def _article(noun: str) -> str:
    return noun if noun.startswith("an ") else f"{'an' if noun[0] in 'AEIOUaeiou' else 'a'} {noun}"


def _is_tracing(error: Exception) -> bool:
    return isinstance(error, jax.errors.JAXTypeError | jax.errors.JAXIndexError)


def _add_note(env: Any, name: str, error: Exception) -> None:
    """Adds a note to an error of JAX that says what to write instead."""
    owner = type(env).__name__
    if _is_tracing(error) or "concrete values" in str(error):
        kind = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _TRACED), "TypeError")
        integers = [
            f"`{field.name}: int = jaxenvs.static(default={field.default!r})`"
            for field in fields.fields_of(type(env))
            if not field.is_static and isinstance(field.default, int)
        ]
        text = f"`{owner}.{name}` {_TRACED[kind]}" if _TRACED[kind] else ""
        if kind in ("TracerIntegerConversionError", "ConcretizationTypeError", "TypeError") and integers:
            text += f" A field that decides a shape or a loop must be part of the program: {', '.join(integers)}."
        if text.strip():
            error.add_note(text.strip())
    for pattern, mistake in _WORDED.items():
        if re.search(pattern, str(error)):
            error.add_note(f"`{owner}.{name}` {mistake}")
    batched = [
        f"`{field.name}` {jax.numpy.shape(getattr(env, field.name))}"
        for field in fields.fields_of(type(env))
        if field.kind == "number"
        and isinstance(field.default, int | float)
        and jax.numpy.ndim(getattr(env, field.name))
    ]
    if batched:
        error.add_note(
            f"{owner} holds a batch in place of a single number: {', '.join(batched)}. To step a batch of environments,"
            " map over it: `jax.vmap(lambda env, state, action: env.step(state, action))(envs, states, actions)`."
        )


def _first_change(env: Any) -> str | None:
    """Describes where the types of state, observation or info differ between `step` and `reset`, innermost first."""
    inner = vars(env).get("env")
    if inner is not None and (change := _first_change(inner)):
        return change
    try:
        key = jax.eval_shape(lambda: jax.random.key(0))
        before, first = jax.eval_shape(env.reset, key)
        after, timestep = jax.eval_shape(env.step, before, jax.eval_shape(env.action_space.sample, key))
    except Exception:  # noqa: BLE001  # an environment with another mistake
        return None
    for label, old, new in (
        ("state", before, after),
        ("timestep.observation", first.observation, timestep.observation),
        ("timestep.info", first.info, timestep.info),
    ):
        if jax.tree.structure(old) != jax.tree.structure(new):
            return (
                f"{type(env).__name__}: `{label}` has another structure after `step` than after `reset`:"
                f" {jax.tree.structure(new)} rather than {jax.tree.structure(old)}. Loops carry it, so make both equal."
            )
        for (path, x), y in zip(jax.tree_util.tree_leaves_with_path(old), jax.tree.leaves(new), strict=True):
            if (x.shape, x.dtype) != (y.shape, y.dtype):
                types = f"{x.dtype}{list(x.shape)}", f"{y.dtype}{list(y.shape)}"
                return (
                    f"{type(env).__name__}: `{label}{jax.tree_util.keystr(path)}` is {types[0]} after `reset` and"
                    f" {types[1]} after `step`. Loops carry it, so give both the same type: write"
                    f" `jnp.zeros({tuple(y.shape)}, jnp.{y.dtype})` in `reset`, or `.astype(jnp.{x.dtype})` in `step`."
                )
    return None
