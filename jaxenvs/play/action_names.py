"""The names of actions, the keys that stand for them, and what happens while no key is down."""

import dataclasses
from typing import Any, Literal, Protocol, runtime_checkable

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.spaces import Box, Discrete, MultiBinary, Space, Tuple

Idle = Literal["wait", "repeat", "in turn"] | int
"""What happens while no key is down: the game waits, the last action is repeated, all actions are taken in turn, or an
action is taken (the number of a discrete one)."""

_MOST_NAMES = 40
"""The greatest number of actions that are shown as buttons."""


@runtime_checkable
class NamesActions(Protocol):
    """An environment that names its discrete actions, as ALE's games do."""

    @property
    def action_meanings(self) -> tuple[str, ...]:
        """A name for each action, such as `"left"` or `"UPFIRE"`."""
        ...


@dataclasses.dataclass(frozen=True)
class Actions:
    """How a family of environments is played.

    Attributes:
        names: the names of the discrete actions; the longest of several lists that fits the space is taken.
        idle: what happens while no key is down.
        frames_per_second: number of steps per second that people can follow, if it is not the environment's own.
    """

    names: tuple[tuple[str, ...], ...] = ()
    idle: Idle = "wait"
    frames_per_second: float | None = None


def _actions(*names: str, idle: Idle = "wait", frames_per_second: float | None = None) -> Actions:
    """Actions named by strings of names, separated by commas."""
    return Actions(tuple(tuple(name.strip() for name in each.split(",")) for each in names), idle, frames_per_second)


def _minatar(minimal: str) -> Actions:
    """A game of MinAtar, with all actions or a minimal set of them."""
    return _actions("no-op, left, up, right, down, fire", minimal, idle=0, frames_per_second=8)


_COMPASS = "up, right, down, left"
_PUSH = _actions("left, coast, right", idle=1)
_FREE = Actions(idle="repeat")

FAMILIES: dict[str, Actions] = {
    "classic_control.cart_pole:CartPole": _actions("left, right", idle="in turn"),
    "classic_control.mountain_car:MountainCar": _PUSH,
    "classic_control.mountain_car_continuous:MountainCarContinuous": _FREE,
    "classic_control.pendulum:Pendulum": _FREE,
    "classic_control.acrobot:Acrobot": _PUSH,
    "box2d.lunar_lander:LunarLander": Actions((("coast", "left", "fire", "right"),), idle=0, frames_per_second=25),
    "box2d.car_racing:CarRacing": Actions((("coast", "right", "left", "gas", "brake"),), idle=0, frames_per_second=50),
    "toy_text.blackjack:Blackjack": _actions("stick, hit"),
    "toy_text.frozen_lake:FrozenLake": _actions("left, down, right, up"),
    "toy_text.cliff_walking:CliffWalking": _actions(_COMPASS),
    "toy_text.taxi:Taxi": _actions("south, north, east, west, pick up, drop off"),
    "toy_text.roulette:Roulette": _actions(", ".join(["zero", *(f"bet {n}" for n in range(1, 37)), "walk away"])),
    "toy_text.nchain:NChain": _actions("forward, back"),
    "toy_text.guessing_game:GuessingGame": Actions(),
    "toy_text.hotter_colder:HotterColder": Actions(),
    "toy_text.kelly_coinflip:KellyCoinflip": Actions(),
    "algorithmic.copy:Copy": Actions(),
    "algorithmic.repeat_copy:RepeatCopy": Actions(),
    "algorithmic.duplicated_input:DuplicatedInput": Actions(),
    "algorithmic.reverse:Reverse": Actions(),
    "algorithmic.reversed_addition:ReversedAddition": Actions(),
    "tutorial.heart_pole:HeartPole": _actions("nothing, coffee, beer, sleep, walk", "nothing, coffee, beer, sleep"),
    "rlenvs.acrobot:Acrobot": _PUSH,
    "rlenvs.blackjack:Blackjack": _actions("stand, hit"),
    "rlenvs.cart_pole:CartPole": _actions("left, right", idle="in turn"),
    "rlenvs.catch:Catch": _actions("stay, left, right", idle=0),
    "rlenvs.cliff_walking:CliffWalking": _actions(_COMPASS),
    "rlenvs.dyna_maze:DynaMaze": _actions(_COMPASS),
    "rlenvs.grid_world:GridWorld": _actions(_COMPASS),
    "rlenvs.jacks_car_rental:JacksCarRental": _actions(
        "5 from 2nd lot, 4 from 2nd lot, 3 from 2nd lot, 2 from 2nd lot, 1 from 2nd lot, move none,"
        " 1 from 1st lot, 2 from 1st lot, 3 from 1st lot, 4 from 1st lot, 5 from 1st lot"
    ),
    "rlenvs.minecraft:Minecraft": _actions("move 1, move -1, turn 1, turn -1"),
    "rlenvs.mountain_car:MountainCar": _PUSH,
    "rlenvs.multi_armed_bandit:MultiArmedBandit": Actions(),
    "rlenvs.random_walk:RandomWalk": _actions("left, right"),
    "rlenvs.taxi:Taxi": _actions("north, east, south, west, pick up, put down, fill up"),
    "rlenvs.windy_world:WindyWorld": _actions(f"{_COMPASS}, up right, down right, down left, up left", _COMPASS),
    "rlenvs.xo_world:XOWorld": _actions("left, right, up, down"),
    "voxel_craft.voxel_craft:VoxelCraft": _actions(
        "nothing, walk forward, walk back, turn left, turn right, look up, look down, jump, dig, place stone,"
        " place table, place furnace, make wood pickaxe, make stone pickaxe, make iron pickaxe"
    ),
    "minatar.asterix:Asterix": _minatar("no-op, left, up, right, down"),
    "minatar.breakout:Breakout": _minatar("no-op, left, right"),
    "minatar.freeway:Freeway": _minatar("no-op, up, down"),
    "minatar.seaquest:Seaquest": _minatar("no-op, left, up, right, down, fire"),
    "minatar.space_invaders:SpaceInvaders": _minatar("no-op, left, right, fire"),
    "gymnax.four_rooms:FourRooms": _actions(_COMPASS),
    "gymnax.meta_maze:MetaMaze": _actions(_COMPASS),
    "gymnax.point_robot:PointRobot": _FREE,
    "gymnax.bernoulli_bandit:BernoulliBandit": _actions("left arm, right arm"),
    "gymnax.gaussian_bandit:GaussianBandit": _actions("left arm, right arm"),
    "gymnax.reacher:Reacher": _FREE,
    "gymnax.swimmer:Swimmer": _FREE,
    "gymnax.pong:Pong": _actions("stay, up, down", idle=0),
    "bsuite.bandit:Bandit": Actions(),
    "bsuite.cart_pole:CartPole": _PUSH,
    "bsuite.cart_pole_swingup:CartPoleSwingup": _PUSH,
    "bsuite.catch:Catch": _actions("left, stay, right", idle=1),
    "bsuite.deep_sea:DeepSea": Actions(),
    "bsuite.discounting_chain:DiscountingChain": _actions("chain 0, chain 1, chain 2, chain 3, chain 4"),
    "bsuite.memory_chain:MemoryChain": Actions(),
    "bsuite.mnist_bandit:MnistBandit": Actions(),
    "bsuite.mountain_car:MountainCar": _PUSH,
    "bsuite.umbrella_chain:UmbrellaChain": _actions("leave umbrella, take umbrella"),
}
"""How the environments of `jaxenvs.envs` are played, by module and class. An environment of another package waits for
keys if its actions are discrete, and runs freely if they are continuous."""

