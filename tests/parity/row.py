"""A row of the parity table. The list `ROWS` in `rows_<family>.py` has the rows of a family."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """How an id is compared with its reference.

    Attributes:
        id: the registered id.
        reference: what it is compared with: another implementation, or a recorded trajectory.
        tolerance: greatest difference of a state, observation or reward after one transition in float32,
            relative to the value where that is above 1.
        reason: the reason for the tolerance.
    """

    id: str
    reference: str
    tolerance: float
    reason: str
