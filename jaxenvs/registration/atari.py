"""The ids of the Atari bridge and their time limits, for use before the bridge is loaded.

Gymnasium needs them, since its registry has no hook for unknown ids. In jaxenvs itself the bridge registers its ids
when one is looked up; a test compares them with these.
"""

from collections.abc import Iterator

ALE_NAMESPACE = "ALE"
"""The namespace of the games; older names have none."""

_FRAMES = 108_000  # greatest number of frames of an episode

_WITH_OLDER_NAMES = """
    Adventure AirRaid Alien Amidar Assault Asterix Asteroids Atlantis BankHeist BattleZone BeamRider Berzerk
    Bowling Boxing Breakout Carnival Centipede ChopperCommand CrazyClimber Defender DemonAttack DoubleDunk
    ElevatorAction Enduro FishingDerby Freeway Frostbite Gopher Gravitar Hero IceHockey Jamesbond JourneyEscape
    Kangaroo Krull KungFuMaster MontezumaRevenge MsPacman NameThisGame Phoenix Pitfall Pong Pooyan PrivateEye
    Qbert Riverraid RoadRunner Robotank Seaquest Skiing Solaris SpaceInvaders StarGunner Tennis TimePilot
    Tutankham UpNDown Venture VideoPinball WizardOfWor YarsRevenge Zaxxon
"""

_WITHOUT = """
    Atlantis2 Backgammon BasicMath Blackjack Casino Crossbow Darkchambers DonkeyKong Earthworld Entombed Et
    FlagCapture Frogger Galaxian Hangman HauntedHouse HumanCannonball Kaboom KeystoneKapers KingKong Klax Koolaid
    LaserGates LostLuggage MarioBros MiniatureGolf MrDo Othello Pacman Pitfall2 SirLancelot SpaceWar Superman
    Surround Tetris TicTacToe3D Trondead Turmoil VideoCheckers VideoChess VideoCube WordZapper
"""


def atari_ids() -> Iterator[tuple[str, int]]:
    """Each id, such as `ALE/Breakout-v5` and `BreakoutNoFrameskip-v4`, with its time limit in steps."""
    older = _WITH_OLDER_NAMES.split()
    for title in (*older, *_WITHOUT.split()):
        yield f"{ALE_NAMESPACE}/{title}-v5", _FRAMES // 4
    for title in older:
        always = 3 if title == "SpaceInvaders" else 4
        for skip, frames in (("", 3), ("Deterministic", always), ("NoFrameskip", 1)):
            for ram in ("", "-ram"):
                for version in (0, 4):
                    yield f"{title}{ram}{skip}-v{version}", _FRAMES // frames
