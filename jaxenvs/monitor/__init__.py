"""Run folders, checkpoints, learning curves and animations."""

from jaxenvs.monitor.animation import write_animation as write_animation
from jaxenvs.monitor.checkpoint import load_checkpoint as load_checkpoint
from jaxenvs.monitor.checkpoint import save_checkpoint as save_checkpoint
from jaxenvs.monitor.episode_table import EpisodeReader as EpisodeReader
from jaxenvs.monitor.episode_table import read_episodes as read_episodes
from jaxenvs.monitor.episode_writer import EpisodeWriter as EpisodeWriter
from jaxenvs.monitor.episodes import Episode as Episode
from jaxenvs.monitor.episodes import Frames as Frames
from jaxenvs.monitor.episodes import record_episode as record_episode
from jaxenvs.monitor.episodes import record_episodes as record_episodes
from jaxenvs.monitor.episodes import replay_actions as replay_actions
from jaxenvs.monitor.learning_curve import draw_learning_curve as draw_learning_curve
from jaxenvs.monitor.packed_bytes import PackedBytes as PackedBytes
from jaxenvs.monitor.records import Replays as Replays
from jaxenvs.monitor.run import Run as Run
from jaxenvs.monitor.run import Settings as Settings
from jaxenvs.monitor.training_loop import Report as Report
from jaxenvs.monitor.training_loop import train as train
