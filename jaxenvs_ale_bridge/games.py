"""THE table of games: what must be known about each before an emulator runs.

It was read from ale-py 0.12.1; a test compares it with the ROMs.
"""

import dataclasses

ACTION_MEANINGS = (
    "NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT",
    "UPFIRE", "RIGHTFIRE", "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE", "DOWNRIGHTFIRE", "DOWNLEFTFIRE",
)  # fmt: skip
"""The meanings of the ALE's actions 0 to 17."""

TWO_PLAYER_GAMES = ("combat", "joust", "maze_craze", "warlords")
"""Games of ale-py that need two players; loading one ends the process."""


@dataclasses.dataclass(frozen=True)
class Game:
    """The properties of a game.

    Attributes:
        name: its name in snake_case, as in ale-py.
        height: number of rows of its screen, each of which has 160 pixels.
        minimal_actions: the actions of the ALE that make a difference in it.
        legal_actions: the actions that it allows.
        modes: positions of its mode switch for a single player.
        difficulties: positions of its difficulty switch.
    """

    name: str
    height: int
    minimal_actions: tuple[int, ...]
    legal_actions: tuple[int, ...]
    modes: tuple[int, ...]
    difficulties: tuple[int, ...]

    @property
    def title(self) -> str:
        """Its name in an id, such as `SpaceInvaders`."""
        return self.name.title().replace("_", "")


def _numbers(text: str) -> tuple[int, ...]:
    """Expands ranges: `"0-2,5"` stands for 0, 1, 2 and 5."""
    ends = [part.partition("-") for part in text.split(",")]
    return tuple(n for first, _, last in ends for n in range(int(first), int(last or first) + 1))


def _game(name: str, height: int, actions: str, modes: str, difficulties: str, legal_actions: str = "0-17") -> Game:
    return Game(name, height, _numbers(actions), _numbers(legal_actions), _numbers(modes), _numbers(difficulties))


_ROOMS = ",".join(f"{100 * room}-{100 * room + 2}" for room in range(51))

