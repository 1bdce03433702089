"""Presets: settings that are known to work, by id and algorithm."""

from typing import Any, Literal, TypeAlias

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.training.alpha_zero import AlphaZero
from jaxenvs.training.dqn import DQN
from jaxenvs.training.learner import Learner
from jaxenvs.training.ppo import PPO
from jaxenvs.training.sac import SAC

Algorithm: TypeAlias = Literal["ppo", "dqn", "sac", "alphazero"]

LEARNERS: dict[Algorithm, type[Learner[Any]]] = {"ppo": PPO, "dqn": DQN, "sac": SAC, "alphazero": AlphaZero}
"""The learners by their names in `preset` and `jaxenvs train`."""

_ROBOT = {
    "num_envs": 32,
    "num_steps": 128,
    "num_epochs": 10,
    "num_minibatches": 32,
    "normalize_observations": True,
    "normalize_rewards": True,
}

_LANDER = {
    "total_steps": 1_000_000,
    "num_envs": 64,
    "num_steps": 128,
    "num_epochs": 4,
    "num_minibatches": 32,
    "learning_rate": 1e-3,
    "gae_lambda": 0.95,
    "entropy_coefficient": 0.01,
    "normalize_observations": True,
    "normalize_rewards": True,
}

_TAPE = {"num_steps": 64, "learning_rate": 2e-3, "gamma": 0.9}

_FETCH: dict[str, Any] = {
    "total_steps": 400_000,
    "num_envs": 32,
    "num_steps": 50,
    "gradient_steps": 20,
    "batch_size": 256,
    "learning_starts": 9_600,
    "random_exploration": 0.2,
    "learning_rate": 1e-3,
    "gamma": 0.95,
    "target_rate": 0.02,
    "temperature": 0.03,
    "learn_temperature": False,
    "hidden_sizes": (64, 64, 64),
    "normalize_observations": True,
    "hindsight_goals": 4,
}

