"""FetchPush-v4: push a box to a goal."""

from collections.abc import Mapping
from typing import ClassVar

from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.robotics._fetch_env import FetchEnv
from jaxenvs.envs.robotics._task import Task
from jaxenvs.random import Key

_TASK = Task(
    base=(0.405, 0.48, 0.0),
    has_object=True,
    holds_fingers=True,
    extra_height=0.0,
    object_range=0.15,
    goal_range=0.15,
    object_pose=(1.25, 0.53, 0.4, 1.0, 0.0, 0.0, 0.0),
)


class FetchPush(FetchEnv, kw_only=True):
    """The robot pushes a box to a goal on the table.

    Observation: (25,) float32 in the entry `observation`, with the entries below; and (3,) float32 in `achieved_goal`
        and `desired_goal`: x, y and z of the middle of the box and of where it should be, m.

        | index | meaning                                                 | min  | max | unit |
        |-------|---------------------------------------------------------|------|-----|------|
        | 0-2   | x, y and z of the point between the fingers             | -inf | inf | m    |
        | 3-5   | x, y and z of the box                                   | -inf | inf | m    |
        | 6-8   | the same, from the point between the fingers            | -inf | inf | m    |
        | 9-10  | distance of the right and the left finger from closed   | -inf | inf | m    |
        | 11-13 | Euler angles of the box, about x, y and z               | -inf | inf | rad  |
        | 14-16 | how far the box moves in 0.04 s, relative to that point | -inf | inf | m    |
        | 17-19 | how far the box turns in 0.04 s, about x, y and z       | -inf | inf | rad  |
        | 20-22 | how far the point between the fingers moves in 0.04 s   | -inf | inf | m    |
        | 23-24 | how far the fingers move in 0.04 s                      | -inf | inf | m    |

    Action: (4,) float32 in [-1, 1]: by how much to move the hand along x, y and z, in units of 0.05 m per step;
        the last number is ignored, since the fingers stay closed.

    Reward: 0 if the middle of the box is within `distance_threshold` of the goal, else -1. With
        `reward_type="dense"` (`FetchPushDense-v4`), minus the distance from the goal, m.

    Start: the hand closed above the table, always in the same place. The box is uniform within 0.15 m of it along
        x and y, but at least 0.1 m away; so is the goal, at any distance.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 50 steps.

    Info: () float32: `is_success`, 1 if the goal is reached.

    Parameters, besides those of `FetchEnv`:
        object_position: x and y of the box at the start, m; an infinite one is drawn. Also a reset option.

    Differences from the reference: the start is rounded to `precision`. On the engine `mjx`, in float64, velocities
        differ from those on `c` by up to 1e-10 after a step, pushes included. The arm's meshes touch nothing there.

    Source: gymnasium-robotics 1.4.2, `FetchPush-v4`; M. Plappert et al., "Multi-Goal Reinforcement Learning:
        Challenging Robotics Environments and Request for Research", 2018 (arXiv:1802.09464).

    Version history:
        v4: same behaviour as in gymnasium-robotics.
    """

    xml_file: str = static(default="push.xml")
    object_position: tuple[ArrayLike, ArrayLike] = (float("inf"), float("inf"))

    reset_options: ClassVar[Mapping[str, str]] = {"goal": "goal", "object_position": "object_position"}

    @property
    def task(self) -> Task:
        return _TASK

    def place_object(self, key: Key) -> tuple[Array, Array]:
        """The place of the box on the table."""
        return self.far_from_hand(key, self.object_position)
