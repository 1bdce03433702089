"""The participants in a comparison: a peer and the interpreter that it runs in."""

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import jaxenvs.core
from jaxenvs.bench.process import WORKER, PeerFailed, PeerProcess
from jaxenvs.bench.tasks import JAXENVS, PEERS, Peer
from jaxenvs.errors import DependencyNotInstalled, InvalidField, did_you_mean

PYTHON_VARIABLE = "JAXENVS_BENCH_PYTHON"
"""The environment variable with `NAME=INTERPRETER` pairs, separated like the folders in $PATH."""

_FIND_LIMIT = 60.0
# A compile time read from a cache, or slowed down by filling one, would be meaningless.
_NOT_FOR_PEERS = "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"


@dataclasses.dataclass(frozen=True)
class AvailablePeer:
    """A peer in an interpreter.

    Attributes:
        peer: the peer.
        python: the interpreter.
    """

    peer: Peer
    python: str = sys.executable

    def start(self, platform: str | None = None) -> PeerProcess:
        """Starts a process for it.

        Args:
            platform: the platform that JAX should use ("cpu", "gpu", "tpu"), or None for its own choice.

        Raises:
            PeerFailed: the interpreter could not be started.
        """
        command = [self.python, str(WORKER), str(self.peer.path)]
        return PeerProcess(command, self._environment(platform))

    def missing(self) -> str | None:
        """Describes what the interpreter lacks to run the peer, or returns None.

        Raises:
            PeerFailed: the interpreter does not work.
        """
        with self.start() as process:
            return process.ask("find", limit=_FIND_LIMIT)["missing"]

    def _environment(self, platform: str | None) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_PEERS}
        if self.python != sys.executable:
            environment.pop("PYTHONPATH", None)  # it is for packages of this interpreter
            environment.pop("PYTHONHOME", None)
        if self.peer.distribution == JAXENVS.distribution:
            # This copy of jaxenvs, installed or not, wherever the command was started.
            path = [str(Path(jaxenvs.core.__file__).parents[2]), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        if platform is not None:
            environment["JAX_PLATFORMS"] = platform
        # Several processes share the accelerator: none may claim all of its memory.
        environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        return environment


@dataclasses.dataclass(frozen=True)
class MissingPeer:
    """A peer that cannot take part.

    Attributes:
        peer: the peer.
        reason: what is missing.
    """

    peer: Peer
    reason: str


def gather(
    names: Sequence[str] | None, pythons: Mapping[str, str], peers: Sequence[Peer] | None = None
) -> tuple[list[AvailablePeer], list[MissingPeer]]:
    """The peers other than jaxenvs that can be measured here, and those that cannot.

    Args:
        names: names of peers that must take part; None for all that can.
        pythons: interpreters by name of the peer, if not this one.
        peers: all known peers; None for those that step environments.

    Raises:
        DependencyNotInstalled: a peer was requested by name, and its package or interpreter is missing.
        InvalidField: there is no peer of that name.
    """
    peers = PEERS if peers is None else peers
    known = {peer.name: peer for peer in peers}
    for name in (*(name for name in names or () if name != JAXENVS.name), *pythons):
        if name not in known:
            raise InvalidField(
                f"There is no peer `{name}`; the peers are {', '.join(known)}.{did_you_mean(name, known)}"
            )
    subjects, missing_peers = [], []
    for peer in peers if names is None else [known[name] for name in dict.fromkeys(names) if name in known]:
        subject = AvailablePeer(peer, pythons.get(peer.name, sys.executable))
        try:
            reason = subject.missing()
        except PeerFailed as failure:
            reason = str(failure)
        if reason is None:
            subjects.append(subject)
        elif names is None:
            missing_peers.append(MissingPeer(peer, reason))
        else:
            raise DependencyNotInstalled(
                f"{peer.name} cannot be measured in {subject.python}: {reason}. To get it: {peer.install}"
                f" (in a separate interpreter if necessary: `--python {peer.name}=/path/to/python`)."
            )
    return subjects, missing_peers


def parse_pythons(assignments: Sequence[str]) -> dict[str, str]:
    """Interpreters by peer: those of the environment variable, overridden by `NAME=INTERPRETER` arguments.

    Raises:
        InvalidField: an argument has another form.
    """
    from_environment = [pair for pair in os.environ.get(PYTHON_VARIABLE, "").split(os.pathsep) if pair]
    pythons = {}
    for pair in (*from_environment, *assignments):
        name, equals, python = pair.partition("=")
        if not (name and equals and python):
            raise InvalidField(f"An interpreter is given as NAME=PATH, such as gymnax=venv/bin/python; got `{pair}`.")
        pythons[name] = python
    return pythons
