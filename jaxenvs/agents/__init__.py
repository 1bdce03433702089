"""Trained agents, loaded from the folders of their runs."""

from jaxenvs.agents.loading import TrainedAgent as TrainedAgent
from jaxenvs.agents.loading import load as load
