"""Wrappers: environments around other environments, one a file."""

from jaxenvs.wrappers.auto_reset import AutoReset as AutoReset
from jaxenvs.wrappers.time_limit import TimeLimit as TimeLimit
