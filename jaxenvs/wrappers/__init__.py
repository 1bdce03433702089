"""Wrappers: environments around other environments, one per file.

Each name is imported on first use, since defining all of these classes takes longer than importing the rest of jaxenvs.
"""

import importlib
import re
from typing import TYPE_CHECKING, Any

from jaxenvs.core.elsewhere import OF_WRAPPERS, not_in_module

if TYPE_CHECKING:
    from jaxenvs.wrappers.action_wrapper import ActionWrapper as ActionWrapper
    from jaxenvs.wrappers.auto_reset import AutoReset as AutoReset
    from jaxenvs.wrappers.clip_action import ClipAction as ClipAction
    from jaxenvs.wrappers.clip_reward import ClipReward as ClipReward
    from jaxenvs.wrappers.delay_observation import DelayObservation as DelayObservation
    from jaxenvs.wrappers.domain_randomize import DomainRandomize as DomainRandomize
    from jaxenvs.wrappers.episode_statistics import EpisodeStatistics as EpisodeStatistics
    from jaxenvs.wrappers.episodic_life import EpisodicLife as EpisodicLife
    from jaxenvs.wrappers.flatten_observation import FlattenObservation as FlattenObservation
    from jaxenvs.wrappers.frame_stack import FrameStack as FrameStack
    from jaxenvs.wrappers.grayscale_observation import GrayscaleObservation as GrayscaleObservation
    from jaxenvs.wrappers.history_wrapper import HistoryWrapper as HistoryWrapper
    from jaxenvs.wrappers.noisy_reward import NoisyReward as NoisyReward
    from jaxenvs.wrappers.normalize_observation import NormalizeObservation as NormalizeObservation
    from jaxenvs.wrappers.normalize_reward import NormalizeReward as NormalizeReward
    from jaxenvs.wrappers.observation_wrapper import ObservationWrapper as ObservationWrapper
    from jaxenvs.wrappers.one_hot import OneHot as OneHot
    from jaxenvs.wrappers.opening_actions import OpeningActions as OpeningActions
    from jaxenvs.wrappers.pixel_observation import PixelObservation as PixelObservation
    from jaxenvs.wrappers.repeat_action import RepeatAction as RepeatAction
    from jaxenvs.wrappers.rescale_action import RescaleAction as RescaleAction
    from jaxenvs.wrappers.rescale_observation import RescaleObservation as RescaleObservation
    from jaxenvs.wrappers.resize_observation import ResizeObservation as ResizeObservation
    from jaxenvs.wrappers.reward_wrapper import RewardWrapper as RewardWrapper
    from jaxenvs.wrappers.running_statistics import RunningStatistics as RunningStatistics
    from jaxenvs.wrappers.scale_reward import ScaleReward as ScaleReward
    from jaxenvs.wrappers.sticky_action import StickyAction as StickyAction
    from jaxenvs.wrappers.time_aware_observation import TimeAwareObservation as TimeAwareObservation
    from jaxenvs.wrappers.time_limit import TimeLimit as TimeLimit
    from jaxenvs.wrappers.transform_action import TransformAction as TransformAction
    from jaxenvs.wrappers.transform_observation import TransformObservation as TransformObservation
    from jaxenvs.wrappers.transform_reward import TransformReward as TransformReward

__all__ = [  # in the order of the files
    "ActionWrapper",
    "AutoReset",
    "ClipAction",
    "ClipReward",
    "DelayObservation",
    "DomainRandomize",
    "EpisodeStatistics",
    "EpisodicLife",
    "FlattenObservation",
    "FrameStack",
    "GrayscaleObservation",
    "HistoryWrapper",
    "NoisyReward",
    "NormalizeObservation",
    "NormalizeReward",
    "ObservationWrapper",
    "OneHot",
    "OpeningActions",
    "PixelObservation",
    "RepeatAction",
    "RescaleAction",
    "RescaleObservation",
    "ResizeObservation",
    "RewardWrapper",
    "RunningStatistics",
    "ScaleReward",
    "StickyAction",
    "TimeAwareObservation",
    "TimeLimit",
    "TransformAction",
    "TransformObservation",
    "TransformReward",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = not_in_module(__name__, name, OF_WRAPPERS, __all__)
        raise AttributeError(message if name in OF_WRAPPERS else f"{message} It has: {', '.join(__all__)}.")
    file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    wrapper = getattr(importlib.import_module(f"{__name__}.{file}"), name)
    globals()[name] = wrapper  # so that it is found without this function from now on
    return wrapper


def __dir__() -> list[str]:
    return sorted(__all__)
