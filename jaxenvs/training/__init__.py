"""Learners that train as one jitted program, with flax networks and optax optimisers.

Raises, on import:
    DependencyNotInstalled: optax is missing.
"""

from jaxenvs.errors import DependencyNotInstalled

try:
    import optax as optax
except ModuleNotFoundError as error:
    raise DependencyNotInstalled('Training needs optax: run `pip install "jaxenvs[train]"`.') from error

from jaxenvs.training.alpha_zero import AlphaZero as AlphaZero
from jaxenvs.training.cpu_compiler import avoid_stalling_programs as avoid_stalling_programs
from jaxenvs.training.dqn import DQN as DQN
from jaxenvs.training.learner import Learner as Learner
from jaxenvs.training.learner import Metrics as Metrics
from jaxenvs.training.learner import TrainState as TrainState
from jaxenvs.training.network_opponent import NetworkOpponent as NetworkOpponent
from jaxenvs.training.ppo import PPO as PPO
from jaxenvs.training.presets import LEARNERS as LEARNERS
from jaxenvs.training.presets import preset as preset
from jaxenvs.training.sac import SAC as SAC

avoid_stalling_programs()
