"""The ids of the bridge, one row a kind: `ALE/<Game>-v5` for each of the games."""

from typing import Any

import jaxenvs
from jaxenvs_ale_bridge.games import GAMES

_ENTRY_POINT = "jaxenvs_ale_bridge.env:AleEnv"
_SOURCE = "Bellemare et al. 2013"

_MAX_FRAMES = 108_000
"""Frames that an episode can have, half an hour of play."""

# What an id is made of: its form, the steps it is limited to, and the fields of the environment.
_KINDS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("ALE/{title}-v5", _MAX_FRAMES // 4, {"frameskip": 4, "repeat_action_probability": 0.25}),
)


def register_all() -> None:
    """Registers every id; jaxenvs calls it through the entry point group `jaxenvs.envs`."""
    for form, limit, fields in _KINDS:
        for game in GAMES.values():
            id = form.format(title=game.title)
            if id in {spec.id for spec in jaxenvs.registry.loaded()}:
                continue
            jaxenvs.register(
                id,
                _ENTRY_POINT,
                fields={"game": game.name, **fields},
                max_episode_steps=limit,
                extra="atari",
                source=_SOURCE,
            )
