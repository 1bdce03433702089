"""Checks of structure: the form of an environment, its states and its timesteps."""

import dataclasses
from typing import Any

import jax
import numpy as np

from jaxenvs.spaces import Space
from jaxenvs.testing.subject import Fault, Signature, Subject
from jaxenvs.testing.trees import difference, identical, static_fields

_STARTS = 512
"""Enough to see a start that occurs once in fifty resets, which so many miss once in 30,000 times."""


def pytree(subject: Subject) -> None:
    """The environment is a frozen pytree that flattens, unflattens and replaces without loss."""
    env = subject.env
    leaves, structure = jax.tree.flatten(env)
    for path, leaf in jax.tree_util.tree_leaves_with_path(env):
        if not isinstance(leaf, jax.Array | np.ndarray | np.generic | int | float | complex):
            where = jax.tree_util.keystr(path)
            raise Fault(
                f"field {where} is a leaf and holds {leaf!r}",
                "Mark what is not a number with `static(default=...)`.",
            )
    for name, value in static_fields(env):
        try:
            hash(value)
        except TypeError as error:
            raise Fault(
                f"static field `{name}` is not hashable ({error})",
                "Give it a hashable value: a tuple for a list, a nested tuple for an array.",
            ) from error
    copy = jax.tree.unflatten(structure, leaves)
    if type(copy) is not type(env) or not identical(copy, env) or not identical(env.replace(), env):
        raise Fault(
            "flattening and unflattening it gives a different environment",
            "Keep everything in declared fields, and change none of them in `__post_init__` or `check_fields`.",
        )
    if fields := dataclasses.fields(env):
        try:
            setattr(env, fields[0].name, getattr(env, fields[0].name))
        except dataclasses.FrozenInstanceError:
            return
        raise Fault("its fields can be assigned to", "Do not pass `frozen=False`; use `env.replace(field=value)`.")


def spaces(subject: Subject) -> None:
    """Both spaces are spaces, and every sampled action lies in its own and passes validation."""
    for name in ("observation_space", "action_space"):
        if not isinstance(getattr(subject.env, name), Space):
            raise Fault(
                f"{name} is {getattr(subject.env, name)!r}", "Return a space from `jaxenvs.spaces`, as a property."
            )
    for name in ("observation_space", "action_space", "reward_range"):
        if not identical(getattr(subject.env, name), getattr(subject.env, name)):
            raise Fault(
                f"`{name}` differs each time it is read",
                "Let it follow from the fields alone: no counter, no NumPy draw.",
            )
    low, high = (float(bound) for bound in subject.env.reward_range)
    if not low <= high:
        raise Fault(f"`reward_range` is {low:.9g} to {high:.9g}", "Return the least and the greatest reward of a step.")
    space = subject.env.action_space
    samples = jax.jit(jax.vmap(space.sample))(subject.keys(6, 256))
    inside = np.asarray(jax.jit(jax.vmap(space.contains))(samples))
    if not inside.all():
        example = jax.tree.map(lambda x: np.asarray(x)[int(np.argmin(inside))], samples)
        raise Fault(f"action_space.sample gives {example}, which the space does not contain", "Correct the space.")
    accepted = space.validate(subject.action)
    if not identical(accepted, subject.action):
        raise Fault(
            f"action_space.validate turns the sample {subject.action} into {accepted}",
            "Let `validate` return what it accepts in the dtype that `sample` has.",
        )


def _signatures(subject: Subject) -> tuple[tuple[str, Signature], tuple[str, Signature]]:
    return ("reset", subject.reset_signature), ("step", subject.step_signature)


def timestep(subject: Subject) -> None:
    """`reset` and `step` return (state, TimeStep) of arrays: reward () float32, flags () bool."""
    expected = {
        "timestep.reward": "() float32",
        "timestep.terminated": "() bool",
        "timestep.truncated": "() bool",
    }
    for call, signature in _signatures(subject):
        if signature.result != "pair" or signature.timestep_type != "TimeStep":
            what = (
                signature.result
                if signature.result != "pair"
                else f"a pair whose second part is {signature.timestep_type}"
            )
            raise Fault(
                f"{call} returns {what}",
                "Return (state, timestep), with a timestep from `restart` or `transition`.",
            )
        for leaf in signature.leaves.values():
            if leaf.kind != "array":
                raise Fault(
                    f"{leaf.path} from {call} is a {leaf.kind}, not a JAX array",
                    "Write `jnp.asarray(value, dtype)`; `restart` and `transition` do it for reward and flags.",
                )
        for path, kind in expected.items():
            if signature.timestep[path].type != kind:
                raise Fault(
                    f"{path} from {call} is {signature.timestep[path].type}, it must be {kind}",
                    "Make it a scalar of that dtype; `restart` and `transition` cast, but do not reshape.",
                )


def info(subject: Subject) -> None:
    """`info` is a dict with the same keys, shapes and dtypes from `reset` and from `step`."""
    found = dict(_signatures(subject))
    for call, signature in found.items():
        if isinstance(signature.info, str):
            raise Fault(f"info from {call} is a {signature.info}", "Make it a dict of arrays; {} if there are none.")
        if not all(isinstance(key, str) for key in signature.info):
            raise Fault(f"info from {call} has the keys {signature.info}", "Use strings as keys.")
    at_reset, at_step = set(found["reset"].info), set(found["step"].info)
    if at_reset != at_step:
        only = sorted(at_reset ^ at_step)
        raise Fault(
            f"info has the keys {sorted(at_reset)} from reset and {sorted(at_step)} from step",
            f"Give {only} at both, with a neutral value if there is nothing to report.",
        )
    _same_leaves(subject, "timestep.info")