_TAPE_PARTS = {2: ("left", "right"), 4: ("left", "right", "up", "down")}
"""The moves of the read head of the algorithmic tasks, by their number."""

_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("left", "west", "back", "left arm"), ("ArrowLeft",)),
    **dict.fromkeys(("right", "east", "forward", "right arm"), ("ArrowRight",)),
    **dict.fromkeys(("up", "north"), ("ArrowUp",)),
    **dict.fromkeys(("down", "south"), ("ArrowDown",)),
    **{"move 1": ("ArrowUp",), "move -1": ("ArrowDown",), "turn 1": ("ArrowRight",), "turn -1": ("ArrowLeft",)},
    # The letters w, a, s and d stand for arrow keys, so nothing else may have them here.
    **{"walk forward": ("ArrowUp",), "walk back": ("ArrowDown",)},
    **{"turn left": ("ArrowLeft",), "turn right": ("ArrowRight",)},
    **{"look up": ("PageUp",), "look down": ("PageDown",), "jump": (" ",), "dig": ("e",)},
    **{"place stone": ("q",), "place table": ("t",), "place furnace": ("f",)},
    **{"make wood pickaxe": ("1",), "make stone pickaxe": ("2",), "make iron pickaxe": ("3",)},
    "fire": (" ",),
    **{"hit": ("h",), "stick": ("s",), "stand": ("s",)},
    **{"pick up": ("p",), "drop off": ("o",), "put down": ("o",), "fill up": ("f",)},
    **{"nothing": ("n",), "coffee": ("c",), "beer": ("b",), "sleep": ("z",), "walk": ("w",)},
    **{"walk away": ("w",), "take umbrella": ("t",), "leave umbrella": ("l",)},
}
"""The key, as browsers name it, of each name that has one of its own. Combined names, such as `"UPFIRE"` and
`"up left"`, are the combined keys."""

_COMBINED = ("up", "down", "left", "right", "fire")
"""The words that combined names consist of, in this order."""

_NOTHING = ("no-op", "noop", "stay", "coast")


