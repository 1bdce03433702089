"""FetchReach-v4: move the hand to a goal."""

from jaxenvs.core.pytree import static
from jaxenvs.envs.robotics._fetch_env import FetchEnv
from jaxenvs.envs.robotics._task import Task
from jaxenvs.random import Key

_TASK = Task(
    base=(0.4049, 0.48, 0.0),
    has_object=False,
    holds_fingers=True,
    extra_height=0.2,
    goal_range=0.15,
)


class FetchReach(FetchEnv, kw_only=True):
    """The robot moves its hand to a goal in the air.

    Observation: (10,) float32 in the entry `observation`, with the entries below; and (3,) float32 in `achieved_goal`
        and `desired_goal`: x, y and z of the point between the fingers and of where it should be, m.

        | index | meaning                                                | min  | max | unit |
        |-------|--------------------------------------------------------|------|-----|------|
        | 0-2   | x, y and z of the point between the fingers            | -inf | inf | m    |
        | 3-4   | distance of the right and the left finger from closed  | -inf | inf | m    |
        | 5-7   | how far that point moves in 0.04 s at its velocity     | -inf | inf | m    |
        | 8-9   | how far the fingers move in 0.04 s at their velocities | -inf | inf | m    |

    Action: (4,) float32 in [-1, 1]: by how much to move the hand along x, y and z, in units of 0.05 m per step;
        the last number is ignored, since the fingers stay closed.

    Reward: 0 if the point between the fingers is within `distance_threshold` of the goal, else -1. With
        `reward_type="dense"` (`FetchReachDense-v4`), minus the distance from the goal, m.

    Start: the hand above the table, always in the same place. The goal is uniform within 0.15 m of it along each axis.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 50 steps.

    Info: () float32: `is_success`, 1 if the goal is reached.

    Parameters, besides those of `FetchEnv`:

    Differences from the reference: the start is rounded to `precision`.

    Source: gymnasium-robotics 1.4.2, `FetchReach-v4`; M. Plappert et al., "Multi-Goal Reinforcement Learning:
        Challenging Robotics Environments and Request for Research", 2018 (arXiv:1802.09464).

    Version history:
        v4: same behaviour as in gymnasium-robotics.
    """

    xml_file: str = static(default="reach.xml")

    @property
    def task(self) -> Task:
        return _TASK

    def place_object(self, key: Key) -> None:
        """Nothing: there is no object."""
