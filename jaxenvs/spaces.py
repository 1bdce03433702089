"""The sets that observations and actions lie in; see `jaxenvs.core.spaces`."""

from jaxenvs.core.spaces import Box as Box
from jaxenvs.core.spaces import Dict as Dict
from jaxenvs.core.spaces import Discrete as Discrete
from jaxenvs.core.spaces import Graph as Graph
from jaxenvs.core.spaces import GraphElement as GraphElement
from jaxenvs.core.spaces import MultiBinary as MultiBinary
from jaxenvs.core.spaces import MultiDiscrete as MultiDiscrete
from jaxenvs.core.spaces import Sequence as Sequence
from jaxenvs.core.spaces import SequenceElement as SequenceElement
from jaxenvs.core.spaces import Space as Space
from jaxenvs.core.spaces import Text as Text
from jaxenvs.core.spaces import Tuple as Tuple
from jaxenvs.core.spaces import from_gymnasium as from_gymnasium
