"""Registration of every id with Gymnasium, under the namespace `jaxenvs`."""

import copy
import importlib.util
import warnings
from typing import Any

import gymnasium
from gymnasium.envs import registration

from jaxenvs.registration import EnvSpec, registry
from jaxenvs.registration.atari import atari_ids
from jaxenvs.registration.spec import gymnasium_id

_BRIDGE = "jaxenvs_ale_bridge"
_ADAPTER = "jaxenvs.adapters:GymnasiumEnv"
_ADAPTER_OF_GAMES = f"{_BRIDGE}.gymnasium_env:GymnasiumGame"


def register(spec: EnvSpec) -> None:
    """Registers one id with Gymnasium; replaces an older spec of the same id."""
    _put(spec.id, spec.max_episode_steps, spec.reward_threshold, adapter_of(spec))


def adapter_of(spec: EnvSpec) -> str:
    """The `"module:Class"` of the `GymnasiumEnv` that `gymnasium.make` puts around an id."""
    return _ADAPTER_OF_GAMES if spec.entry_point == f"{_BRIDGE}.env:AleEnv" else _ADAPTER


def _put(id: str, max_episode_steps: int | None, reward_threshold: float | None, entry_point: str) -> None:
    # `gymnasium.register` searches all ids for each new one, which is slow for a thousand of them.
    name = gymnasium_id(id)
    gymnasium.registry[name] = registration.EnvSpec(
        id=name,
        entry_point=entry_point,
        vector_entry_point="jaxenvs.adapters:GymnasiumVectorEnv",
        max_episode_steps=max_episode_steps,
        reward_threshold=reward_threshold,
        kwargs={"env": id},
    )


def register_all() -> None:
    """Registers all ids, and later every new one. Warns if Gymnasium is too old.

    They include those of the Atari bridge and its older names, although the bridge is not loaded yet. Other plug-ins
    are loaded by the first look-up in jaxenvs that needs them, by `jaxenvs.registry.load_plugins()`, or by
    importing their package.
    """
    if tuple(int(part) for part in gymnasium.__version__.split(".")[:2]) < (1, 1):
        warnings.warn(
            f"Gymnasium {gymnasium.__version__} is older than 1.1, so it does not know the environments of jaxenvs:"
            ' run `pip install "jaxenvs[gymnasium]"`.',
            stacklevel=2,
        )
        return
    for spec in registry.loaded():
        register(spec)
    # Without the bridge, the adapter raises the error that says what to install.
    adapter_of_games = _ADAPTER_OF_GAMES if importlib.util.find_spec(_BRIDGE) else _ADAPTER
    for id, max_episode_steps in atari_ids():
        _put(id, max_episode_steps, None, adapter_of_games)
    registry.on_add(register)


def spec_as_made(
    spec: EnvSpec, fields: dict[str, Any], max_episode_steps: int | None, render_mode: str | None
) -> registration.EnvSpec | None:
    """The `spec` of what `gymnasium.make` makes of an id with these arguments; None if Gymnasium does not know the id.

    Args:
        spec: the spec of the id in jaxenvs.
        fields: values for fields of the environment.
        max_episode_steps: replaces the id's time limit; -1 for none.
        render_mode: the render mode, or None.
    """
    known = gymnasium.registry.get(spec.gymnasium_id)
    if known is None:
        return None
    made = copy.deepcopy(known)
    made.kwargs |= fields | ({} if render_mode is None else {"render_mode": render_mode})
    if max_episode_steps is not None:
        made.max_episode_steps = None if max_episode_steps == -1 else max_episode_steps
    return made
