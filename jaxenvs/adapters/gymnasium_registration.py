"""Every id known to Gymnasium as well, under the namespace `jaxenvs`."""

import warnings

import gymnasium

from jaxenvs.registry import EnvSpec, registry

NAMESPACE = "jaxenvs"


def gymnasium_id(id: str) -> str:
    """The id in Gymnasium: "CartPole-v1" is "jaxenvs/CartPole-v1".

    Gymnasium's ids have one namespace at most, so one of our own becomes part of the name:
    "MinAtar/Breakout-v1" is "jaxenvs/MinAtar-Breakout-v1".
    """
    return f"{NAMESPACE}/{id.replace('/', '-')}"


def register(spec: EnvSpec) -> None:
    """Registers one id with Gymnasium, in place of an older spec of the same id."""
    id = gymnasium_id(spec.id)
    gymnasium.registry.pop(id, None)
    gymnasium.register(
        id,
        entry_point="jaxenvs.adapters.gymnasium_env:GymnasiumEnv",
        vector_entry_point="jaxenvs.adapters.gymnasium_vector:GymnasiumVectorEnv",
        max_episode_steps=spec.max_episode_steps,
        reward_threshold=spec.reward_threshold,
        kwargs={"env": spec.id},
    )


def register_all() -> None:
    """Registers all ids, and every further one as it comes. A Gymnasium that is too old gets a warning."""
    if tuple(int(part) for part in gymnasium.__version__.split(".")[:2]) < (1, 1):
        warnings.warn(
            f"Gymnasium {gymnasium.__version__} is older than 1.1, so it does not know the environments of jaxenvs:"
            ' run `pip install "jaxenvs[gymnasium]"`.',
            stacklevel=2,
        )
        return
    for spec in registry.loaded():
        register(spec)
    registry.on_add(register)
