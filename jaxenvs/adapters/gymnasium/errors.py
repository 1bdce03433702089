"""Exceptions of the Gymnasium adapters, which are errors of jaxenvs as well as those that Gymnasium raises."""

from gymnasium import error

from jaxenvs import errors


class InvalidAction(errors.InvalidAction, error.InvalidAction, AssertionError):
    """An action outside the action space; Gymnasium's own environments raise a plain `AssertionError`."""


class ResetNeeded(errors.JaxenvsError, error.ResetNeeded):
    """`step` or `render` before the first `reset`."""


class EpisodeOver(ResetNeeded, AssertionError):
    """`step` in mode DISABLED after the end of an episode; SyncVectorEnv raises a plain `AssertionError`."""


class ClosedEnvironment(errors.JaxenvsError, error.ClosedEnvironmentError):
    """A call after `close`."""


class InvalidSeed(errors.JaxenvsError, error.Error, ValueError):
    """A seed that is not a non-negative integer."""
