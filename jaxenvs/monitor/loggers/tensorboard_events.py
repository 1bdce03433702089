"""TensorBoardLogger: figures and pictures in the event files that TensorBoard shows."""

import io
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np

from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.monitor.loggers.appending import append_bytes
from jaxenvs.monitor.loggers.logger import PictureLogger, RunLogger, as_numbers
from jaxenvs.monitor.pictures.png import png_bytes


@final
class TensorBoardLogger(RunLogger, PictureLogger):
    """Writes event files: `tensorboard --logdir FOLDER` shows the figures over steps and over time.

    Each process writes a file of its own. One that continues an earlier log marks the step from which on earlier events
    no longer count, and TensorBoard leaves those out.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Logs to event files in `folder`, which is made at the first figure.

        Raises:
            DependencyNotInstalled: tensorboard is missing.
        """
        _tensorboard()
        self.folder = Path(folder)
        self._file: Path | None = None

    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        parts = _tensorboard()
        rows = "".join(f"| {name} | `{json.dumps(value)}` |\n" for name, value in settings.items())
        text = parts.TensorProto(
            dtype=parts.DT_STRING,
            string_val=[f"| setting | value |\n|---|---|\n{rows}".encode()],
            tensor_shape=parts.TensorShapeProto(),
        )
        metadata = parts.create_summary_metadata("settings", "")
        self._append(step, step + 1, [parts.Summary.Value(tag="settings", tensor=text, metadata=metadata)])

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        value = _tensorboard().Summary.Value
        values = [value(tag=name, simple_value=number) for name, number in as_numbers(figures).items()]
        self._append(int(step), int(step), values)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        summary = _tensorboard().Summary
        height, width, channels = picture.shape
        image = summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png_bytes(picture))
        self._append(int(step), int(step), [summary.Value(tag=name, image=image)])

    def close(self) -> None:
        pass  # no file stays open

    def _append(self, step: int, first_step: int, values: list[Any]) -> None:
        """Appends an event. In a new file, events from `first_step` on replace those of earlier files."""
        parts, now, events = _tensorboard(), time.time(), []
        file = self._file
        if file is None:
            earlier = len(list(self.folder.glob("events.out.tfevents.*")))
            # TensorBoard reads files in the order of their names, and two may begin within a second.
            name = f"events.out.tfevents.{int(now):010}.{earlier:04}.{socket.gethostname()}.{os.getpid()}"
            file = self.folder / name
            events.append(parts.Event(wall_time=now, file_version="brain.Event:2"))
            if earlier:
                start = parts.SessionLog(status=parts.SessionLog.START)
                events.append(parts.Event(wall_time=now, step=max(first_step, 0), session_log=start))
        events.append(parts.Event(wall_time=now, step=step, summary=parts.Summary(value=values)))
        records = io.BytesIO()
        writer = parts.RecordWriter(records)
        for event in events:
            writer.write(event.SerializeToString())
        append_bytes(file, records.getvalue())
        self._file = file


def _tensorboard() -> Any:
    """What is used of the package tensorboard.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    try:
        from jaxenvs.monitor.loggers import _tensorboard
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            'Logging to TensorBoard needs tensorboard: run `pip install "jaxenvs[tensorboard]"`.'
        ) from error
    return _tensorboard
