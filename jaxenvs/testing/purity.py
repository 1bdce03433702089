"""Checks of purity: a function of its arguments and nothing else, in every form in which JAX runs it."""

import contextlib
import gc
import re
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxenvs.testing.subject import Fault, Subject
from jaxenvs.testing.trees import difference, identical, perturb, stack_floats, static_fields, take
from jaxenvs.wrappers import AutoReset, DomainRandomize


def inputs_kept(subject: Subject) -> None:
    """`reset` and `step` do not change the containers that they are given."""
    for call, signature in (("reset", subject.reset_signature), ("step", subject.step_signature)):
        if not signature.inputs_kept:
            raise Fault(
                f"{call} changed a container inside its arguments in place",
                "Build new ones: `state.replace(field=value)`, `{**info, 'key': value}`.",
            )


def pure(subject: Subject) -> None:
    """Tracing a call twice gives the same program, and changes nothing: no counter, clock or NumPy random number."""
    env, state = subject.env, subject.state_shape
    for call, signature in (("reset", subject.reset_signature), ("step", subject.step_signature)):
        if signature.changed:
            raise Fault(
                f"{call} changes {' and '.join(signature.changed)}",
                "Let it return everything that it computes, draw from the key, and set nothing for the whole process.",
            )
    programs: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "reset": (lambda key: env.reset(key), (subject.keys(0),)),
        "step": (lambda state, action: env.step(state, action), (state, subject.action)),
    }
    if env.can_render:
        programs["render"] = lambda state: env.render(state), (state,)
    for call, (function, arguments) in programs.items():
        try:
            texts, constants = zip(*(_program(function, arguments) for _ in range(2)), strict=True)
            same = texts[0] == texts[1] and identical(constants[0], constants[1])
        except Exception as error:
            if call == "render":  # by a host, whose pictures `renders` asks for
                continue
            if not isinstance(error, jax.errors.JAXTypeError):
                raise
            first_line = str(error).splitlines()[0]
            raise Fault(
                f"{call} meets an array of an earlier trace: {type(error).__name__}: {first_line}",
                "Keep no JAX array from one call to the next, in `functools.cached_property`, `functools.cache` or an"
                " attribute: compute it each time, which costs nothing in a compiled program, or once with NumPy.",
            ) from error
        if not same:
            raise Fault(
                f"{call} is a different program each time it is traced{_first_difference(*texts)}",
                "Let it depend only on its arguments: keep counters in the state, draw from the key,"
                " and read no module variable that changes.",
            )


