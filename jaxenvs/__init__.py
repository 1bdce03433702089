"""jaxenvs: reinforcement-learning environments as pure JAX functions.

env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 4096))
state, trajectory = jax.lax.scan(jax.vmap(env.step), state, actions)
"""

import importlib.util
from typing import TYPE_CHECKING, Any

from jaxenvs import adapters as adapters
from jaxenvs import errors as errors
from jaxenvs import random as random
from jaxenvs import spaces as spaces
from jaxenvs import wrappers as wrappers
from jaxenvs.core.elsewhere import OF_PACKAGE, not_in_module
from jaxenvs.core.env import Env as Env
from jaxenvs.core.env import RendersText as RendersText
from jaxenvs.core.env import TimeStep as TimeStep
from jaxenvs.core.env import restart as restart
from jaxenvs.core.env import transition as transition
from jaxenvs.core.goal_env import GoalEnv as GoalEnv
from jaxenvs.core.modes import evaluation as evaluation
from jaxenvs.core.pytree import PyTreeNode as PyTreeNode
from jaxenvs.core.pytree import static as static
from jaxenvs.core.wrapper import StatefulWrapper as StatefulWrapper
from jaxenvs.core.wrapper import StatelessWrapper as StatelessWrapper
from jaxenvs.core.wrapper import Wrapper as Wrapper
from jaxenvs.core.wrapper import WrapperState as WrapperState
from jaxenvs.core.wrapper import rewrap as rewrap
from jaxenvs.core.wrapper import unwrap as unwrap
from jaxenvs.core.wrapper import unwrap_state as unwrap_state
from jaxenvs.registration import EnvSpec as EnvSpec
from jaxenvs.registration import make as make
from jaxenvs.registration import pprint_registry as pprint_registry
from jaxenvs.registration import register as register
from jaxenvs.registration import registry as registry
from jaxenvs.registration import spec as spec
from jaxenvs.rollouts import Evaluation as Evaluation
from jaxenvs.rollouts import RandomPolicy as RandomPolicy
from jaxenvs.rollouts import Trajectory as Trajectory
from jaxenvs.rollouts import evaluate as evaluate
from jaxenvs.rollouts import rollout as rollout
from jaxenvs.wrappers import AutoReset as AutoReset
from jaxenvs.wrappers import TimeLimit as TimeLimit

__version__ = "0.1.0"

if TYPE_CHECKING:
    from jaxenvs import bsuite as bsuite
    from jaxenvs import canvas as canvas
    from jaxenvs import fusion as fusion
    from jaxenvs import games as games
    from jaxenvs import host as host
    from jaxenvs import monitor as monitor
    from jaxenvs import play as play
    from jaxenvs import preprocessing as preprocessing
    from jaxenvs import scoreboard as scoreboard
    from jaxenvs import testing as testing
    from jaxenvs import training as training
    from jaxenvs.agents import load as load
    from jaxenvs.fusion import fuse as fuse

__all__ = [
    "AutoReset",
    "Env",
    "EnvSpec",
    "Evaluation",
    "GoalEnv",
    "PyTreeNode",
    "RandomPolicy",
    "RendersText",
    "StatefulWrapper",
    "StatelessWrapper",
    "TimeLimit",
    "TimeStep",
    "Trajectory",
    "Wrapper",
    "WrapperState",
    "adapters",
    "errors",
    "evaluate",
    "evaluation",
    "make",
    "pprint_registry",
    "random",
    "register",
    "registry",
    "restart",
    "rewrap",
    "rollout",
    "spaces",
    "spec",
    "static",
    "transition",
    "unwrap",
    "unwrap_state",
    "wrappers",
]

_ON_FIRST_USE = {
    "bsuite": "jaxenvs.bsuite",
    "canvas": "jaxenvs.canvas",
    "fuse": "jaxenvs.fusion",
    "fusion": "jaxenvs.fusion",
    "games": "jaxenvs.games",
    "host": "jaxenvs.host",
    "load": "jaxenvs.agents",
    "monitor": "jaxenvs.monitor",
    "play": "jaxenvs.play",
    "preprocessing": "jaxenvs.preprocessing",
    "scoreboard": "jaxenvs.scoreboard",
    "testing": "jaxenvs.testing",
    "training": "jaxenvs.training",
}
"""The public names that are imported on first use, with the module of each. `import *` leaves them out."""

if not TYPE_CHECKING:  # a type checker would take it for leave to ask for any name

    def __getattr__(name: str) -> Any:
        """Imports a public name on first use."""
        if name not in _ON_FIRST_USE:
            rooms = errors, spaces, adapters, wrappers
            places = {part: f"it is `{room.__name__}.{part}`" for room in rooms for part in dir(room)}
            habits = {part: place for part, place in places.items() if part[0].isupper()} | {**OF_PACKAGE}
            raise AttributeError(not_in_module(__name__, name, habits, __dir__()))
        module = importlib.import_module(_ON_FIRST_USE[name])
        return getattr(module, name) if name in ("fuse", "load") else module


def __dir__() -> list[str]:
    return sorted([*__all__, *_ON_FIRST_USE])


# Gymnasium does not look for plug-ins, so its registry is filled here; that takes about 0.02 s if it is installed.
if importlib.util.find_spec("gymnasium"):
    from jaxenvs.adapters.gymnasium.registration import register_all

    register_all()
