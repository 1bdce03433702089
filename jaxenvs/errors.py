"""The exceptions of jaxenvs. Each message says what was wrong and what to do about it.

Exceptions that Gymnasium has as well have the same names. If callers would expect a builtin exception (a wrong type, a
bad value), the class derives from that builtin as well.
"""

# pyright: strict

import dataclasses
import difflib
from collections.abc import Iterable


class JaxenvsError(Exception):
    """Base class of every exception that jaxenvs raises on purpose."""


class UnregisteredEnv(JaxenvsError):
    """The requested id is not in the registry."""


class NamespaceNotFound(UnregisteredEnv):
    """The namespace of the requested id holds no environment."""


class NameNotFound(UnregisteredEnv):
    """No environment of the requested name exists."""


class VersionNotFound(UnregisteredEnv):
    """The environment exists, but not in the requested version."""


class DeprecatedEnv(JaxenvsError):
    """The requested version was replaced by a newer one."""


class RegistrationError(JaxenvsError):
    """A spec that cannot be registered, such as a malformed id."""


class DependencyNotInstalled(JaxenvsError, ImportError):
    """A package that belongs to an extra is missing; the message contains the `pip install` line."""


class DatasetNotFound(JaxenvsError, FileNotFoundError):
    """The files that a task needs were not found; the message says what to get, and where."""


class InvalidField(JaxenvsError, TypeError, ValueError):
    """An environment or wrapper was given a field that it does not have, or a value it cannot take."""


class InvalidEnv(JaxenvsError, TypeError):
    """A class of environments breaks the contract: methods are missing, or a step changes types."""


class InvalidState(JaxenvsError, TypeError):
    """Something other than a state of the environment was passed where its state belongs."""


class FrozenField(JaxenvsError, dataclasses.FrozenInstanceError):
    """A field of an environment or a state was assigned to; both are values, so make a changed copy instead."""


class AttributeNotFound(JaxenvsError, AttributeError):
    """An attribute that an environment does not have; the message says where it is, or what to use instead."""


class InvalidSpace(JaxenvsError, ValueError):
    """A space was described inconsistently, such as with low above high."""


class InvalidAction(JaxenvsError, TypeError, ValueError):
    """An action whose shape or dtype (or, at the border, value) does not fit the action space."""


class InvalidMask(JaxenvsError, TypeError, ValueError):
    """A `mask` or `probability` that does not have the form that the space's `sample` takes."""


class InvalidKey(JaxenvsError, TypeError):
    """Something other than a scalar JAX random key was passed where a key is needed."""


class RenderingUnavailable(JaxenvsError):
    """A state that cannot be drawn: it belongs to another library, or a graphics library is missing."""


class NotDifferentiable(JaxenvsError, ValueError):
    """A derivative was requested of something that is computed outside JAX."""


class NotObservable(JaxenvsError):
    """An environment whose observation is not a function of its state alone, or that does not define `observe`."""


class WrapperOrderError(JaxenvsError, TypeError):
    """Two wrappers were stacked in an order in which one of them cannot work."""


class ForkedProcess(JaxenvsError, RuntimeError):
    """JAX was used before the process was forked, and would hang in the child."""


class CheckpointError(JaxenvsError, ValueError):
    """A run folder or checkpoint that is missing, corrupt or written by something else."""


class InvalidGameRecord(JaxenvsError, ValueError):
    """The record of a game that cannot be read or written: malformed text, an illegal move, or an unknown one."""


class InvalidSubmission(JaxenvsError, ValueError):
    """An archive that is not a submission for the scoreboard, or exceeds one of its limits."""


class SubmissionRefused(JaxenvsError):
    """The server of a scoreboard refused a request.

    Attributes:
        status: the status of its answer, such as 422.
        retry_after: the seconds after which it may be repeated, if the server said so, else 0.
    """

    def __init__(self, message: str, status: int, retry_after: float = 0.0) -> None:
        Exception.__init__(self, message)
        self.status, self.retry_after = status, retry_after


class RunInUse(JaxenvsError, RuntimeError):
    """Another process trains in the run folder."""


class NotWritten(JaxenvsError, OSError):
    """A file could not be written: the disk is full, or the folder is read-only."""


class Diverged(JaxenvsError, FloatingPointError):
    """Training produced weights that are NaN."""


def short_repr(value: object) -> str:
    """`repr(value)` for a message, on one line, cut to 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """The sentence ` Did you mean: `X`?` for the candidate nearest to `word`, or an empty string."""
    matches = difflib.get_close_matches(word, list(candidates), n=1)
    return f" Did you mean: `{matches[0]}`?" if matches else ""
