"""The sets that observations and actions lie in, one per file; they follow Gymnasium's spaces."""

from jaxenvs.core.spaces.box import Box as Box
from jaxenvs.core.spaces.dict import Dict as Dict
from jaxenvs.core.spaces.discrete import Discrete as Discrete
from jaxenvs.core.spaces.from_gymnasium import from_gymnasium as from_gymnasium
from jaxenvs.core.spaces.graph import Graph as Graph
from jaxenvs.core.spaces.graph import GraphElement as GraphElement
from jaxenvs.core.spaces.multi_binary import MultiBinary as MultiBinary
from jaxenvs.core.spaces.multi_discrete import MultiDiscrete as MultiDiscrete
from jaxenvs.core.spaces.sequence import Sequence as Sequence
from jaxenvs.core.spaces.sequence import SequenceElement as SequenceElement
from jaxenvs.core.spaces.space import Space as Space
from jaxenvs.core.spaces.text import Text as Text
from jaxenvs.core.spaces.tuple import Tuple as Tuple