# fmt: off
_TABLE = (
    _game("adventure",          250, "0-17",                 "0-2",              "0-3"),
    _game("air_raid",           250, "0-1,3-4,11-12",        "1-8",              "0"),
    _game("alien",              210, "0-17",                 "0-3",              "0-3"),
    _game("amidar",             210, "0-5,10-13",            "0",                "0,3"),
    _game("assault",            210, "0-4,11-12",            "0",                "0"),
    _game("asterix",            210, "0,2-9",                "0",                "0"),
    _game("asteroids",          210, "0-7,10-15",            "0-31,128",         "0,3"),
    _game("atlantis",           210, "0-1,11-12",            "0-3",              "0"),
    _game("atlantis2",          210, "0-1,11-12",            "0",                "0"),
    _game("backgammon",         210, "1,3-4",                "0",                "3"),
    _game("bank_heist",         210, "0-17",                 "0,4,8,12,16,20,24,28","0-3"),
    _game("basic_math",         210, "0-5",                  "5-8",              "0,2-3"),
    _game("battle_zone",        210, "0-17",                 "1-3",              "0"),
    _game("beam_rider",         210, "0-4,6-7,11-12",        "0",                "0-1"),
    _game("berzerk",            210, "0-17",                 "1-9,16-18",        "0"),
    _game("blackjack",          210, "0-2,5",                "0",                "0-3"),
    _game("bowling",            210, "0-2,5,10,13",          "0,2,4",            "0-1"),
    _game("boxing",             210, "0-17",                 "0",                "0-3"),
    _game("breakout",           210, "0-1,3-4",              "0,4,8,12,16,20,24,28,32,36,40,44","0-1"),
    _game("carnival",           214, "0-1,3-4,11-12",        "0",                "0"),
    _game("casino",             210, "0-2,5",                "0,2-3",            "0-3"),
    _game("centipede",          210, "0-17",                 "22,86",            "0"),
    _game("chopper_command",    210, "0-17",                 "0,2",              "0-1"),
    _game("crazy_climber",      210, "0,2-9",                "0-3",              "0-1"),
    _game("crossbow",           210, "0-17",                 "0,2,4,6",          "0-1"),
    _game("darkchambers",       210, "0-17",                 "0",                "0"),
    _game("defender",           210, "0-17",                 "1-9,16",           "0-1"),
    _game("demon_attack",       210, "0-1,3-4,11-12",        "1,3,5,7",          "0-1"),
    _game("donkey_kong",        210, "0-17",                 "0",                "0"),
    _game("double_dunk",        210, "0-17",                 "0-15",             "0"),
    _game("earthworld",         210, "0-17",                 "0",                "0"),
    _game("elevator_action",    210, "0-17",                 "0",                "0"),
    _game("enduro",             210, "0-1,3-5,8-9,11-12",    "0",                "0"),
    _game("entombed",           210, "0-17",                 "0",                "0,2"),
    _game("et",                 210, "0-17",                 "0-2",              "0-3"),
    _game("fishing_derby",      210, "0-17",                 "0",                "0-3"),
    _game("flag_capture",       210, "0-17",                 "8-10",             "0"),
    _game("freeway",            210, "0,2,5",                "0-7",              "0-1"),
    _game("frogger",            210, "0,2-5",                "0-2",              "0-1"),
    _game("frostbite",          210, "0-17",                 "0,2",              "0"),
    _game("galaxian",           210, "0-1,3-4,11-12",        "1-9",              "0-1"),
    _game("gopher",             210, "0-4,10-12",            "0,2",              "0-1"),
    _game("gravitar",           210, "0-17",                 "0-4",              "0"),
    _game("hangman",            210, "0-17",                 "0-3",              "0-1"),
    _game("haunted_house",      210, "0-17",                 "0-8",              "0-1"),
    _game("hero",               210, "0-17",                 "0-4",              "0"),
    _game("human_cannonball",   210, "0-17",                 "0-7",              "0-1"),
    _game("ice_hockey",         210, "0-17",                 "0,2",              "0-3"),
    _game("jamesbond",          210, "0-17",                 "0-1",              "0"),
    _game("journey_escape",     230, "0,2-9,11-17",          "0",                "0-1"),
    _game("kaboom",             210, "0-1,3-4",              "0",                "0"),
    _game("kangaroo",           210, "0-17",                 "0-1",              "0"),
    _game("keystone_kapers",    250, "0-13",                 "0",                "0"),
    _game("king_kong",          250, "0-5",                  "0-3",              "0"),
    _game("klax",               250, "0-17",                 "0-2",              "0"),
    _game("koolaid",            210, "0,2-9",                "0",                "0"),
    _game("krull",              210, "0-17",                 "0",                "0"),
    _game("kung_fu_master",     210, "0,2-5,8-9,11-17",      "0",                "0"),
    _game("laser_gates",        250, "0-17",                 "0",                "0"),
    _game("lost_luggage",       210, "0,2-9",                "0-1",              "0-1", "0,2-9"),
    _game("mario_bros",         210, "0-17",                 "0,2,4,6",          "0"),
    _game("miniature_golf",     210, "0-17",                 "0",                "0-1"),
    _game("montezuma_revenge",  210, "0-17",                 "0",                "0"),
    _game("mr_do",              250, "0-5,10-13",            "0-3",              "0"),
    _game("ms_pacman",          210, "0,2-9",                "0-3",              "0"),
    _game("name_this_game",     210, "0-1,3-4,11-12",        "8,24,40",          "0-1"),
    _game("othello",            210, "0-9",                  "0-2",              "0,2"),
    _game("pacman",             250, "0,2-5",                "0-7",              "0-1"),
    _game("phoenix",            210, "0-1,3-5,11-13",        "0",                "0"),
    _game("pitfall",            210, "0-17",                 "0",                "0"),
    _game("pitfall2",           210, "0-17",                 "0",                "0"),
    _game("pong",               210, "0-1,3-4,11-12",        "0-1",              "0-3"),
    _game("pooyan",             220, "0-2,5,10,13",          "10,30,50,70",      "0"),
    _game("private_eye",        210, "0-17",                 "0-4",              "0-3"),
    _game("qbert",              210, "0-5",                  "0",                "0-1"),
    _game("riverraid",          210, "0-17",                 "0",                "0-1"),
    _game("road_runner",        210, "0-17",                 "0",                "0"),
    _game("robotank",           210, "0-17",                 "0",                "0"),
    _game("seaquest",           210, "0-17",                 "0",                "0-1"),
    _game("sir_lancelot",       250, "0-1,3-4,11-12",        "0",                "0"),
    _game("skiing",             210, "0,3-4",                "0",                "0", "0,2-9"),
    _game("solaris",            210, "0-17",                 "0",                "0"),
    _game("space_invaders",     210, "0-1,3-4,11-12",        "0-15",             "0-1"),
    _game("space_war",          250, "0-17",                 "6-17",             "0"),
    _game("star_gunner",        210, "0-17",                 "0-3",              "0"),
    _game("superman",           210, "0-17",                 "0",                "0-3"),
    _game("surround",           210, "0,2-5",                "0,2",              "0-3"),
    _game("tennis",             210, "0-17",                 "0,2",              "0-3"),
    _game("tetris",             210, "0-1,3-5",              "0",                "0"),
    _game("tic_tac_toe_3d",     210, "0-9",                  "0-8",              "0,2"),
    _game("time_pilot",         210, "0-5,10-13",            "0",                "0-2"),
    _game("trondead",           210, "0-17",                 "0",                "0-1"),
    _game("turmoil",            210, "0-9,11-12",            "0-8",              "0"),
    _game("tutankham",          210, "0,2-5,10-12",          "0,4,8,12",         "0"),
    _game("up_n_down",          210, "0-2,5,10,13",          "0",                "0-3"),
    _game("venture",            210, "0-17",                 "0",                "0-3"),
    _game("video_checkers",     210, "1,6-9",                "1-9,11-19",        "0"),
    _game("video_chess",        210, "0-9",                  "0-4",              "0"),
    _game("video_cube",         210, "0-17",                 _ROOMS,             "0-1"),
    _game("video_pinball",      210, "0-5,10-12",            "0,2",              "0-1"),
    _game("wizard_of_wor",      210, "0-5,10-13",            "0",                "0-1"),
    _game("word_zapper",        210, "0-17",                 "0-23",             "0-3"),
    _game("yars_revenge",       210, "0-17",                 "0,32,64,96",       "0-1"),
    _game("zaxxon",             210, "0-17",                 "0,8,16,24",        "0"),
)
# fmt: on

GAMES: dict[str, Game] = {game.name: game for game in _TABLE}
"""The games by name."""
