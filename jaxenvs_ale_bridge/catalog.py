"""The ids of the bridge: `ALE/<Game>-v5` for each of the games, and the older names of some."""

import re

import jaxenvs
from jaxenvs_ale_bridge.games import GAMES

ENTRY_POINT = "jaxenvs_ale_bridge.env:AleEnv"
TRAINING_ENTRY_POINT = "jaxenvs_ale_bridge.preprocessing:make_atari"

MAX_FRAMES = 108_000
"""Greatest number of frames of an episode, half an hour of play."""

_SOURCE = "Bellemare et al. 2013"

_NEWER = """
    atlantis2 backgammon basic_math blackjack casino crossbow darkchambers donkey_kong earthworld entombed et
    flag_capture frogger galaxian hangman haunted_house human_cannonball kaboom keystone_kapers king_kong klax koolaid
    laser_gates lost_luggage mario_bros miniature_golf mr_do othello pacman pitfall2 sir_lancelot space_war superman
    surround tetris tic_tac_toe_3d trondead turmoil video_checkers video_chess video_cube word_zapper
"""
"""Games that were added too late to have an older name."""

_OLDER_GAMES = {game.title: game.name for game in GAMES.values() if game.name not in _NEWER.split()}

_OLDER_ID = re.compile(r"(?P<title>\w+?)(?P<ram>-ram)?(?P<skip>Deterministic|NoFrameskip)?-v(?P<version>[04])")

_STICKY = {"0": 0.25, "4": 0.0}
"""The probability of sticky actions by version."""


def register_all() -> None:
    """Registers every id; jaxenvs calls it through the entry point group `jaxenvs.envs`."""
    registered = {spec.id for spec in jaxenvs.registry.loaded()}
    for game in GAMES.values():
        id = f"ALE/{game.title}-v5"
        if id not in registered:
            jaxenvs.register(
                id,
                ENTRY_POINT,
                fields={"game": game.name, "frameskip": 4, "repeat_action_probability": 0.25},
                max_episode_steps=MAX_FRAMES // 4,
                extra="atari",
                source=_SOURCE,
                training_entry_point=TRAINING_ENTRY_POINT,
            )
    jaxenvs.registry.on_missing(older_spec)


def older_spec(id: str) -> jaxenvs.EnvSpec | None:
    """The spec of an older name, such as `BreakoutNoFrameskip-v4`; None for any other id.

    There are 744 of them: 62 games, with pictures or (`-ram`) the console's memory, in versions 0 (sticky actions with
    probability 0.25) and 4 (none), each with three frame skips: 2 to 4 at random, always 4 (`Deterministic`; 3 in
    Space Invaders, whose shots blink), or 1 (`NoFrameskip`). So many rows would hide the others, so they are made on
    demand and not listed. ale-py 0.12.1 still registers those without `-ram` and `Deterministic`; the rest are those
    of OpenAI Gym 0.26.

    As in ale-py, all episodes end after half an hour of play, counted in steps; with a random frame skip, it is half an
    hour on average. (Gym allowed 10,000 to 400,000 steps, depending on the name.)
    """
    match = _OLDER_ID.fullmatch(id)
    game = _OLDER_GAMES.get(match["title"]) if match else None
    if match is None or game is None:
        return None
    frameskip, mean = (2, 5), 3
    if match["skip"]:
        frameskip = mean = 1 if match["skip"] == "NoFrameskip" else 3 if game == "space_invaders" else 4
    return jaxenvs.EnvSpec(
        id=id,
        entry_point=ENTRY_POINT,
        fields={
            "game": game,
            "frameskip": frameskip,
            "repeat_action_probability": _STICKY[match["version"]],
            "obs_type": "ram" if match["ram"] else "rgb",
        },
        max_episode_steps=MAX_FRAMES // mean,
        extra="atari",
        source=_SOURCE,
        training_entry_point=None if match["ram"] else TRAINING_ENTRY_POINT,
    )
