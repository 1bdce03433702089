"""The sets that observations and actions lie in; see `jaxenvs.core.spaces`."""

from jaxenvs.core.spaces import Box as Box
from jaxenvs.core.spaces import Discrete as Discrete
from jaxenvs.core.spaces import Space as Space
