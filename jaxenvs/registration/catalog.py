"""THE table: every environment that ships with jaxenvs, one line per id.

To add an environment, add its file in `envs/<family>/`, a line here, and a row in `tests/parity/`.
"""

from typing import Any

from jaxenvs.registration.spec import EnvSpec


def _spec(
    id: str,
    entry_point: str,
    max_episode_steps: int | None,
    reward_threshold: float | None,
    source: str,
    extra: str | None = None,
    training_entry_point: str | None = None,
    **fields: Any,
) -> EnvSpec:
    return EnvSpec(
        id=id,
        entry_point=f"jaxenvs.envs.{entry_point}",
        fields=fields,
        max_episode_steps=max_episode_steps,
        reward_threshold=reward_threshold,
        extra=extra,
        source=source,
        training_entry_point=training_entry_point,
    )


def _maze(id: str, entry_point: str, max_episode_steps: int, maze_map: str, **fields: Any) -> EnvSpec:
    return _spec(id, entry_point, max_episode_steps, None, _FU, extra="robotics", maze_map=maze_map, **fields)


_BARTO = "Barto, Sutton and Anderson 1983"
_MOORE = "Moore 1990"
_FURUTA = "Furuta, Yamakita and Kobayashi 1992"
_SUTTON_1996 = "Sutton 1996"
_SUTTON = "Sutton and Barto 2018"
_SUTTON_1988 = "Sutton 1988"
_SUTTON_1998 = "Sutton and Barto 1998"
_BOYAN = "Boyan and Moore 1995"
_GYM = "OpenAI Gym 2016"
_DIETTERICH = "Dietterich 2000"
_STRENS = "Strens 2000"
_HAGHANI = "Haghani and Dewey 2016"
_HEARTPOLE = "heartpole 1.2"
_ZAREMBA = "Zaremba et al. 2015"
_SCHULMAN = "Schulman et al. 2016"
_WAWRZYNSKI = "Wawrzynski 2009"
_EREZ = "Erez, Tassa and Todorov 2011"
_TASSA = "Tassa, Erez and Todorov 2012"
_COULOM = "Coulom 2002"
_HAFNER = "after Hafner 2021"
_YOUNG = "Young and Tian 2019"
_PRECUP = "Sutton, Precup and Singh 1999"
_MICONI = "Miconi et al. 2019"
_DORFMAN = "Dorfman, Shenfeld and Tamar 2021"
_WANG = "Wang et al. 2017"
_LANGE = "Lange and Sprekeler 2022"
_GYMNAX = "gymnax 1.0.1"
_OSBAND = "Osband et al. 2020"
_OSBAND_2019 = "Osband et al. 2019"
_DEJONG = "DeJong and Spong 1994"
_PEREZ = "Perez-Uribe and Sanchez 1998"
_MNIH = "Mnih, Heess and Graves 2014"
_SINGH = "Singh and Sutton 1996"
_JOHNSON = "Johnson et al. 2016"
_GARNELO = "Garnelo et al. 2016"
_PLAYED = "traditional"
_WEXLER = "Wexler 1974"
_FU = "Fu et al. 2020"
_PLAPPERT = "Plappert et al. 2018"
_HASEGAWA = "Hasegawa 1971"
_HEIN = "Hein 1942"
_CAR_RACING = "jaxenvs.preprocessing:make_car_racing"
_KLIMOV = "Klimov 2016"

