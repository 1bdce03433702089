"""Wrappers: environments around other environments, one a file."""

from jaxenvs.wrappers.action_wrapper import ActionWrapper as ActionWrapper
from jaxenvs.wrappers.auto_reset import AutoReset as AutoReset
from jaxenvs.wrappers.clip_action import ClipAction as ClipAction
from jaxenvs.wrappers.clip_reward import ClipReward as ClipReward
from jaxenvs.wrappers.delay_observation import DelayObservation as DelayObservation
from jaxenvs.wrappers.domain_randomize import DomainRandomize as DomainRandomize
from jaxenvs.wrappers.episode_statistics import EpisodeStatistics as EpisodeStatistics
from jaxenvs.wrappers.flatten_observation import FlattenObservation as FlattenObservation
from jaxenvs.wrappers.frame_stack import FrameStack as FrameStack
from jaxenvs.wrappers.history_wrapper import HistoryWrapper as HistoryWrapper
from jaxenvs.wrappers.normalize_observation import NormalizeObservation as NormalizeObservation
from jaxenvs.wrappers.normalize_reward import NormalizeReward as NormalizeReward
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper as ObservationWrapper
from jaxenvs.wrappers.one_hot import OneHot as OneHot
from jaxenvs.wrappers.pixel_observation import PixelObservation as PixelObservation
from jaxenvs.wrappers.repeat_action import RepeatAction as RepeatAction
from jaxenvs.wrappers.rescale_action import RescaleAction as RescaleAction
from jaxenvs.wrappers.rescale_observation import RescaleObservation as RescaleObservation
from jaxenvs.wrappers.reward_wrapper import RewardWrapper as RewardWrapper
from jaxenvs.wrappers.running_statistics import RunningStatistics as RunningStatistics
from jaxenvs.wrappers.sticky_action import StickyAction as StickyAction
from jaxenvs.wrappers.time_aware_observation import TimeAwareObservation as TimeAwareObservation
from jaxenvs.wrappers.time_limit import TimeLimit as TimeLimit
from jaxenvs.wrappers.transform_action import TransformAction as TransformAction
from jaxenvs.wrappers.transform_observation import TransformObservation as TransformObservation
from jaxenvs.wrappers.transform_reward import TransformReward as TransformReward