# The mean returns are over 128 fresh episodes after training, for the seeds named.
_PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    # 500.0 for 15 of 16 seeds (0 to 15), and 492.8 for the other.
    ("CartPole-v1", "ppo"): {
        "total_steps": 150_000,
        "num_envs": 16,
        "num_steps": 64,
        "num_epochs": 8,
        "learning_rate": 1e-3,
        "gamma": 0.98,
        "gae_lambda": 0.9,
    },
    # -82 to -84 for seeds 0 to 3.
    ("Acrobot-v1", "ppo"): {
        "total_steps": 400_000,
        "num_envs": 16,
        "num_steps": 128,
        "learning_rate": 1e-3,
        "normalize_observations": True,
    },
    # 272.0, 276.3 and 234.6 for seeds 0 to 2, with `--fuse`.
    ("LunarLander-v3", "ppo"): _LANDER,
    # 221.0, 252.5 and 199.6 for seeds 0 to 2, with `--fuse`. With learnt standard deviations: 184.8, 230.2 and 135.1.
    ("LunarLanderContinuous-v3", "ppo"): {
        **_LANDER,
        "total_steps": 1_500_000,
        "initial_log_std": -0.2,
        "final_log_std": -1.6,
    },
    # 298.0, 309.6 and 299.8 for seeds 0 to 2; the threshold is 300. Of 128 episodes, 9, 3 and none end in falls, and
    # the others have 313.8, 315.3 and 299.8. With learnt standard deviations, seed 0 got 293.8: see docs/box2d.md.
    ("BipedalWalker-v3", "ppo"): {
        "total_steps": 10_000_000,
        "num_envs": 128,
        "num_steps": 512,
        "num_epochs": 10,
        "num_minibatches": 256,
        "learning_rate": 5e-4,
        "initial_log_std": -0.2,
        "final_log_std": -1.2,
        "normalize_observations": True,
        "normalize_rewards": True,
    },
    # 679.3 for seed 0, in 5 CPU minutes, on what `make_car_racing` makes; the threshold is 900. Longer training helps:
    # a run of 500,000 steps was at 760 when it was stopped after 352,000.
    ("CarRacing-v3", "ppo"): {
        "total_steps": 300_000,
        "num_envs": 64,
        "num_steps": 128,
        "num_epochs": 6,
        "num_minibatches": 16,
        "learning_rate": 5e-4,
        "initial_log_std": -0.5,
        "normalize_observations": True,
        "normalize_rewards": True,
        "hidden_sizes": (128, 64),
    },
    # -152 to -195 for 16 of 18 seeds (0 to 17), -211 and -235 for the others. More below -200 with a lambda of 0.95.
    ("Pendulum-v1", "ppo"): {
        "total_steps": 400_000,
        "num_envs": 16,
        "num_steps": 64,
        "num_epochs": 10,
        "learning_rate": 1e-3,
        "gamma": 0.95,
        "gae_lambda": 0.9,
        "normalize_rewards": True,
    },
    # 93.1 and 93.2 for seeds 0 and 1. The wide initial distribution finds the goal, which gives a reward
    # only at the end of a long swing, and the long horizon takes that reward into account.
    ("MountainCarContinuous-v0", "ppo"): {
        "total_steps": 500_000,
        "num_envs": 32,
        "num_steps": 256,
        "num_epochs": 8,
        "learning_rate": 1e-3,
        "gamma": 0.999,
        "initial_log_std": 1.0,
        "normalize_observations": True,
        "normalize_rewards": True,
    },
    # 3,452 and 2,921 (64 episodes each) for seeds 0 and 1; four minutes on two cores under other load.
    ("Hopper-v5", "ppo"): {"total_steps": 1_000_000, **_ROBOT},
    # 5,919 and 4,472 (64 episodes each) for seeds 0 and 1; four to six minutes under the same conditions.
    ("HalfCheetah-v5", "ppo"): {"total_steps": 2_000_000, **_ROBOT},
    # 30.96 for seed 0 at the highest level, 30, of at most 30 to 32; all environments are there halfway.
    ("Copy-v0", "ppo"): {"total_steps": 200_000, "num_envs": 16, **_TAPE},
    # For FrameStack(env, 8, padding_type="custom", padding=5): a symbol alone does not say whether it is the first or
    # the second of its pair. 15.2 for seed 0 at the highest level, of at most 15 or 16. Without the entropy bonus
    # the level stays below 10, since adjacent equal pairs are not learnt.
    ("DuplicatedInput-v0", "ppo"): {"total_steps": 500_000, "num_envs": 32, "entropy_coefficient": 0.03, **_TAPE},
    # The gold in all of 128 fresh episodes for seed 0, after 8.1 steps in the mean; 217 CPU seconds.
    ("rlenvs/Minecraft-v0", "ppo"): {
        "total_steps": 60_000,
        "num_envs": 32,
        "num_steps": 32,
        "num_epochs": 2,
        "learning_rate": 7e-4,
        "gamma": 0.97,
        "entropy_coefficient": 0.01,
        "normalize_rewards": True,
        "hidden_sizes": (128,),
        "activation": "relu",
        "channels": (16, 32, 32),
    },
    # 5.66 achievements of 12 for seed 0, in 110 CPU seconds; 0.45 with the most likely actions.
    ("VoxelCraftSymbolic-v0", "ppo"): {
        "total_steps": 1_000_000,
        "num_envs": 64,
        "num_steps": 64,
        "num_epochs": 3,
        "num_minibatches": 8,
        "learning_rate": 5e-4,
        "entropy_coefficient": 0.01,
        "hidden_sizes": (128, 128),
        "activation": "relu",
        "draws_actions": True,
    },
    # At least 499.7 for 11 of 13 seeds (0 to 12), 474.5 and 238 for the others.
    ("CartPole-v1", "dqn"): {"total_steps": 300_000, "learning_rate": 2e-3, "gamma": 0.98, "target_rate": 0.02},
    # -77 to -83 for seeds 0 to 2.
    ("Acrobot-v1", "dqn"): {"total_steps": 300_000},
    # -144 to -156 for seeds 0 to 7, in 3.6 CPU seconds each. (MountainCarContinuous-v0 has no preset: with independent
    # noise in each step, the goal was not found in 200,000 steps, and until it is found, standing still is best.)
    ("Pendulum-v1", "sac"): {
        "total_steps": 20_000,
        "gradient_steps": 4,
        "batch_size": 128,
        "learning_starts": 1_000,
        "learning_rate": 1e-3,
        "hidden_sizes": (64, 64),
    },
    # At the goal at the end of all of 128 fresh episodes for seed 0, in 80 CPU seconds; from 9,000 steps on.
    ("FetchReach-v4", "sac"): {
        "total_steps": 20_000,
        "batch_size": 256,
        "learning_starts": 1_000,
        "learning_rate": 1e-3,
        "gamma": 0.95,
        "hidden_sizes": (64, 64),
        "hindsight_goals": 4,
    },
    # At the goal at the end of 99.2 % of 128 fresh episodes for seed 0, after 408,000 steps and 12 CPU minutes; more
    # than 95 % from 336,000 steps on. Between 96.9 and 99.2 % up to 504,000 steps.
    ("FetchPush-v4", "sac"): _FETCH,
    # 100 % for seed 0 after 792,000 steps and 22 CPU minutes; at least 99.2 % from 720,000 to 1,008,000 steps.
    ("FetchPickAndPlace-v4", "sac"): {**_FETCH, "total_steps": 792_000},
    # 5,660 (128 episodes) for seed 0. (Hopper-v5 stayed at 714 after 200,000 steps.)
    ("HalfCheetah-v5", "sac"): {"total_steps": 103_000},
}
# For the games of the ALE behind `jaxenvs_ale_bridge.make_atari`: those of Schulman et al. 2017, without annealing of
# the clipping range. No training of the full length has been run yet.
_ATARI: dict[str, dict[str, Any]] = {
    "ppo": {
        "total_steps": 10_000_000,
        "num_envs": 8,
        "num_steps": 128,
        "num_epochs": 3,
        "learning_rate": 2.5e-4,
        "clip": 0.1,
        "entropy_coefficient": 0.01,
        "hidden_sizes": (512,),
        "activation": "relu",
    }
}
# For MinAtar's games: 19.5 in Breakout-v1 and 78.3 in SpaceInvaders-v1 for seed 0. Many steps per update and large
# minibatches matter: with 32 steps instead of 128, and half the learning rate, the policy lost its entropy too soon,
# and stayed at 5.6 in Breakout.
_MINATAR: dict[str, dict[str, Any]] = {
    "ppo": {
        "total_steps": 1_000_000,
        "num_envs": 64,
        "num_steps": 128,
        "num_minibatches": 8,
        "learning_rate": 2e-3,
        "entropy_coefficient": 0.01,
        "hidden_sizes": (64,),
        "activation": "relu",
    }
}
_FAMILIES = {"ALE/": _ATARI, "MinAtar/": _MINATAR}
"""Settings by algorithm for all ids with this prefix that have no settings of their own."""

