"""Every exception that jaxenvs raises on purpose; see `jaxenvs.core.errors`."""

from jaxenvs.core.errors import *  # noqa: F403
