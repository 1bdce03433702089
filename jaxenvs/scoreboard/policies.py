"""Policies as files: exported by their authors, checked and called by the verifier.

A file holds what `jax.export` serialises, a program in StableHLO. Reading it runs no Python of its author's. A program
that calls anything outside itself is refused before it is compiled.
"""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.packages import load_package
from jaxenvs.errors import InvalidField
from jaxenvs.random import key as make_key
from jaxenvs.rollouts.policy import Policy
from jaxenvs.scoreboard.challenge import IMPLEMENTATION
from jaxenvs.scoreboard.limits import MEMBERS
from jaxenvs.scoreboard.program import program_of
from jaxenvs.scoreboard.rejected import Rejected

_OPERATION = re.compile(r'^[^"]*?"?\b((?:[a-z]\w*)\.(?:[a-z]\w*))"?(?:[\s(<]|$)', re.MULTILINE)
_DIALECTS = "stablehlo", "chlo", "func"
_FORBIDDEN = {
    "stablehlo.custom_call",
    "stablehlo.infeed",
    "stablehlo.outfeed",
    "stablehlo.send",
    "stablehlo.recv",
    "stablehlo.all_gather",
    "stablehlo.all_reduce",
    "stablehlo.all_to_all",
    "stablehlo.collective_broadcast",
    "stablehlo.collective_permute",
    "stablehlo.reduce_scatter",
    "stablehlo.partition_id",
    "stablehlo.replica_id",
    "stablehlo.after_all",
    "stablehlo.create_token",
}
_WORDS = "custom_call", "infeed", "outfeed", "backend_config", "call_target"
"""Words that no program has that only computes, wherever they stand."""


def export_policy(env_id: str, policy: Policy) -> bytes:
    """A policy as a file for the policy board.

    Args:
        env_id: the id of the environment that it plays.
        policy: `policy(observation, key) -> action`, for one environment, of `jax.numpy` functions alone. Its weights
            become part of the file.

    Raises:
        InvalidField: it calls something outside JAX, returns other actions than those of the environment, or is too
            large.
        DependencyNotInstalled: flatbuffers is missing.
    """
    program = program_of(env_id)
    export = _export()
    lanes, observation = program.lanes, program.observation

    def act(observations: Any, words: Any) -> Any:
        keys = jax.random.wrap_key_data(words, impl=IMPLEMENTATION)
        return jax.vmap(policy)(observations, keys)

    forms = jax.tree.map(lambda x: jax.ShapeDtypeStruct((lanes, *x.shape), x.dtype), observation)
    words = jax.ShapeDtypeStruct((lanes, 2), jnp.uint32)
    try:
        data = bytes(export.export(jax.jit(act), platforms=["cpu"])(forms, words).serialize())
        load_policy(env_id, data)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InvalidField(f"This policy cannot be exported: {error}") from error
    except Rejected as error:
        raise InvalidField(str(error)) from error
    if len(data) > MEMBERS["policy.bin"]:
        raise InvalidField(f"This policy has {len(data):,} bytes, at most {MEMBERS['policy.bin']:,} are allowed.")
    return data


def load_policy(env_id: str, data: bytes) -> Callable[[Any, Any], Any]:
    """A policy from a file, which may come from anybody.

    Returns:
        `act(observations, words) -> actions`, all with an axis of the program's lanes; words are those of keys, uint32.

    Raises:
        Rejected: it is not a policy for this environment, or it is not a program that only computes.
        DependencyNotInstalled: flatbuffers is missing.
    """
    program, export = program_of(env_id), _export()
    try:
        exported = export.deserialize(bytearray(data))
        text = exported.mlir_module()
        platforms, avals = tuple(exported.platforms), (exported.in_avals, exported.out_avals)
        has_effects = bool(exported.ordered_effects or exported.unordered_effects)
        devices = exported.nr_devices
    except Exception as error:  # damaged files make the reader raise anything
        raise Rejected(f"Its policy is not a program that `jax.export` made: {type(error).__name__}.") from error
    if platforms != ("cpu",) or devices != 1 or has_effects:
        raise Rejected("Its policy must be exported for one CPU, without effects.")
    _check_operations(text)
    actions = jax.eval_shape(jax.vmap(program.env.action_space.sample), jax.random.split(make_key(0), program.lanes))
    words = jax.ShapeDtypeStruct((program.lanes, 2), jnp.uint32)
    observations = jax.tree.map(lambda x: jax.ShapeDtypeStruct((program.lanes, *x.shape), x.dtype), program.observation)
    wanted = _forms((observations, words)), _forms(actions)
    found = tuple(_forms(list(part)) for part in avals)
    structures = exported.in_tree, exported.out_tree
    if found != wanted or structures != (jax.tree.structure(((observations, words), {})), jax.tree.structure(actions)):
        raise Rejected(
            f"Its policy maps {_brief(found[0])} to {_brief(found[1])}, and in {env_id} a policy maps"
            f" {_brief(wanted[0])} to {_brief(wanted[1])}."
        )
    return exported.call


def _export() -> Any:
    load_package("flatbuffers", "Exported policies need flatbuffers", '"jaxenvs[scoreboard]"')
    from jax import export

    return export


def _check_operations(text: str) -> None:
    """Raises `Rejected` if a program does anything but compute."""
    if found := [word for word in _WORDS if word in text]:
        raise Rejected(f"Its policy has `{found[0]}`: it calls something outside itself, or uses a library.")
    names = {match[1] for match in _OPERATION.finditer(text)}
    strange = sorted(
        name for name in names if name in _FORBIDDEN or name.partition(".")[0] not in (*_DIALECTS, "mhlo", "jax")
    )
    if strange:
        raise Rejected(f"Its policy uses operations that are not allowed: {', '.join(strange[:5])}.")


def _forms(tree: Any) -> list[tuple[tuple[int, ...], str]]:
    return [(tuple(leaf.shape), str(np.dtype(leaf.dtype))) for leaf in jax.tree.leaves(tree)]


def _brief(forms: list[tuple[tuple[int, ...], str]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in forms[:6]) or "nothing"