# fmt: off
CATALOG: tuple[EnvSpec, ...] = (
    #     id                           module:Class                                                     steps  threshold  source, fields
    _spec("CartPole-v0",               "classic_control.cart_pole:CartPole",                             200,  195.0, _BARTO),
    _spec("CartPole-v1",               "classic_control.cart_pole:CartPole",                             500,  475.0, _BARTO),
    _spec("MountainCar-v0",            "classic_control.mountain_car:MountainCar",                       200, -110.0, _MOORE),
    _spec("MountainCarContinuous-v0",  "classic_control.mountain_car_continuous:MountainCarContinuous",  999,   90.0, _MOORE),
    _spec("Pendulum-v1",               "classic_control.pendulum:Pendulum",                              200,   None, _FURUTA),
    _spec("Acrobot-v1",                "classic_control.acrobot:Acrobot",                                500, -100.0, _SUTTON_1996),
    _spec("LunarLander-v3",            "box2d.lunar_lander:LunarLander",                                1000,  200.0, _KLIMOV),
    _spec("LunarLanderContinuous-v3",  "box2d.lunar_lander:LunarLander",                                1000,  200.0, _KLIMOV, continuous=True),
    _spec("BipedalWalker-v3",          "box2d.bipedal_walker:BipedalWalker",                            1600,  300.0, _KLIMOV),
    _spec("BipedalWalkerHardcore-v3",  "box2d.bipedal_walker:BipedalWalker",                            2000,  300.0, _KLIMOV, hardcore=True),
    _spec("CarRacing-v3",              "box2d.car_racing:CarRacing",                                    1000,  900.0, _KLIMOV, training_entry_point=_CAR_RACING),
    _spec("Blackjack-v1",              "toy_text.blackjack:Blackjack",                                  None,   None, _SUTTON, sab=True),
    _spec("FrozenLake-v1",             "toy_text.frozen_lake:FrozenLake",                                100,   0.70, _GYM),
    _spec("FrozenLake8x8-v1",          "toy_text.frozen_lake:FrozenLake",                                200,   0.85, _GYM, map_name="8x8"),
    _spec("CliffWalking-v1",           "toy_text.cliff_walking:CliffWalking",                           None,   None, _SUTTON),
    _spec("CliffWalkingSlippery-v1",   "toy_text.cliff_walking:CliffWalking",                           None,   None, _SUTTON, is_slippery=True),
    _spec("Taxi-v4",                   "toy_text.taxi:Taxi",                                             200,    8.0, _DIETTERICH),
    _spec("Roulette-v0",               "toy_text.roulette:Roulette",                                     100,   None, _GYM),
    _spec("NChain-v0",                 "toy_text.nchain:NChain",                                        1000,   None, _STRENS),
    _spec("GuessingGame-v0",           "toy_text.guessing_game:GuessingGame",                            200,   None, _GYM),
    _spec("HotterColder-v0",           "toy_text.hotter_colder:HotterColder",                            200,   None, _GYM),
    _spec("KellyCoinflip-v0",          "toy_text.kelly_coinflip:KellyCoinflip",                         None, 246.61, _HAGHANI),
    _spec("Copy-v0",                   "algorithmic.copy:Copy",                                          200,   25.0, _ZAREMBA),
    _spec("RepeatCopy-v0",             "algorithmic.repeat_copy:RepeatCopy",                             200,   75.0, _ZAREMBA),
    _spec("DuplicatedInput-v0",        "algorithmic.duplicated_input:DuplicatedInput",                   200,    9.0, _ZAREMBA),
    _spec("Reverse-v0",                "algorithmic.reverse:Reverse",                                    200,   25.0, _ZAREMBA),
    _spec("ReversedAddition-v0",       "algorithmic.reversed_addition:ReversedAddition",                 200,   25.0, _ZAREMBA),
    _spec("ReversedAddition3-v0",      "algorithmic.reversed_addition:ReversedAddition",                 200,   25.0, _ZAREMBA, rows=3),
    _spec("HeartPole-v0",              "tutorial.heart_pole:HeartPole",                                 1000,   None, _HEARTPOLE),
    _spec("HeartPole-v1",              "tutorial.heart_pole:HeartPole",                                 1000,   None, _HEARTPOLE, has_walk=True),
    _spec("rlenvs/Acrobot-v0",         "rlenvs.acrobot:Acrobot",                                         500,   None, _DEJONG),
    _spec("rlenvs/Blackjack-v0",       "rlenvs.blackjack:Blackjack",                                    None,   None, _PEREZ),
    _spec("rlenvs/CartPole-v0",        "rlenvs.cart_pole:CartPole",                                      200,   None, _BARTO),
    _spec("rlenvs/Catch-v0",           "rlenvs.catch:Catch",                                            None,   None, _MNIH),
    _spec("rlenvs/CliffWalking-v0",    "rlenvs.cliff_walking:CliffWalking",                             1000,   None, _SUTTON_1998),
    _spec("rlenvs/DynaMaze-v0",        "rlenvs.dyna_maze:DynaMaze",                                     1000,   None, _SUTTON_1998),
    _spec("rlenvs/GridWorld-v0",       "rlenvs.grid_world:GridWorld",                                   1000,   None, _BOYAN),
    _spec("rlenvs/JacksCarRental-v0",  "rlenvs.jacks_car_rental:JacksCarRental",                        1000,   None, _SUTTON_1998),
    _spec("rlenvs/Minecraft-v0",       "rlenvs.minecraft:Minecraft",                                    None,   None, _JOHNSON),
    _spec("rlenvs/MountainCar-v0",     "rlenvs.mountain_car:MountainCar",                                200,   None, _SINGH),
    _spec("rlenvs/MultiArmedBandit-v0", "rlenvs.multi_armed_bandit:MultiArmedBandit",                   1000,   None, _SUTTON_1998),
    _spec("rlenvs/RandomWalk-v0",      "rlenvs.random_walk:RandomWalk",                                 1000,   None, _SUTTON_1988),
    _spec("rlenvs/Taxi-v0",            "rlenvs.taxi:Taxi",                                              1000,   None, _DIETTERICH),
    _spec("rlenvs/WindyWorld-v0",      "rlenvs.windy_world:WindyWorld",                                 1000,   None, _SUTTON_1998),
    _spec("rlenvs/XOWorld-v0",         "rlenvs.xo_world:XOWorld",                                        100,   None, _GARNELO),
    _spec("VoxelCraft-v0",             "voxel_craft.voxel_craft:VoxelCraft",                            2000,   None, _HAFNER),
    _spec("VoxelCraftSymbolic-v0",     "voxel_craft.voxel_craft:VoxelCraft",                            2000,   None, _HAFNER, observation="symbolic"),
    _spec("MinAtar/Asterix-v0",        "minatar.asterix:Asterix",                                       None,   None, _YOUNG),
    _spec("MinAtar/Asterix-v1",        "minatar.asterix:Asterix",                                       None,   None, _YOUNG, use_minimal_action_set=True),
    _spec("MinAtar/Breakout-v0",       "minatar.breakout:Breakout",                                     None,   None, _YOUNG),
    _spec("MinAtar/Breakout-v1",       "minatar.breakout:Breakout",                                     None,   None, _YOUNG, use_minimal_action_set=True),
    _spec("MinAtar/Freeway-v0",        "minatar.freeway:Freeway",                                       None,   None, _YOUNG),
    _spec("MinAtar/Freeway-v1",        "minatar.freeway:Freeway",                                       None,   None, _YOUNG, use_minimal_action_set=True),
    _spec("MinAtar/Seaquest-v0",       "minatar.seaquest:Seaquest",                                     None,   None, _YOUNG),
    _spec("MinAtar/Seaquest-v1",       "minatar.seaquest:Seaquest",                                     None,   None, _YOUNG, use_minimal_action_set=True),
    _spec("MinAtar/SpaceInvaders-v0",  "minatar.space_invaders:SpaceInvaders",                          None,   None, _YOUNG),
    _spec("MinAtar/SpaceInvaders-v1",  "minatar.space_invaders:SpaceInvaders",                          None,   None, _YOUNG, use_minimal_action_set=True),
    _spec("gymnax/FourRooms-v0",       "gymnax.four_rooms:FourRooms",                                    500,   None, _PRECUP),
    _spec("gymnax/MetaMaze-v0",        "gymnax.meta_maze:MetaMaze",                                      200,   None, _MICONI),
    _spec("gymnax/PointRobot-v0",      "gymnax.point_robot:PointRobot",                                  100,   None, _DORFMAN),
    _spec("gymnax/BernoulliBandit-v0", "gymnax.bernoulli_bandit:BernoulliBandit",                        100,   None, _WANG),
    _spec("gymnax/GaussianBandit-v0",  "gymnax.gaussian_bandit:GaussianBandit",                          100,   None, _LANGE),
    _spec("gymnax/Reacher-v0",         "gymnax.reacher:Reacher",                                         100,   None, _GYMNAX),
    _spec("gymnax/Swimmer-v0",         "gymnax.swimmer:Swimmer",                                         500,   None, _GYMNAX),
    _spec("gymnax/Pong-v0",            "gymnax.pong:Pong",                                              1000,   None, _GYMNAX),
    _spec("bsuite/Bandit-v0",          "bsuite.bandit:Bandit",                                          None,   None, _OSBAND),
    _spec("bsuite/CartPole-v0",        "bsuite.cart_pole:CartPole",                                     None,   None, _BARTO),
    _spec("bsuite/CartPoleSwingup-v0", "bsuite.cart_pole_swingup:CartPoleSwingup",                      None,   None, _OSBAND),
    _spec("bsuite/Catch-v0",           "bsuite.catch:Catch",                                            None,   None, _MNIH),
    _spec("bsuite/DeepSea-v0",         "bsuite.deep_sea:DeepSea",                                       None,   None, _OSBAND_2019),
    _spec("bsuite/DeepSeaStochastic-v0", "bsuite.deep_sea:DeepSea",                                      None,   None, _OSBAND_2019, deterministic=False),
    _spec("bsuite/DiscountingChain-v0", "bsuite.discounting_chain:DiscountingChain",                    None,   None, _OSBAND),
    _spec("bsuite/MemoryChain-v0",     "bsuite.memory_chain:MemoryChain",                               None,   None, _OSBAND),
    _spec("bsuite/MnistBandit-v0",     "bsuite.mnist_bandit:MnistBandit",                               None,   None, _OSBAND),
    _spec("bsuite/MountainCar-v0",     "bsuite.mountain_car:MountainCar",                               None,   None, _MOORE),
    _spec("bsuite/UmbrellaChain-v0",   "bsuite.umbrella_chain:UmbrellaChain",                           None,   None, _OSBAND),
    _spec("Ant-v5",                    "mujoco.ant:Ant",                                                1000, 6000.0, _SCHULMAN, extra="mujoco"),
    _spec("HalfCheetah-v5",            "mujoco.half_cheetah:HalfCheetah",                               1000, 4800.0, _WAWRZYNSKI, extra="mujoco"),
    _spec("Hopper-v5",                 "mujoco.hopper:Hopper",                                          1000, 3800.0, _EREZ, extra="mujoco"),
    _spec("Humanoid-v5",               "mujoco.humanoid:Humanoid",                                      1000,   None, _TASSA, extra="mujoco"),
    _spec("HumanoidStandup-v5",        "mujoco.humanoid_standup:HumanoidStandup",                       1000,   None, _TASSA, extra="mujoco"),
    _spec("InvertedDoublePendulum-v5", "mujoco.inverted_double_pendulum:InvertedDoublePendulum",        1000, 9100.0, _GYM, extra="mujoco"),
    _spec("InvertedPendulum-v5",       "mujoco.inverted_pendulum:InvertedPendulum",                     1000,  950.0, _BARTO, extra="mujoco"),
    _spec("Pusher-v5",                 "mujoco.pusher:Pusher",                                           100,    0.0, _GYM, extra="mujoco"),
    _spec("Reacher-v5",                "mujoco.reacher:Reacher",                                          50,  -3.75, _GYM, extra="mujoco"),
    _spec("Swimmer-v5",                "mujoco.swimmer:Swimmer",                                        1000,  360.0, _COULOM, extra="mujoco"),
    _spec("Walker2d-v5",               "mujoco.walker2d:Walker2d",                                      1000,   None, _EREZ, extra="mujoco"),
    _spec("FetchReach-v4",             "robotics.fetch_reach:FetchReach",                                 50,   None, _PLAPPERT, extra="robotics"),
    _spec("FetchReachDense-v4",        "robotics.fetch_reach:FetchReach",                                 50,   None, _PLAPPERT, extra="robotics", reward_type="dense"),
    _spec("FetchPush-v4",              "robotics.fetch_push:FetchPush",                                   50,   None, _PLAPPERT, extra="robotics"),
    _spec("FetchPushDense-v4",         "robotics.fetch_push:FetchPush",                                   50,   None, _PLAPPERT, extra="robotics", reward_type="dense"),
    _spec("FetchSlide-v4",             "robotics.fetch_slide:FetchSlide",                                 50,   None, _PLAPPERT, extra="robotics"),
    _spec("FetchSlideDense-v4",        "robotics.fetch_slide:FetchSlide",                                 50,   None, _PLAPPERT, extra="robotics", reward_type="dense"),
    _spec("FetchPickAndPlace-v4",      "robotics.fetch_pick_and_place:FetchPickAndPlace",                 50,   None, _PLAPPERT, extra="robotics"),
    _spec("FetchPickAndPlaceDense-v4", "robotics.fetch_pick_and_place:FetchPickAndPlace",                 50,   None, _PLAPPERT, extra="robotics", reward_type="dense"),
    #     id                                    module:Class                     steps  maze                fields
    _maze("PointMaze_UMaze-v3",                 "robotics.point_maze:PointMaze",   300, "u_maze"),
    _maze("PointMaze_UMazeDense-v3",            "robotics.point_maze:PointMaze",   300, "u_maze",            reward_type="dense"),
    _maze("PointMaze_Open-v3",                  "robotics.point_maze:PointMaze",   300, "open"),
    _maze("PointMaze_OpenDense-v3",             "robotics.point_maze:PointMaze",   300, "open",              reward_type="dense"),
    _maze("PointMaze_Open_Diverse_G-v3",        "robotics.point_maze:PointMaze",   300, "open_diverse_g"),
    _maze("PointMaze_Open_Diverse_GDense-v3",   "robotics.point_maze:PointMaze",   300, "open_diverse_g",    reward_type="dense"),
    _maze("PointMaze_Open_Diverse_GR-v3",       "robotics.point_maze:PointMaze",   300, "open_diverse_gr"),
    _maze("PointMaze_Open_Diverse_GRDense-v3",  "robotics.point_maze:PointMaze",   300, "open_diverse_gr",   reward_type="dense"),
    _maze("PointMaze_Medium-v3",                "robotics.point_maze:PointMaze",   600, "medium"),
    _maze("PointMaze_MediumDense-v3",           "robotics.point_maze:PointMaze",   600, "medium",            reward_type="dense"),
    _maze("PointMaze_Medium_Diverse_G-v3",      "robotics.point_maze:PointMaze",   600, "medium_diverse_g"),
    _maze("PointMaze_Medium_Diverse_GDense-v3", "robotics.point_maze:PointMaze",   600, "medium_diverse_g",  reward_type="dense"),
    _maze("PointMaze_Medium_Diverse_GR-v3",     "robotics.point_maze:PointMaze",   600, "medium_diverse_gr"),
    _maze("PointMaze_Medium_Diverse_GRDense-v3","robotics.point_maze:PointMaze",   600, "medium_diverse_gr", reward_type="dense"),
    _maze("PointMaze_Large-v3",                 "robotics.point_maze:PointMaze",   800, "large"),
    _maze("PointMaze_LargeDense-v3",            "robotics.point_maze:PointMaze",   800, "large",             reward_type="dense"),
    _maze("PointMaze_Large_Diverse_G-v3",       "robotics.point_maze:PointMaze",   800, "large_diverse_g"),
    _maze("PointMaze_Large_Diverse_GDense-v3",  "robotics.point_maze:PointMaze",   800, "large_diverse_g",   reward_type="dense"),
    _maze("PointMaze_Large_Diverse_GR-v3",      "robotics.point_maze:PointMaze",   800, "large_diverse_gr"),
    _maze("PointMaze_Large_Diverse_GRDense-v3", "robotics.point_maze:PointMaze",   800, "large_diverse_gr",  reward_type="dense"),
    _maze("AntMaze_UMaze-v5",                   "robotics.ant_maze:AntMaze",       700, "u_maze"),
    _maze("AntMaze_UMazeDense-v5",              "robotics.ant_maze:AntMaze",       700, "u_maze",            reward_type="dense"),
    _maze("AntMaze_Open-v5",                    "robotics.ant_maze:AntMaze",       700, "open"),
    _maze("AntMaze_OpenDense-v5",               "robotics.ant_maze:AntMaze",       700, "open",              reward_type="dense"),
    _maze("AntMaze_Open_Diverse_G-v5",          "robotics.ant_maze:AntMaze",       700, "open_diverse_g"),
    _maze("AntMaze_Open_Diverse_GDense-v5",     "robotics.ant_maze:AntMaze",       700, "open_diverse_g",    reward_type="dense"),
    _maze("AntMaze_Open_Diverse_GR-v5",         "robotics.ant_maze:AntMaze",       700, "open_diverse_gr"),
    _maze("AntMaze_Open_Diverse_GRDense-v5",    "robotics.ant_maze:AntMaze",       700, "open_diverse_gr",   reward_type="dense"),
    _maze("AntMaze_Medium-v5",                  "robotics.ant_maze:AntMaze",      1000, "medium"),
    _maze("AntMaze_MediumDense-v5",             "robotics.ant_maze:AntMaze",      1000, "medium",            reward_type="dense"),
    _maze("AntMaze_Medium_Diverse_G-v5",        "robotics.ant_maze:AntMaze",      1000, "medium_diverse_g"),
    _maze("AntMaze_Medium_Diverse_GDense-v5",   "robotics.ant_maze:AntMaze",      1000, "medium_diverse_g",  reward_type="dense"),
    _maze("AntMaze_Medium_Diverse_GR-v5",       "robotics.ant_maze:AntMaze",      1000, "medium_diverse_gr"),
    _maze("AntMaze_Medium_Diverse_GRDense-v5",  "robotics.ant_maze:AntMaze",      1000, "medium_diverse_gr", reward_type="dense"),
    _maze("AntMaze_Large-v5",                   "robotics.ant_maze:AntMaze",      1000, "large"),
    _maze("AntMaze_LargeDense-v5",              "robotics.ant_maze:AntMaze",      1000, "large",             reward_type="dense"),
    _maze("AntMaze_Large_Diverse_G-v5",         "robotics.ant_maze:AntMaze",      1000, "large_diverse_g"),
    _maze("AntMaze_Large_Diverse_GDense-v5",    "robotics.ant_maze:AntMaze",      1000, "large_diverse_g",   reward_type="dense"),
    _maze("AntMaze_Large_Diverse_GR-v5",        "robotics.ant_maze:AntMaze",      1000, "large_diverse_gr"),
    _maze("AntMaze_Large_Diverse_GRDense-v5",   "robotics.ant_maze:AntMaze",      1000, "large_diverse_gr",  reward_type="dense"),
    _maze("AntMaze_UMaze-v4",                   "robotics.ant_maze:AntMaze",       700, "u_maze",            include_cfrc_ext_in_observation=False),
    _maze("AntMaze_UMazeDense-v4",              "robotics.ant_maze:AntMaze",       700, "u_maze",            reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Open-v4",                    "robotics.ant_maze:AntMaze",       700, "open",              include_cfrc_ext_in_observation=False),
    _maze("AntMaze_OpenDense-v4",               "robotics.ant_maze:AntMaze",       700, "open",              reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Open_Diverse_G-v4",          "robotics.ant_maze:AntMaze",       700, "open_diverse_g",    include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Open_Diverse_GDense-v4",     "robotics.ant_maze:AntMaze",       700, "open_diverse_g",    reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Open_Diverse_GR-v4",         "robotics.ant_maze:AntMaze",       700, "open_diverse_gr",   include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Open_Diverse_GRDense-v4",    "robotics.ant_maze:AntMaze",       700, "open_diverse_gr",   reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Medium-v4",                  "robotics.ant_maze:AntMaze",      1000, "medium",            include_cfrc_ext_in_observation=False),
    _maze("AntMaze_MediumDense-v4",             "robotics.ant_maze:AntMaze",      1000, "medium",            reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Medium_Diverse_G-v4",        "robotics.ant_maze:AntMaze",      1000, "medium_diverse_g",  include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Medium_Diverse_GDense-v4",   "robotics.ant_maze:AntMaze",      1000, "medium_diverse_g",  reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Medium_Diverse_GR-v4",       "robotics.ant_maze:AntMaze",      1000, "medium_diverse_gr", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Medium_Diverse_GRDense-v4",  "robotics.ant_maze:AntMaze",      1000, "medium_diverse_gr", reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Large-v4",                   "robotics.ant_maze:AntMaze",      1000, "large",             include_cfrc_ext_in_observation=False),
    _maze("AntMaze_LargeDense-v4",              "robotics.ant_maze:AntMaze",      1000, "large",             reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Large_Diverse_G-v4",         "robotics.ant_maze:AntMaze",      1000, "large_diverse_g",   include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Large_Diverse_GDense-v4",    "robotics.ant_maze:AntMaze",      1000, "large_diverse_g",   reward_type="dense", include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Large_Diverse_GR-v4",        "robotics.ant_maze:AntMaze",      1000, "large_diverse_gr",  include_cfrc_ext_in_observation=False),
    _maze("AntMaze_Large_Diverse_GRDense-v4",   "robotics.ant_maze:AntMaze",      1000, "large_diverse_gr",  reward_type="dense", include_cfrc_ext_in_observation=False),
    _spec("TicTacToe-v0",              "board.tic_tac_toe:TicTacToe",                                    None,   None, _PLAYED),
    _spec("ConnectFour-v0",            "board.connect_four:ConnectFour",                                None,   None, _WEXLER),
    _spec("Othello-v0",                "board.othello:Othello",                                         None,   None, _HASEGAWA),
    _spec("Hex9x9-v0",                 "board.hex:Hex",                                                 None,   None, _HEIN, size=9, can_resign=True),
    _spec("Hex11x11-v0",               "board.hex:Hex",                                                 None,   None, _HEIN, size=11, can_resign=True),
    _spec("Go9x9-v0",                  "board.go:Go",                                                   None,   None, _GYM, size=9, can_resign=True),
    _spec("Go13x13-v0",                "board.go:Go",                                                   None,   None, _PLAYED, size=13, can_resign=True),
    _spec("Go19x19-v0",                "board.go:Go",                                                   None,   None, _GYM, size=19, can_resign=True),
    _spec("two_player/TicTacToe-v0",   "board.tic_tac_toe:TwoPlayerTicTacToe",                          None,   None, _PLAYED),
    _spec("two_player/ConnectFour-v0", "board.connect_four:TwoPlayerConnectFour",                       None,   None, _WEXLER),
    _spec("two_player/Othello-v0",     "board.othello:TwoPlayerOthello",                                None,   None, _HASEGAWA),
    _spec("two_player/Hex9x9-v0",      "board.hex:TwoPlayerHex",                                        None,   None, _HEIN, size=9),
    _spec("two_player/Hex11x11-v0",    "board.hex:TwoPlayerHex",                                        None,   None, _HEIN, size=11),
    _spec("two_player/Go9x9-v0",       "board.go:TwoPlayerGo",                                          None,   None, _PLAYED, size=9),
    _spec("two_player/Go13x13-v0",     "board.go:TwoPlayerGo",                                          None,   None, _PLAYED, size=13),
    _spec("two_player/Go19x19-v0",     "board.go:TwoPlayerGo",                                          None,   None, _PLAYED, size=19),
)
# fmt: on

RENAMED: dict[str, str] = {
    "Pendulum-v0": "Pendulum-v1",
}
"""Ids of OpenAI Gym that behave like a current id and resolve to it with a note."""
