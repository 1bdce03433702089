"""Loggers: where the figures of a training go besides `progress.csv`."""

from jaxenvs.monitor.loggers.csv_file import CsvLogger as CsvLogger
from jaxenvs.monitor.loggers.figures import logging_callback as logging_callback
from jaxenvs.monitor.loggers.json_lines import JsonLinesLogger as JsonLinesLogger
from jaxenvs.monitor.loggers.logger import Logger as Logger
from jaxenvs.monitor.loggers.logger import PictureLogger as PictureLogger
from jaxenvs.monitor.loggers.logger import RunLogger as RunLogger
from jaxenvs.monitor.loggers.tensorboard_events import TensorBoardLogger as TensorBoardLogger
from jaxenvs.monitor.loggers.weights_and_biases import WandbLogger as WandbLogger
