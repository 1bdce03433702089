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
from jaxenvs.core.env import Env as Env
from jaxenvs.core.env import RendersText as RendersText
from jaxenvs.core.env import TimeStep as TimeStep
from jaxenvs.core.env import restart as restart
from jaxenvs.core.env import transition as transition
from jaxenvs.core.pytree import PyTreeNode as PyTreeNode
from jaxenvs.core.pytree import static as static
from jaxenvs.core.wrapper import StatefulWrapper as StatefulWrapper
from jaxenvs.core.wrapper import StatelessWrapper as StatelessWrapper
from jaxenvs.core.wrapper import Wrapper as Wrapper
from jaxenvs.core.wrapper import WrapperState as WrapperState
from jaxenvs.core.wrapper import rewrap as rewrap
from jaxenvs.core.wrapper import unwrap as unwrap
from jaxenvs.core.wrapper import unwrap_state as unwrap_state
from jaxenvs.registry import EnvSpec as EnvSpec
from jaxenvs.registry import make as make
from jaxenvs.registry import pprint_registry as pprint_registry
from jaxenvs.registry import register as register
from jaxenvs.registry import registry as registry
from jaxenvs.registry import spec as spec
from jaxenvs.rollout import Evaluation as Evaluation
from jaxenvs.rollout import RandomPolicy as RandomPolicy
from jaxenvs.rollout import Trajectory as Trajectory
from jaxenvs.rollout import evaluate as evaluate
from jaxenvs.rollout import rollout as rollout
from jaxenvs.wrappers import AutoReset as AutoReset
from jaxenvs.wrappers import TimeLimit as TimeLimit

__version__ = "0.1.0"

if TYPE_CHECKING:
    from jaxenvs import testing as testing
    from jaxenvs.agents import load as load
else:  # where a type checker does not take it for leave to ask for any name

    def __getattr__(name: str) -> Any:
        """`jaxenvs.testing` and `jaxenvs.load` are imported on first use."""
        if name == "testing":
            return importlib.import_module("jaxenvs.testing")
        if name == "load":
            return importlib.import_module("jaxenvs.agents").load
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")


# Gymnasium does not look for plug-ins, so its registry is filled here; that takes about 0.02 s if it is installed.
if importlib.util.find_spec("gymnasium"):
    from jaxenvs.adapters.gymnasium_registration import register_all

    register_all()
