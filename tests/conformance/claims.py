"""Claims about ids that differ from the defaults of `check_env`: the table of exceptions.

Each row holds keyword arguments of `jaxenvs.testing.check_env`, with its reason.
"""

import jax
import jax.numpy as jnp


def _along_the_velocity(observation, key):
    """MountainCar: push the way the car already moves, which gains height with every swing."""
    return jnp.where(observation[1] < 0, jnp.int32(0), jnp.int32(2))


def _full_force_along_the_velocity(observation, key):
    return jnp.where(observation[1:] < 0, jnp.float32(-1.0), jnp.float32(1.0))


def _torque_along_the_velocity(observation, key):
    """Acrobot: torque in the direction of the second joint's motion, which always adds energy."""
    return jnp.where(observation[5] < 0, jnp.int32(0), jnp.int32(2))


def _torque_along_the_second_velocity(observation, key):
    """The Acrobot of rlenvs, which observes angles and velocities."""
    return jnp.where(observation[3] < 0, jnp.int32(0), jnp.int32(2))


def _push_along_the_first_number(observation, key):
    """The MountainCar of rlenvs, which observes the velocity first."""
    return jnp.where(observation[0] < 0, jnp.int32(0), jnp.int32(2))


def _up_or_right(observation, key):
    """GridWorld: towards the corner."""
    return jax.random.randint(key, (), 0, 2, jnp.int32)


def _around_by_the_right(observation, key):
    """WindyWorld: past the goal, down the calm column, and back into the wind."""
    x, y = observation
    return jnp.where((x > 8) & (x + y == 11), jnp.int32(3), jnp.where(x < 10, jnp.int32(1), jnp.int32(2)))


def _all_or_nothing(observation, key):
    """Ant: full torques, which throw it up or over."""
    return jnp.where(jax.random.bernoulli(key, 0.5, (8,)), jnp.float32(1.0), jnp.float32(-1.0))


_SHORT = {"steps": 100, "lanes": 4, "eager": False}
"""Robots take long to simulate; `tests/parity/test_mujoco.py` steps them further."""

_ENDLESS = {**_SHORT, "reaches": {"truncated"}}
"""Tasks that have no end but the limit."""

_GOALS = {**_ENDLESS, "steps": 60, "lanes": 2}
"""The same with a shorter limit; `tests/parity/test_robotics.py` steps whole episodes."""

_LONG_GAMES = {"lanes": 4, "eager": False}
"""Large boards; `tests/games` plays on all sizes."""

_MAZES = [
    f"{robot}_{maze}{kind}-{version}"
    for robot, version in (("PointMaze", "v3"), ("AntMaze", "v5"), ("AntMaze", "v4"))
    for maze in (
        *("UMaze", "Open", "Open_Diverse_G", "Open_Diverse_GR", "Medium", "Medium_Diverse_G", "Medium_Diverse_GR"),
        *("Large", "Large_Diverse_G", "Large_Diverse_GR"),
    )
    for kind in ("", "Dense")
]

