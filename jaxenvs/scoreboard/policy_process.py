"""The process in which a stranger's policy plays; `isolation.py` starts it."""

import contextlib
import json
import os
import sys
from typing import Any

import jax
import numpy as np

from jaxenvs.errors import JaxenvsError
from jaxenvs.scoreboard.challenge import Challenge
from jaxenvs.scoreboard.isolation import limit_memory
from jaxenvs.scoreboard.playing import play_in_lanes
from jaxenvs.scoreboard.policies import load_policy
from jaxenvs.scoreboard.program import program_of
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Author


def main(protections: list[str], memory: int) -> None:
    """Reads a task from standard input and writes the answer to standard output.

    Args:
        protections: what protects against the network.
        memory: the bytes that the policy may take.
    """
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not part of the answer
    task = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        content = _played(task, data, memory)
        header: dict[str, Any] = {"state": "played", "reason": ""}
    except Rejected as error:
        content, header = b"", {"state": "rejected", "reason": str(error)}
    except MemoryError:
        content, header = b"", {"state": "rejected", "reason": _too_much(memory)}
    except Exception as error:  # noqa: BLE001  # whatever a strange program makes JAX raise
        content = b""
        text = f"{type(error).__name__}: {error}"
        if any(word in text for word in ("RESOURCE_EXHAUSTED", "Out of memory", "bad_alloc", "MemoryError")):
            header = {"state": "rejected", "reason": _too_much(memory)}
        else:
            is_ours = isinstance(error, JaxenvsError) and not isinstance(error, ValueError)
            header = {
                "state": "error" if is_ours else "rejected",
                "reason": f"Its policy failed: {text[:300]} (It may take {memory // 2**20:,} MiB of memory.)",
            }
    answer.write(json.dumps({**header, "protections": protections}).encode() + b"\n" + content)
    answer.flush()
    os._exit(0)  # threads of a program that still runs do not matter


def _too_much(memory: int) -> str:
    return f"Its policy needs more than {memory // 2**20:,} MiB of memory."


def _played(task: dict[str, Any], data: bytes, memory: int) -> bytes:
    program = program_of(task["env_id"])
    challenge = Challenge.from_json(task["challenge"])
    with contextlib.suppress(AttributeError):
        # Compiled policies are kept nowhere.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)
    states, _ = program.reset(challenge.key, np.arange(program.lanes))
    zero = jax.tree.map(lambda x: jax.numpy.zeros((1, program.lanes, *x.shape), x.dtype), program.action)
    program.advance(states, jax.tree.map(jax.device_get, zero), 1)  # compiles it before memory is limited
    limit_memory(memory)
    act = load_policy(task["env_id"], data)
    author = Author(**task["author"])
    return play_in_lanes(task["env_id"], act, challenge, author).to_bytes()