_BOARD_GAMES: dict[str, dict[str, Any]] = {
    # Seed 0 never loses with 64 simulations for each move, over all replies to it, moving first and second; with 16 it
    # can lose as the second player. 27 s of processor time.
    "TicTacToe-v0": {
        "total_steps": 150_000,
        "num_envs": 64,
        "num_steps": 10,
        "num_simulations": 16,
        "exploration": 0.25,
        "gradient_steps": 10,
        "batch_size": 128,
        "buffer_size": 12_800,
        "channels": 16,
        "blocks": 1,
    },
    # After a seventh of these moves, with 32 simulations for each move, seed 0 won 129 of 200 games against a weaker
    # version of the search with 64. A move of training takes 4.9 ms of processor time.
    "ConnectFour-v0": {"total_steps": 100_000},
    # Not trained to strength: that needs a GPU.
    "Go9x9-v0": {
        "total_steps": 20_000_000,
        "num_envs": 1024,
        "num_steps": 16,
        "num_simulations": 64,
        "gradient_steps": 64,
        "batch_size": 1024,
        "buffer_size": 1_048_576,
        "channels": 128,
        "blocks": 6,
    },
}
for _id, _settings in _BOARD_GAMES.items():  # the same game in both kinds of environment
    _PRESETS[_id, "alphazero"] = _PRESETS[f"two_player/{_id}", "alphazero"] = _settings

# The same task with a shorter time limit.
_PRESETS["CartPole-v0", "ppo"] = _PRESETS["CartPole-v1", "ppo"]
_PRESETS["CartPole-v0", "dqn"] = _PRESETS["CartPole-v1", "dqn"]


def preset(env_id: str, algorithm: Algorithm = "ppo", **settings: Any) -> Learner[Any]:
    """A learner with the settings recorded for an id, or the algorithm's defaults if there are none.

    Args:
        env_id: the environment's id.
        algorithm: `"ppo"`, `"dqn"`, `"sac"` or `"alphazero"`.
        **settings: replace fields of the learner.

    Raises:
        InvalidField: there is no such algorithm or setting, or a value is invalid.
    """
    if algorithm not in LEARNERS:
        raise InvalidField(
            f"There is no algorithm {algorithm!r}.{did_you_mean(str(algorithm), LEARNERS)}"
            f" The algorithms are: {', '.join(LEARNERS)}."
        )
    learner = LEARNERS[algorithm]
    family = next((shared.get(algorithm, {}) for name, shared in _FAMILIES.items() if env_id.startswith(name)), {})
    return learner(**{**_PRESETS.get((env_id, algorithm), family), **settings})
