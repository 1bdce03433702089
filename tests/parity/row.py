"""What a row of the parity table says. Each family's rows lie in `rows_<family>.py`, in a list `ROWS`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """How an id is held against its reference.

    Attributes:
        id: the registered id.
        reference: what it is compared with, or the golden trajectory that stands in for a reference.
        tolerance: greatest difference of a state, observation or reward after one transition in float32,
            relative to the value where that is above 1.
        reason: why the tolerance is what it is.
    """

    id: str
    reference: str
    tolerance: float
    reason: str
