"""WritableModel: MuJoCo's model of a robot, which scripts for Gymnasium read and write as `env.unwrapped.model`."""

from collections.abc import Callable
from typing import Any


class WritableModel:
    """The `mujoco.MjModel` of an environment, and what was written to it.

    In Gymnasium it is the model that is simulated, so `env.unwrapped.model.body_mass[1] *= 2` makes a robot heavier.
    Here it is a copy. What is written to masses, friction and other `Parameters` is found and adopted before the next
    step; all other arrays are read-only.
    """

    def __init__(self) -> None:
        self._mj_model: Any = None
        self._parameters: Any = None  # those that are in it

    def get(self, base: Any) -> Any:
        """The model of an environment, the same object until its parameters are replaced in another way."""
        if self._mj_model is None or self._parameters is not base.parameters:
            self._mj_model, self._parameters = base.writable_mj_model(), base.parameters
        return self._mj_model

    def adopt(self, base: Any, set_parameters: Callable[[Any], Any]) -> None:
        """Sets the parameters that were written to the model, if there are any.

        Args:
            base: the environment.
            set_parameters: sets them, and returns those that the environment then has.
        """
        if self._mj_model is None or self._parameters is not base.parameters:
            return
        written = base.parameters_in(self._mj_model)
        if written is not base.parameters:
            self._parameters = set_parameters(written)