def _program(function: Any, arguments: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The text of a traced program, and its constants."""
    # A new function object each time, so that JAX does not reuse an earlier trace.
    program = jax.make_jaxpr(lambda *a: function(*a))(*arguments)
    return re.sub(r"0x[0-9a-f]+|id=\d+", "", str(program.jaxpr)), list(program.consts)


def _first_difference(left: str, right: str) -> str:
    for a, b in zip(left.splitlines(), right.splitlines(), strict=False):
        if a != b:
            return f": `{a.strip()}`, then `{b.strip()}`"
    return ""


def no_leaks(subject: Subject) -> None:
    """No tracer outlives the trace of `reset` or `step`."""
    env, state = subject.env, subject.state_shape
    calls: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "reset": (lambda key: env.reset(key), (subject.keys(0),)),
        "step": (lambda state, action: env.step(state, action), (state, subject.action)),
    }
    for call, (function, arguments) in calls.items():
        try:
            with _older_objects_out_of_sight(), jax.checking_leaks():
                jax.make_jaxpr(function)(*arguments)
        except Exception as error:
            if "leak" not in str(error).lower():
                raise
            raise Fault(
                f"a tracer leaks out of {call}: {str(error).splitlines()[0]}",
                "Store nothing outside the returned state: no attribute, module variable, list or cache.",
            ) from error


@contextlib.contextmanager
def _older_objects_out_of_sight() -> Iterator[None]:
    """Keeps JAX from searching all objects of the process for references to a leaked tracer, which can take minutes."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def one_trace(subject: Subject) -> None:
    """One trace serves every key, state, action and parameter value."""
    env = subject.env
    floats = [f"`{name}`" for name, value in static_fields(env) if isinstance(value, float | np.floating)]
    if floats:
        raise Fault(
            f"static field{'s' * (len(floats) > 1)} {', '.join(floats)} hold{'s' * (len(floats) == 1)} a float,"
            " so each value costs a compilation",
            "Drop `static` from physical numbers, so that they are leaves.",
        )
    state, _ = subject.after_reset
    subject.step(env, state, subject.action)
    before = list(subject.traces)
    other_env = perturb(env, 1 - 2**-9)
    other_state, _ = subject.reset(other_env, subject.keys(7))
    for _ in range(2):
        other_state, _ = subject.step(other_env, other_state, subject.sample(subject.keys(8)))
    again = subject.traces[len(before) :]
    if again:
        raise Fault(
            f"{' and '.join(sorted(set(again)))} was traced again for a second key, state or parameter value",
            "Return the same types from `reset` and `step`, weak types included, and read no value while tracing.",
        )


def same_key_same_trajectory(subject: Subject) -> None:
    """The same keys and actions give the same trajectory, bit for bit."""
    first, second = subject.auto_rollout, subject.run_auto(4)
    if not identical(first.digest, second.digest) or not identical(first.final_state, second.final_state):
        raise Fault(
            "the same keys and actions led to different trajectories",
            "Draw only from the key, and let host callbacks depend only on their arguments.",
        )


def other_key_other_trajectory(subject: Subject) -> None:
    """Different keys give different trajectories if the environment is declared random, and the same one if not."""
    differs = bool((np.asarray(subject.auto_rollout.digest) != np.asarray(subject.run_auto(9).digest)).any())
    if subject.random and not differs:
        raise Fault(
            f"with the same actions, two sets of {subject.lanes} keys gave the same {subject.steps} timesteps",
            "Draw the start or the transitions from the key; if nothing in the task is random, pass `random=False`.",
        )
    if differs and not subject.random:
        raise Fault(
            "it is declared `random=False`, yet another key gave different timesteps",
            "Draw nothing from the key, or drop `random=False`.",
        )


def all_transformations_agree(subject: Subject) -> None:
    """Eager, jitted, vmapped and scanned calls agree: integers exactly, floats and pictures to rounding."""
    env = subject.env
    _, states, actions, outcomes = subject.few
    flat = jax.tree.map(lambda x: x.reshape((x.shape[0] * x.shape[1], *x.shape[2:])), (states, actions, outcomes))
    mapped = jax.jit(jax.vmap(env.step))(flat[0], flat[1])
    forms = [("vmap", mapped, flat[2])]
    for number, (state, action, outcome) in enumerate(subject.each_of_few()):
        forms.append(("jit", subject.step(env, state, action), outcome))
        if subject.eager and number < 2:
            forms.append(("eager", env.step(state, action), outcome))
            _check_not_deleted("step", (state, action))
    for lane, key in enumerate(subject.keys(2, 2)):
        start = take(subject.few[0], lane)
        forms.append(("jit", subject.reset(env, key), start))
        if subject.eager and lane == 0:
            forms.append(("eager", env.reset(key), start))
            _check_not_deleted("reset", key)
    for form, result, expected in forms:
        found = difference("(state, timestep)", result, expected)
        if found:
            raise Fault(
                f"a call under {form} and one under vmap in scan differ at {found}",
                "Use jnp rather than np or Python `if` on values, and treat traced and concrete input in the same way.",
            )


def _check_not_deleted(call: str, arguments: Any) -> None:
    """Raises `Fault` if an array among the arguments of a call is gone after it."""
    if any(isinstance(leaf, jax.Array) and leaf.is_deleted() for leaf in jax.tree.leaves(arguments)):
        raise Fault(
            f"{call} donates an array that it was given, which the caller can then no longer use",
            "Leave out `donate_argnums`: callers donate to their own jitted loop.",
        )


def steps_in_mapped_cond(subject: Subject) -> None:
    """Inside AutoReset and DomainRandomize, it can step within a `lax.cond` whose predicate is mapped."""
    env, around = subject.resetting, "AutoReset"
    if env is not subject.env:
        env, around = AutoReset(DomainRandomize(subject.env, _as_it_is)), "AutoReset and DomainRandomize"

    def step(whether: Any, state: Any, action: Any) -> Any:
        return jax.lax.cond(whether, lambda: env.step(state, action)[0], lambda: state)

    try:
        state = jax.eval_shape(env.reset, subject.keys(0))[0]
        flags, states = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((2, *x.shape), x.dtype), (np.zeros((), bool), state)
        )
        jax.eval_shape(jax.vmap(step, in_axes=(0, 0, None)), flags, states, subject.action)
    except Exception as error:
        first_line = str(error).splitlines()[0] if str(error) else ""
        raise Fault(
            f"in {around}, within a batched `lax.cond`, step raises {type(error).__name__}: {first_line}",
            "Keep state and fields of one form, and pass arrays as arguments to functions under `custom_vmap`.",
        ) from error


def _as_it_is(key: Any, env: Any) -> Any:
    """Randomizes nothing."""
    del key
    return env


def batch_of_parameters(subject: Subject) -> None:
    """A batch of environments with different parameters steps under vmap, each lane as it would alone."""
    lanes = 3
    envs = [perturb(subject.env, 1 - lane * 2**-9) for lane in range(lanes)]
    batch, axes = stack_floats(envs)
    keys = subject.keys(10, lanes)

    def program(env: Any, key: Any, action: Any) -> Any:
        start = env.reset(key)
        return start, env.step(start[0], action)

    start, outcome = jax.jit(jax.vmap(program, in_axes=(axes, 0, None)))(batch, keys, subject.action)
    for lane, env in enumerate(envs):
        alone = subject.reset(env, keys[lane])
        found = difference("(state, timestep)", take(start, lane), alone)
        # Step from the batch's own state, so that a rounding error in reset is not amplified.
        stepped = subject.step(env, take(start[0], lane), subject.action)
        found = found or difference("(state, timestep)", take(outcome, lane), stepped)
        if found:
            raise Fault(
                f"in a batch of environments, lane {lane} differs from the same environment alone at {found}",
                "Read parameters from `self` in `reset` and `step`, and derive others in properties.",
            )
