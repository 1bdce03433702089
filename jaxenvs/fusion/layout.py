"""What the inputs of a step are."""

import enum
from typing import TypeAlias

FEWEST_LANES = 16
"""On a CPU, a kernel computes so many lanes at once; fewer are left to XLA."""


class Kind(enum.Enum):
    """What an input of a step is: for whom, and for how long.

    Attributes:
        SHARED: the same for all lanes and steps.
        OWN: of each lane, for all its steps.
        CARRY: of each lane; each step hands it to the next.
        SHARED_STEP: of each step, the same for all lanes.
        OWN_STEP: of each step and lane.
    """

    SHARED = "shared"
    OWN = "own"
    CARRY = "carry"
    SHARED_STEP = "shared step"
    OWN_STEP = "own step"


Layout: TypeAlias = tuple[Kind, ...]
"""The kind of each input. The outputs of a step are its new carry, in order, and then what it puts out."""


def is_uniform(kind: Kind) -> bool:
    """Whether an input is the same for all lanes."""
    return kind in (Kind.SHARED, Kind.SHARED_STEP)
