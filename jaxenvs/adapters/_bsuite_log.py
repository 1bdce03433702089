"""What bsuite logs about its environments and scores: `bsuite_info` and `bsuite_num_episodes` of bsuite 0.3.6."""

from functools import partial
from typing import Any, NamedTuple

import jax
from jax import Array

from jaxenvs.adapters._host_loop.shared_programs import Shared
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import unwrap, unwrap_state, wrappers_of
from jaxenvs.wrappers.history_wrapper import HistoryWrapper
from jaxenvs.wrappers.noisy_reward import NoisyReward
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper
from jaxenvs.wrappers.reward_wrapper import RewardWrapper
from jaxenvs.wrappers.time_limit import TimeLimit

_HOME = "jaxenvs.envs.bsuite."


class Logged(NamedTuple):
    """What bsuite logs about an environment.

    Attributes:
        num_episodes: number of episodes in an experiment with it.
        columns: the keys of `bsuite_info`.
    """

    num_episodes: int
    columns: tuple[str, ...]


_LOGGED = {
    "Bandit": Logged(10_000, ("total_regret",)),
    "CartPole": Logged(1_000, ("raw_return", "best_episode")),
    "CartPoleSwingup": Logged(1_000, ("raw_return", "total_upright", "best_episode")),
    "Catch": Logged(10_000, ("total_regret",)),
    "DeepSea": Logged(10_000, ("total_bad_episodes", "denoised_return")),
    "DiscountingChain": Logged(1_000, ()),
    "MemoryChain": Logged(10_000, ("total_perfect", "total_regret")),
    "MnistBandit": Logged(10_000, ("total_regret",)),
    "MountainCar": Logged(1_000, ("raw_return",)),
    "UmbrellaChain": Logged(10_000, ("total_regret",)),
}
"""What is logged, by the name of the environment's class."""

_HARMLESS = (HistoryWrapper, NoisyReward, ObservationWrapper, RewardWrapper, TimeLimit)
"""Wrappers that pass each action on once, unchanged; others change what a step of the base environment means."""

_BEST_RETURN = 1.0  # in tasks with a regret, without the rewards of the umbrella's distractors


def logged_of(env: Env[Any, Any]) -> Logged | None:
    """What bsuite logs about `env`; None if it is not a bsuite environment, or a wrapper changes what actions do."""
    base = type(unwrap(env))
    if not base.__module__.startswith(_HOME) or not all(isinstance(each, _HARMLESS) for each in wrappers_of(env)):
        return None
    return _LOGGED.get(base.__name__)


class Outcome(NamedTuple):
    """What the log needs to know about a step; each field is a scalar.

    Attributes:
        reward: float32, without the noise and the scale that wrappers add.
        terminated: bool.
        has_strayed: bool; in the deep sea, whether this step left the path to the treasure. False in other tasks.
        has_found: bool; in the deep sea, whether this step took the treasure. False in other tasks.
    """

    reward: Array
    terminated: Array
    has_strayed: Array | bool
    has_found: Array | bool


def _advance(env: Env[Any, Any], state: Any, action: Any) -> tuple[Any, TimeStep[Any], Outcome]:
    """`SinglePrograms.advance`, and what the log needs to know about the step.

    The step of the base environment gives the reward before noise and scale. It is part of the whole step, so it adds
    no cost.
    """
    base: Any = unwrap(env)
    before = unwrap_state(env, state)
    _, raw = base.step(before, action)
    strayed = found = False
    if type(base).__name__ == "DeepSea":
        goes_right = action == base.action_right[before.row, before.column]
        strayed = ~goes_right & (before.row == before.column)
        found = goes_right & (before.column == base.size - 1)
    state, timestep = env.step(state, action)
    return state, timestep.replace(final_observation=None), Outcome(raw.reward, raw.terminated, strayed, found)


class LoggedPrograms:
    """The program that all environments of the same structure share, if bsuite logs them.

    `advance(env, state, action)` is one step: the state, the timestep without its `final_observation`, and an
    `Outcome`.
    """

    def __init__(self) -> None:
        self.advance = jax.jit(partial(_advance))  # a separate function, so that JAX drops its programs with it


_SHARED = Shared(LoggedPrograms)


def logged_programs(env: Env[Any, Any]) -> LoggedPrograms:
    """The program of an environment, shared by all of the same structure."""
    return _SHARED.of(env)


class BsuiteLog:
    """The numbers of `bsuite_info`, accumulated over all episodes."""

    def __init__(self, logged: Logged) -> None:
        self.num_episodes = logged.num_episodes
        self._totals = dict.fromkeys(logged.columns, 0.0)
        self.begin()

    def begin(self) -> None:
        """Notes that an episode begins; of an unfinished episode, only the steps count."""
        self._episode_return = 0.0
        self._has_strayed = False

    def add(self, outcome: Outcome) -> None:
        """Adds a step whose values are on the host."""
        reward, over = float(outcome.reward), bool(outcome.terminated)
        self._episode_return += reward
        self._has_strayed |= bool(outcome.has_strayed)
        increments = {
            "raw_return": reward,
            "total_regret": _BEST_RETURN - reward if over else 0.0,
            "total_perfect": float(over and reward == _BEST_RETURN),
            "total_upright": float(reward > 0),  # a push costs less than an upright pole earns
            "total_bad_episodes": float(over and self._has_strayed),
            "denoised_return": float(outcome.has_found),
        }
        for name in self._totals.keys() & increments.keys():
            self._totals[name] += increments[name]
        if over and "best_episode" in self._totals:
            self._totals["best_episode"] = max(self._totals["best_episode"], self._episode_return)

    def totals(self) -> dict[str, float]:
        """The numbers by name."""
        return dict(self._totals)
