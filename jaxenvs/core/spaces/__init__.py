"""The sets that observations and actions lie in."""

from jaxenvs.core.spaces.box import Box as Box
from jaxenvs.core.spaces.discrete import Discrete as Discrete
from jaxenvs.core.spaces.space import Space as Space
