"""THE table of peers: how each is measured, and which of its tasks are the same as a task of jaxenvs.

To add a peer, add a file in `bench/peers/` and an entry here. A task is listed only if it is really the same: dynamics,
observations, actions, start distribution and time limit. (Three deviations are allowed, since they cost nothing: the
width of numbers, what a step after the end does, and details in the rules of gymnax's MinAtar games, in which random
play returns up to 7 % more than in MinAtar's own.)
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PEER_FOLDER = Path(__file__).with_name("peers")


@dataclasses.dataclass(frozen=True)
class Task:
    """A task of a peer.

    Attributes:
        name: the peer's name of the task.
        options: further arguments of the peer's `prepare`.
    """

    name: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library that steps environments.

    Attributes:
        name: name on the command line and in tables.
        file: the file that measures it, in `bench/peers/`.
        distribution: the package whose version is reported, or None.
        install: how to install it.
        tasks: the peer's tasks by our ids.
        remark: how its work differs from ours, if it does.
    """

    name: str
    file: str
    distribution: str | None
    install: str
    tasks: Mapping[str, Task]
    remark: str = ""

    @property
    def path(self) -> Path:
        """The file that measures it."""
        return PEER_FOLDER / self.file


def _same(*ids: str, **options: Any) -> dict[str, Task]:
    return {id: Task(id, options) for id in ids}


_CLASSIC_CONTROL = "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"
_TOY_TEXT = (
    "Blackjack-v1",
    "FrozenLake-v1",
    "FrozenLake8x8-v1",
    "CliffWalking-v1",
    "CliffWalkingSlippery-v1",
)
_MUJOCO = (
    "Ant-v5",
    "HalfCheetah-v5",
    "Hopper-v5",
    "Humanoid-v5",
    "HumanoidStandup-v5",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Pusher-v5",
    "Reacher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
)
_BOX2D = "LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3", "BipedalWalkerHardcore-v3", "CarRacing-v3"
_ATARI = {"Breakout": "breakout", "MsPacman": "ms_pacman", "Pong": "pong", "Qbert": "qbert", "Seaquest": "seaquest"}
"""Games by title and by ale-py's name. All use DQN's preprocessing: 84 x 84 grey pixels, the maximum of two frames, a
stack of four, four frames per step, up to 30 no-ops at the start, clipped rewards, no sticky actions."""
_AS_DQN = {"maker": "jaxenvs_ale_bridge:make_atari", "repeat_action_probability": 0.0}
_MINATAR = {
    "Asterix": "asterix",
    "Breakout": "breakout",
    "Freeway": "freeway",
    "Seaquest": "seaquest",
    "SpaceInvaders": "space_invaders",
}
"""Games by title and by MinAtar's name, all with the six actions."""
_NO_LIMIT = {"max_steps_in_episode": 2**31 - 1}
_LIMITS = {"Freeway": {"max_steps_in_episode": 2501}}
"""The time limit of gymnax's MinAtar games, in place of its 1,000 steps: the clock of Freeway is part of the game."""
_NEXT_STEP = "resets in the step after an episode's last one, which is counted as a step as well"

JAXENVS = Peer(
    "jaxenvs",
    "jaxenvs_peer.py",
    "jaxenvs",
    "pip install jaxenvs",
    {f"ALE/{title}-v5": Task(f"ALE/{title}-v5", _AS_DQN) for title in _ATARI},
)
"""jaxenvs itself; every id is one of its tasks, by default under its own name."""

PEERS: tuple[Peer, ...] = (
    Peer(
        "c",
        "c_peer.py",
        None,
        "install a C compiler, such as gcc, or name one in $CC",
        {"CartPole-v1": Task("CartPole-v1")},
        "a loop written for one task, vectorised by hand, with one hash for all random numbers of a step",
    ),
    Peer(
        "gymnax",
        "gymnax_peer.py",
        "gymnax",
        "pip install gymnax==1.0.1 six",  # it imports six, but does not depend on it
        {
            **_same(*_CLASSIC_CONTROL),
            "FrozenLake-v1": Task("FrozenLake-misc"),
            "FrozenLake8x8-v1": Task("FrozenLake-misc", {"map_name": "8x8"}),
            **{f"MinAtar/{title}-v1": Task(f"{title}-MinAtar", _LIMITS.get(title, _NO_LIMIT)) for title in _MINATAR},
        },
    ),
    Peer(
        "envpool",
        "envpool_peer.py",
        "envpool",
        "pip install envpool",
        {
            **_same("CartPole-v0", *_CLASSIC_CONTROL, *_BOX2D, *_TOY_TEXT, *_MUJOCO),
            "Taxi-v4": Task("Taxi-v3"),  # they differ only in options that are not used here
            **{
                f"ALE/{title}-v5": Task(f"{title}-v5", {"reward_clip": True, "use_fire_reset": False})
                for title in _ATARI
            },
        },
        _NEXT_STEP,
    ),
    Peer(
        "gymnasium-vector",
        "gymnasium_peer.py",
        "gymnasium",
        'pip install "gymnasium[classic-control]"',
        _same("CartPole-v0", "CartPole-v1", mode="vector_entry_point"),
        _NEXT_STEP,
    ),
    Peer(
        "gymnasium-sync",
        "gymnasium_peer.py",
        "gymnasium",
        'pip install "gymnasium[classic-control,box2d,toy-text,mujoco]"',
        _same("CartPole-v0", *_CLASSIC_CONTROL, *_BOX2D, *_TOY_TEXT, "Taxi-v4", *_MUJOCO, mode="sync"),
        _NEXT_STEP,
    ),
    Peer(
        "ale-vector",
        "ale_vector_peer.py",
        "ale_py",
        'pip install "jaxenvs[atari]"',
        {f"ALE/{title}-v5": Task(name, {"use_fire_reset": False}) for title, name in _ATARI.items()},
        _NEXT_STEP,
    ),
    Peer(
        "minatar",
        "minatar_peer.py",
        "minatar",
        "pip install minatar",
        {f"MinAtar/{title}-v0": Task(name) for title, name in _MINATAR.items()},
    ),
)
"""The peers, in the order of the tables. Board games are measured beside pgx by `benchmarks.board_games`."""