def same_types(subject: Subject) -> None:
    """State and timestep have the same tree, shapes and dtypes from `reset` and from `step`."""
    _same_leaves(subject, "")
    reset, step = subject.reset_signature, subject.step_signature
    if reset.structure != step.structure:
        raise Fault(
            f"the trees differ: {reset.structure} from reset, {step.structure} from step",
            "Return the same containers and the same static fields from both, or no scan can carry the state.",
        )
    mismatched = [p for p in reset.timestep if p.startswith("timestep.observation")]
    for path in mismatched:
        twin = reset.timestep.get(path.replace("timestep.observation", "timestep.final_observation", 1))
        if twin is None or twin.type != reset.timestep[path].type:
            raise Fault(
                f"{path} is {reset.timestep[path].type}, final_observation {twin.type if twin else 'lacks it'}",
                "Both observations are of one type: use `restart` and `transition`.",
            )


def _same_leaves(subject: Subject, under: str) -> None:
    reset, step = subject.reset_signature.leaves, subject.step_signature.leaves
    for path in [*reset, *(path for path in step if path not in reset)]:
        if not path.startswith(under):
            continue
        at_reset, at_step = (leaves[path].type if path in leaves else "missing" for leaves in (reset, step))
        if at_reset != at_step:
            raise Fault(
                f"{path} is {at_reset} from reset and {at_step} from step",
                "Cast explicitly, such as `jnp.zeros((), jnp.int32)` or `x.astype(jnp.float32)`.",
            )


def no_weak_types(subject: Subject) -> None:
    """No leaf of a state or timestep is weakly typed, since that costs a second compilation."""
    for call, signature in _signatures(subject):
        for leaf in signature.leaves.values():
            if leaf.weak:
                raise Fault(
                    f"{leaf.path} from {call} is a weakly typed {leaf.dtype}",
                    "Name the dtype where it is made: `jnp.asarray(value, jnp.float32)`, `jnp.zeros((), jnp.int32)`.",
                )


def x64(subject: Subject) -> None:
    """It runs with 64-bit types on, alone and mapped, and every leaf has the same dtype as with them off."""
    env = subject.env
    usual: dict[str, Any] = {call: signature.leaves for call, signature in _signatures(subject)}
    with jax.enable_x64(True):
        wide = Subject(env, seed=subject.seed)
        for call, signature in _signatures(wide):
            for path, leaf in signature.leaves.items():
                if leaf != usual[call].get(path):
                    was = usual[call][path].type if path in usual[call] else "missing"
                    raise Fault(
                        f"with 64-bit types on, {path} from {call} is {leaf.type}, otherwise {was}",
                        "Name every dtype: `jax.random.uniform(key, shape, jnp.float32)`, `jnp.zeros((), jnp.int32)`.",
                    )

        def program(env: Any, key: Any, action: Any) -> Any:
            return env.step(env.reset(key)[0], action)

        jax.block_until_ready(jax.jit(program)(env, wide.keys(0), wide.action))
        # A rule of `vmap` may join what a single environment keeps apart, such as indices of 32 and of 64 bits.
        jax.eval_shape(jax.vmap(program, in_axes=(None, 0, None)), env, wide.keys(0)[None], wide.action)


def episode_start(subject: Subject) -> None:
    """An episode begins with reward 0, neither flag set, and `final_observation` equal to `observation`."""
    _, timestep = subject.after_reset
    if float(timestep.reward) != 0 or bool(timestep.terminated) or bool(timestep.truncated):
        raise Fault(
            f"reset returns reward {timestep.reward}, terminated {timestep.terminated}, truncated {timestep.truncated}",
            "An episode begins with reward 0 and neither flag set: use `restart`.",
        )
    if not identical(timestep.observation, timestep.final_observation):
        raise Fault("reset's final_observation is not its observation", "Use `restart`, which sets both.")

    def begins_over(env: Any, key: Any) -> Any:
        _, timestep = env.reset(key)
        return (timestep.reward != 0) | timestep.terminated | timestep.truncated

    # What `restart` returns is constant, and so is this program.
    over = np.asarray(jax.jit(jax.vmap(begins_over, in_axes=(None, 0)))(subject.env, subject.keys(12, _STARTS)))
    if over.any():
        raise Fault(
            f"{np.count_nonzero(over)} of {_STARTS} resets return a reward or a flag that is set",
            "Draw a start from which the episode can go on, and return it by `restart`.",
        )


def observes(subject: Subject) -> None:
    """`observe` of a state, if defined, is the observation that came with that state."""
    if not subject.env.can_observe:
        return
    starts, _, _, outcomes = subject.few
    observe = jax.vmap(lambda env, state: env.observe(state), in_axes=(None, 0))
    over_steps = jax.vmap(observe, in_axes=(None, 0))
    for call, mapped, (state, timestep) in (("reset", observe, starts), ("step", over_steps, outcomes)):
        if found := difference("observation", timestep.observation, jax.jit(mapped)(subject.env, state)):
            raise Fault(
                f"{call} and `observe` of its state do not agree: {found}",
                "Let `reset` and `step` return `self.observe(state)` of the new state, or do not define `observe`.",
            )
