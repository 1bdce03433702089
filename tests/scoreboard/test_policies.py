"""Exported policies: what is refused before it runs, and what the process in which they run cannot do."""

import dataclasses
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard import isolation
from jaxenvs.scoreboard.policies import load_policy
from jaxenvs.scoreboard.rejected import Rejected
from tests.scoreboard.honest import AUTHOR, push

pytest.importorskip("flatbuffers", reason='exported policies need flatbuffers: pip install "jaxenvs[scoreboard]"')

ID = "CartPole-v1"
RULES = scoreboard.Rules(episodes=3, policy_seconds=120)


def submission(policy):
    made = scoreboard.policy_submission(ID, policy, AUTHOR)
    return scoreboard.Submission.read(made.to_bytes())


def exported(function, *forms):
    """A program for one CPU, exported without our checks."""
    return bytes(jax.export.export(jax.jit(function), platforms=["cpu"])(*forms).serialize())


OBSERVATIONS = jax.ShapeDtypeStruct((256, 4), jnp.float32)
WORDS = jax.ShapeDtypeStruct((256, 2), jnp.uint32)


def _zeros(observations, words):
    return jnp.zeros(256, jnp.int32)


def _decomposed(observations, words):
    """LAPACK, a library outside the program."""
    return jnp.linalg.svd(observations)[1][0].astype(jnp.int32) * _zeros(observations, words)


REFUSED = {
    "nothing": (lambda: b"", "not a program"),
    "noise": (lambda: np.random.default_rng(0).bytes(3000), "not a program"),
    "half a program": (lambda: exported(_zeros, OBSERVATIONS, WORDS)[:400], "not a program"),
    "other observations": (
        lambda: exported(_zeros, jax.ShapeDtypeStruct((256, 5), jnp.float32), WORDS),
        "policy maps",
    ),
    "observations of one environment": (
        lambda: exported(_zeros, jax.ShapeDtypeStruct((4,), jnp.float32), WORDS),
        "policy maps",
    ),
    "actions of floats": (
        lambda: exported(lambda o, w: jnp.zeros(256), OBSERVATIONS, WORDS),
        "policy maps",
    ),
    "no keys": (lambda: exported(lambda o: jnp.zeros(256, jnp.int32), OBSERVATIONS), "policy maps"),
    "a library": (lambda: exported(_decomposed, OBSERVATIONS, WORDS), "custom_call"),
    "a program for a GPU": (
        lambda: bytes(jax.export.export(jax.jit(_zeros), platforms=["cuda"])(OBSERVATIONS, WORDS).serialize()),
        "one CPU",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_policy_is_refused_before_it_is_compiled(name):
    make, reason = REFUSED[name]
    with pytest.raises(Rejected, match=reason):
        load_policy(ID, make())


def test_a_policy_is_itself_again_after_it_was_exported():
    act = load_policy(ID, scoreboard.export_policy(ID, push))
    observations = np.random.default_rng(0).normal(size=OBSERVATIONS.shape).astype(np.float32)
    actions = act(observations, np.zeros(WORDS.shape, np.uint32))
    assert len(set(actions.tolist())) == 2
    assert actions.tolist() == [int(push(observation, None)) for observation in observations]


def test_a_policy_that_calls_python_cannot_be_exported():
    def policy(observation, key):
        return jax.pure_callback(lambda x: np.int32(0), jax.ShapeDtypeStruct((), jnp.int32), observation)

    with pytest.raises(InvalidField, match="cannot be exported"):
        scoreboard.export_policy(ID, policy)


def _isolated(code, *arguments):
    """Runs code in an isolated process; returns what it prints."""
    program = (
        f"import runpy; isolation = runpy.run_path({isolation.__file__!r}); print(isolation['isolate'](60)); {code}"
    )
    process = subprocess.run([sys.executable, "-P", "-c", program, *arguments], capture_output=True, text=True)
    return process.stdout + process.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces and seccomp are Linux's")
def test_an_isolated_process_has_no_network():
    printed = _isolated("import socket; socket.create_connection(('127.0.0.1', 9), 1)")
    assert "seccomp" in printed or "namespace" in printed
    assert "PermissionError" in printed or "unreachable" in printed
    assert "Connection refused" not in printed  # which is what a process with a network gets


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit counts the pages that Linux lists")
def test_an_isolated_process_has_limits():
    assert "MemoryError" in _isolated("isolation['limit_memory'](2**28); bytes(2**29)")
    assert "OSError" in _isolated(f"open({os.devnull!r}); [open({os.devnull!r}) for _ in range(2000)]")


@pytest.mark.slow
def test_a_policy_plays_on_keys_that_its_author_did_not_know():
    entry = submission(scoreboard.export_policy(ID, push))
    verdict = scoreboard.verify(entry, rules=RULES)
    assert verdict.state == "verified", verdict.reason
    assert verdict.submission.challenge.name.startswith("secret:")
    assert len(verdict.returns) == 3
    again = scoreboard.verify(entry, rules=dataclasses.replace(RULES, challenge=verdict.submission.challenge))
    assert again.returns.tolist() == verdict.returns.tolist()
    assert str(verdict.submission.challenge) in verdict.command
    played = scoreboard.Submission.read(verdict.submission.to_bytes())
    rules = scoreboard.Rules(challenge=played.challenge)
    assert scoreboard.verify(played, rules=rules).returns.tolist() == verdict.returns.tolist()


def _endless(observation, key):
    del key
    start = (observation[0] * 0).astype(jnp.int32)
    return jax.lax.while_loop(lambda x: x >= 0, lambda x: jnp.where(x > 100, 0, x + 1), start) % 2


def _greedy(observation, key):
    del key
    large = jnp.ones((30_000, 30_000)) * observation[0]
    return ((large @ large).sum() > 0).astype(jnp.int32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "reason"), [(_endless, "did not play 3 episodes within"), (_greedy, "MiB of memory")]
)
def test_a_policy_that_never_answers_or_takes_all_memory_is_rejected(policy, reason):
    rules = dataclasses.replace(RULES, policy_seconds=40, policy_memory=2**30)
    verdict = scoreboard.verify(submission(scoreboard.export_policy(ID, policy)), rules=rules)
    assert verdict.state == "rejected"
    assert reason in verdict.reason, verdict.reason


@pytest.mark.slow
def test_the_process_of_a_policy_gets_no_secrets(monkeypatch):
    from jaxenvs.scoreboard import policy_board

    seen = {}
    real = subprocess.Popen

    def spying(command, **options):
        seen.update(options["env"])
        return real(command, **options)

    monkeypatch.setenv("JAXENVS_SCOREBOARD_KEY", "secret")
    monkeypatch.setattr(policy_board.subprocess, "Popen", spying)
    verdict = scoreboard.verify(submission(b"noise"), rules=RULES)
    assert verdict.state == "rejected"
    assert seen
    assert "secret" not in str(seen)