CLAIMS = {
    # Random pushes do not reach the flag.
    "MountainCar-v0": {"policy": _along_the_velocity},
    "MountainCarContinuous-v0": {"policy": _full_force_along_the_velocity},
    # The pendulum task has no end but the limit.
    "Pendulum-v1": {"reaches": {"truncated"}},
    # Random torques seldom swing it up.
    "Acrobot-v1": {"policy": _torque_along_the_velocity},
    # Work has no end.
    "HeartPole-v0": {"reaches": {"truncated"}},
    "HeartPole-v1": {"reaches": {"truncated"}},
    # The chain has no end.
    "NChain-v0": {"reaches": {"truncated"}},
    # The clock of the game runs for 2,501 frames.
    "MinAtar/Freeway-v0": {"steps": 2600, "lanes": 4},
    "MinAtar/Freeway-v1": {"steps": 2600, "lanes": 4},
    # Eagerly it takes twenty seconds; a slow test covers that.
    "MinAtar/Seaquest-v1": {"eager": False},
    # One start, and deterministic moves.
    "CliffWalking-v1": {"random": False},
    "bsuite/Bandit-v0": {"random": False},
    "bsuite/DeepSea-v0": {"random": False},
    "bsuite/DiscountingChain-v0": {"random": False},
    # One start, and nothing random after it; random torques and pushes reach neither the height nor the flag.
    "rlenvs/Acrobot-v0": {"random": False, "policy": _torque_along_the_second_velocity},
    "rlenvs/CartPole-v0": {"random": False},
    "rlenvs/MountainCar-v0": {"random": False, "policy": _push_along_the_first_number},
    # Objects in a grid; walks have no end but the limit.
    "rlenvs/XOWorld-v0": {"random": False, "reaches": {"truncated"}, "steps": 150, "lanes": 4},
    "rlenvs/CliffWalking-v0": {"random": False},
    "rlenvs/DynaMaze-v0": {"random": False},
    "rlenvs/GridWorld-v0": {"random": False, "policy": _up_or_right},
    "rlenvs/RandomWalk-v0": {"random": False},
    "rlenvs/WindyWorld-v0": {"random": False, "policy": _around_by_the_right},
    # A picture takes long to draw; the time is up after 150 steps.
    "rlenvs/Minecraft-v0": {"steps": 160, "lanes": 2, "eager": False},
    # Rentals and bandits never end.
    "rlenvs/JacksCarRental-v0": {"reaches": {"truncated"}},
    "rlenvs/MultiArmedBandit-v0": {"reaches": {"truncated"}},
    # Random actions do not find a diamond; pictures and worlds take long.
    "VoxelCraft-v0": {"steps": 60, "lanes": 2, "eager": False, "reaches": {"truncated"}},
    "VoxelCraftSymbolic-v0": {"steps": 60, "lanes": 2, "eager": False, "reaches": {"truncated"}},
    # Tasks that have no end but the limit.
    "gymnax/PointRobot-v0": {"reaches": {"truncated"}},
    "gymnax/BernoulliBandit-v0": {"reaches": {"truncated"}},
    "gymnax/GaussianBandit-v0": {"reaches": {"truncated"}},
    "gymnax/Reacher-v0": {"reaches": {"truncated"}},
    "gymnax/Swimmer-v0": {"reaches": {"truncated"}},
    # One serve, and nothing random.
    "gymnax/Pong-v0": {"random": False},
    # Two players, and no chance.
    "two_player/TicTacToe-v0": {"random": False},
    "two_player/ConnectFour-v0": {"random": False},
    "two_player/Othello-v0": {"random": False},
    "two_player/Hex9x9-v0": {"random": False},
    "two_player/Hex11x11-v0": {"random": False},
    "two_player/Go9x9-v0": {"random": False},
    "two_player/Go13x13-v0": {"random": False, **_LONG_GAMES},
    "two_player/Go19x19-v0": {"random": False, **_LONG_GAMES},
    "Go13x13-v0": _LONG_GAMES,
    "Go19x19-v0": _LONG_GAMES,
    # Random driving neither completes a lap nor leaves the field.
    "CarRacing-v3": _ENDLESS,
    # Random torques seldom make it unhealthy.
    "Ant-v5": {**_SHORT, "policy": _all_or_nothing},
    "HalfCheetah-v5": _ENDLESS,
    "Hopper-v5": {**_SHORT, "eager": True},
    "Humanoid-v5": _SHORT,
    "HumanoidStandup-v5": _ENDLESS,
    "InvertedDoublePendulum-v5": _SHORT,
    "InvertedPendulum-v5": _SHORT,
    "Pusher-v5": _ENDLESS,
    "Reacher-v5": _ENDLESS,
    "Swimmer-v5": _ENDLESS,
    "Walker2d-v5": _SHORT,
    # The object should stay at the goal, so no episode ends before the limit.
    "FetchPickAndPlace-v4": _GOALS,
    "FetchPickAndPlaceDense-v4": _GOALS,
    "FetchPush-v4": _GOALS,
    "FetchPushDense-v4": _GOALS,
    "FetchReach-v4": _GOALS,
    "FetchReachDense-v4": _GOALS,
    "FetchSlide-v4": _GOALS,
    "FetchSlideDense-v4": _GOALS,
    # The ball may stay at the goal.
    **dict.fromkeys(_MAZES, _GOALS),
    # Random torques throw it over within 200 steps.
    "BipedalWalker-v3": {**_SHORT, "steps": 200},
    "BipedalWalkerHardcore-v3": {**_SHORT, "steps": 200},
}

