"""Simulation and rendering of robots: one state, one pair of functions, several engines."""

from jaxenvs.physics.parameters import Parameters as Parameters
from jaxenvs.physics.state import PhysicsState as PhysicsState
