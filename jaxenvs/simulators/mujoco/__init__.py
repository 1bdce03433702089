"""Simulation and rendering of robots: one state, one pair of functions, several engines."""

from jaxenvs.simulators.mujoco.parameters import Parameters as Parameters
from jaxenvs.simulators.mujoco.state import SimulationState as SimulationState
