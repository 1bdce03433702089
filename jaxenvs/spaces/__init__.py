"""The sets that observations and actions lie in, one per file; they follow Gymnasium's spaces."""

from jaxenvs.spaces.box import Box as Box
from jaxenvs.spaces.dict import Dict as Dict
from jaxenvs.spaces.discrete import Discrete as Discrete
from jaxenvs.spaces.from_gymnasium import from_gymnasium as from_gymnasium
from jaxenvs.spaces.graph import Graph as Graph
from jaxenvs.spaces.graph import GraphElement as GraphElement
from jaxenvs.spaces.multi_binary import MultiBinary as MultiBinary
from jaxenvs.spaces.multi_discrete import MultiDiscrete as MultiDiscrete
from jaxenvs.spaces.sequence import Sequence as Sequence
from jaxenvs.spaces.sequence import SequenceElement as SequenceElement
from jaxenvs.spaces.space import Space as Space
from jaxenvs.spaces.text import Text as Text
from jaxenvs.spaces.tuple import Tuple as Tuple