REPRESENTATIVES = {
    "CartPole-v1": "Classic control: an episode ends in both ways, and the observation is a vector",
    "Pendulum-v1": "Actions are real numbers, and no episode ends but by the limit",
    "Taxi-v4": "Toy text: a numbered state, tables in place of arithmetic, and an action mask in `info`",
    "KellyCoinflip-v0": "A tuple as observation, and no time limit",
    "Copy-v0": "Algorithmic: a tuple as action, and a level that changes between episodes",
    "HeartPole-v1": "Tutorial: every episode is truncated, after a long chain of arithmetic",
    "rlenvs/Catch-v0": "rlenvs: a picture of bytes as observation",
    "rlenvs/DynaMaze-v0": "Several numbers as observation, and a deterministic task whose map changes between episodes",
    "rlenvs/MultiArmedBandit-v0": "A parameter that is None until an episode has ended",
    "MinAtar/Breakout-v1": "MinAtar: planes of truth values as observation",
    "gymnax/Swimmer-v0": "gymnax: a loop within the step",
    "gymnax/Pong-v0": "A picture of real numbers as observation",
    "bsuite/DeepSea-v0": "bsuite: a board as observation, and nothing random",
    "bsuite/MnistBandit-v0": "A data set inside the environment, and episodes of one step",
    "two_player/TicTacToe-v0": "Board games: two players in turn, and the mask of what is legal in `info`",
    "Hopper-v5": "MuJoCo: each step calls the host",
    "FetchReach-v4": "Fetch: a dict as observation, with goals, and a robot that a mocap body leads",
    "Ant-v5": "A costly reset, which AutoReset runs for some lanes at a time",
}
"""Ids on which the fast tests run every check, with what each of them stands for: one of each family at least, and each
mechanism that another id does not have. On the other ids they run `CHEAP_CHECKS`; the slow tests run the rest."""

CHEAP_CHECKS = {
    "pytree",
    "timestep",
    "info",
    "same_types",
    "no_weak_types",
    "inputs_kept",
    "pure",
    "keys_used_once",
    "no_leaks",
    "bad_action_refused",
    "bad_key_refused",
    "steps_in_mapped_cond",
}
"""Checks that trace an environment, and compile nothing but the drawing of an action."""

SLOW = {
    "CartPole-v0",
    "FrozenLake8x8-v1",
    "CliffWalkingSlippery-v1",
    "HeartPole-v0",
    "ReversedAddition3-v0",
    "MinAtar/Asterix-v0",
    "MinAtar/Breakout-v0",
    "MinAtar/Freeway-v0",
    "MinAtar/Seaquest-v0",
    "MinAtar/SpaceInvaders-v0",
    "bsuite/CartPole-v0",
    "Hex11x11-v0",
    "two_player/Hex9x9-v0",
    "two_player/Hex11x11-v0",
    "Go19x19-v0",
    "two_player/Go13x13-v0",
    "two_player/Go19x19-v0",
    "LunarLander-v3",
    "LunarLanderContinuous-v3",
    "BipedalWalker-v3",
    "BipedalWalkerHardcore-v3",
    "CarRacing-v3",
    "HumanoidStandup-v5",
    "InvertedPendulum-v5",
    "Pusher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
    "FetchPickAndPlace-v4",
    "FetchPickAndPlaceDense-v4",
    "FetchPush-v4",
    "FetchPushDense-v4",
    "FetchReachDense-v4",
    "FetchSlide-v4",
    "FetchSlideDense-v4",
    *_MAZES[1:],
}
"""Ids that share their code with others, and are left to the slow tests altogether."""

SLOW_FAMILIES = {
    "box2d": "Its step takes half a minute to compile, and seconds to trace.",
    "voxel_craft": "Its world takes seconds to generate and to compile; the cheap checks run.",
}
"""Families that no id represents in the fast tests, with the reason; `tests/parity` has a fast test of each."""
