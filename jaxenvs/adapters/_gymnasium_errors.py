"""Exceptions of the Gymnasium adapters: caught both as jaxenvs' and as what Gymnasium's environments raise."""

from gymnasium import error

from jaxenvs.core import errors


class InvalidAction(errors.InvalidAction, error.InvalidAction, AssertionError):
    """An action outside the action space; Gymnasium's own environments raise a plain `AssertionError`."""


class ResetNeeded(errors.JaxenvsError, error.ResetNeeded):
    """`step` or `render` before the first `reset`, or `step` on an environment whose episode is over."""


class ClosedEnvironment(errors.JaxenvsError, error.ClosedEnvironmentError):
    """A call after `close`."""
