"""Run folders, checkpoints, learning curves and animations."""

from jaxenvs.monitor.animation import write_animation as write_animation
from jaxenvs.monitor.checkpoint import load_checkpoint as load_checkpoint
from jaxenvs.monitor.checkpoint import save_checkpoint as save_checkpoint
from jaxenvs.monitor.episodes import Episode as Episode
from jaxenvs.monitor.episodes import Frames as Frames
from jaxenvs.monitor.episodes import record_episode as record_episode
from jaxenvs.monitor.episodes import record_episodes as record_episodes
from jaxenvs.monitor.episodes import replay_actions as replay_actions
from jaxenvs.monitor.learning_curve import draw_learning_curve as draw_learning_curve
from jaxenvs.monitor.loggers import CsvLogger as CsvLogger
from jaxenvs.monitor.loggers import JsonLinesLogger as JsonLinesLogger
from jaxenvs.monitor.loggers import Logger as Logger
from jaxenvs.monitor.loggers import PictureLogger as PictureLogger
from jaxenvs.monitor.loggers import RunLogger as RunLogger
from jaxenvs.monitor.loggers import TensorBoardLogger as TensorBoardLogger
from jaxenvs.monitor.loggers import WandbLogger as WandbLogger
from jaxenvs.monitor.loggers import logging_callback as logging_callback
from jaxenvs.monitor.run import Run as Run
from jaxenvs.monitor.run import Settings as Settings
from jaxenvs.monitor.training_loop import Report as Report
from jaxenvs.monitor.training_loop import train as train
