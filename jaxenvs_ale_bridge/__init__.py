"""The Arcade Learning Environment under `jax.jit`, `jax.vmap` and `jax.lax.scan`, as pure functions.

    env = jaxenvs.AutoReset(jaxenvs.make("ALE/Breakout-v5"))
    state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 32))
    state, trajectory = jax.lax.scan(jax.vmap(env.step), state, actions)

It needs ale-py (`pip install "jaxenvs[atari]"`), whose licence is the GPL, version 2.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenvs_ale_bridge.catalog import register_all as register_all
    from jaxenvs_ale_bridge.env import AleEnv as AleEnv
    from jaxenvs_ale_bridge.env import AleState as AleState
    from jaxenvs_ale_bridge.games import GAMES as GAMES
    from jaxenvs_ale_bridge.games import Game as Game
    from jaxenvs_ale_bridge.pool import close_workers as close_workers
    from jaxenvs_ale_bridge.pool import set_num_workers as set_num_workers
    from jaxenvs_ale_bridge.preprocessing import make_atari as make_atari
    from jaxenvs_ale_bridge.scores import human_normalized_score as human_normalized_score

# The worker processes import this package as well, and must load neither JAX nor jaxenvs. Hence nothing is imported
# before a name is used.
_HOMES = {
    "register_all": "catalog",
    "AleEnv": "env",
    "AleState": "env",
    "GAMES": "games",
    "Game": "games",
    "close_workers": "pool",
    "set_num_workers": "pool",
    "make_atari": "preprocessing",
    "human_normalized_score": "scores",
}

__all__ = [
    "GAMES",
    "AleEnv",
    "AleState",
    "Game",
    "close_workers",
    "human_normalized_score",
    "make_atari",
    "register_all",
    "set_num_workers",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