def actions_of(env: Env[Any, Any]) -> Actions:
    """How an environment is played: what the table says, or what follows from its spaces and names."""
    base = unwrap(env)
    cls = type(base)
    space = env.action_space
    if known := FAMILIES.get(f"{cls.__module__.removeprefix('jaxenvs.envs.')}:{cls.__qualname__}"):
        if known.names and isinstance(space, Box):  # the continuous form of a game
            return dataclasses.replace(known, names=(), idle="repeat")
        return known
    if isinstance(space, Discrete) and isinstance(base, NamesActions):
        names = tuple(base.action_meanings)
        idle = next((i for i, name in enumerate(names) if name.lower() in _NOTHING), None)
        return Actions((names,), "wait" if idle is None else space.start + idle)
    return Actions(idle="repeat" if isinstance(space, Box | MultiBinary) else "wait")


def names_of(space: Discrete, actions: Actions) -> list[str] | None:
    """The names of a discrete space's actions; their numbers if nothing is known, None if there are too many."""
    if space.n > _MOST_NAMES:
        return None
    for names in actions.names:
        if len(names) == space.n:
            return [name.lower() if name.isupper() else name for name in names]
    return [str(space.start + i) for i in range(space.n)]


def keys_of(name: str) -> tuple[str, ...] | None:
    """The keys that stand for a name together; none for doing nothing, and None if the name has no key of its own."""
    name = name.lower()
    if name in _NOTHING:
        return ()
    if name in _KEYS:
        return _KEYS[name]
    rest, keys = name.replace(" ", ""), []
    for word in _COMBINED:
        if rest.startswith(word):
            rest = rest.removeprefix(word)
            keys += _KEYS[word]
    return tuple(keys) if keys and not rest else None


def bindings_of(space: Space[Any], actions: Actions) -> list[dict[str, Any]]:
    """What each key does.

    Returns:
        A list of `{"keys": [...], "set": [[path, value], ...], "act": bool}`: while all `keys` are down, the parts of
        the action at these paths (a list of indices; empty for the action itself) have these values, and the action
        is taken if `act`.
    """
    if isinstance(space, Discrete):
        return _of_discrete(space, names_of(space, actions) or [])
    if isinstance(space, Tuple) and _is_tape(space):
        return _of_tape(space)
    if isinstance(space, Box) and space.shape in ((), (1,)):
        low, high = (float(bound.reshape(-1)[0]) for bound in (space.low, space.high))
        ends = {"ArrowLeft": low, "ArrowDown": low, "ArrowRight": high, "ArrowUp": high}
        path = [0] if space.shape else []
        return [
            {"keys": [key], "set": [[path, value]], "act": True}
            for key, value in ends.items()
            if abs(value) < _LARGE_BOUND
        ]
    return []


_LARGE_BOUND = 100.0
"""A key moves a continuous action to its bound if that is less than this."""


def _of_discrete(space: Discrete, names: list[str]) -> list[dict[str, Any]]:
    bindings = []
    for index, name in enumerate(names):
        chords = [keys_of(name)]
        if len(names) <= 10:
            chords.append((str(space.start + index),))
        bindings += [
            {"keys": list(chord), "set": [[[], space.start + index]], "act": True} for chord in chords if chord
        ]
    return bindings


def _is_tape(space: Tuple) -> bool:
    """Whether the space is that of the algorithmic tasks: a move, whether to write, and a symbol."""
    parts = space.spaces
    if len(parts) != 3 or not all(isinstance(part, Discrete) and part.start == 0 for part in parts):
        return False
    return parts[0].n in _TAPE_PARTS and parts[1].n == 2 and parts[2].n <= 10


def tape_names(space: Space[Any]) -> list[list[str]] | None:
    """The names of the parts of an algorithmic task's actions; None if the space is another."""
    if not isinstance(space, Tuple) or not _is_tape(space):
        return None
    return [list(_TAPE_PARTS[space.spaces[0].n]), ["no", "yes"], list(_symbols(space))]


def _symbols(space: Tuple) -> str:
    """The symbols as the pictures show them: digits on the grid of an addition, and letters on a tape."""
    moves, _, symbols = space.spaces
    return ("0123456789" if moves.n == 4 else "ABCDEFGHIJ")[: symbols.n]


def _of_tape(space: Tuple) -> list[dict[str, Any]]:
    """Symbols choose what to write, Backspace nothing, and an arrow moves the head, which takes the action."""
    moves = [
        {"keys": list(_KEYS[name]), "set": [[[0], index]], "act": True}
        for index, name in enumerate(_TAPE_PARTS[space.spaces[0].n])
    ]
    symbols = [
        {"keys": [symbol.lower()], "set": [[[1], 1], [[2], i]], "act": False}
        for i, symbol in enumerate(_symbols(space))
    ]
    return [*moves, *symbols, {"keys": ["Backspace"], "set": [[[1], 0]], "act": False}]
