"""Calls to the host from compiled programs, one for a whole batch; see `jaxenvs.core.host_call`."""

from jaxenvs.core.host_call import Arrays as Arrays
from jaxenvs.core.host_call import HostFunction as HostFunction
from jaxenvs.core.host_call import host_call as host_call
