"""WandbLogger: figures and pictures in a run of Weights & Biases, if its package is installed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np

from jaxenvs.core.packages import load_package
from jaxenvs.monitor.loggers.logger import PictureLogger, RunLogger, as_numbers


@final
class WandbLogger(RunLogger, PictureLogger):
    """Logs to a run of Weights & Biases, whose steps are environment steps.

    A run with an `id` that exists already is continued. What it has logged before cannot be taken back, so figures of
    steps that it has are left out. wandb's own variables apply, such as `WANDB_MODE=offline`.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        id: str | None = None,
        name: str | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        """The run itself begins at the first figure.

        Args:
            project: the project; by default the one that wandb chooses.
            id: identifies the run within the project, so that it can be continued; by default a new one.
            name: the name that is shown.
            folder: where wandb keeps its own files; by default the current folder.

        Raises:
            DependencyNotInstalled: wandb is missing.
        """
        _wandb()
        self._choices = {"project": project, "id": id, "name": name}
        self._folder = None if folder is None else Path(folder).absolute()
        self._run: Any = None
        self._first_step = 0

    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._run = _wandb().init(
            **self._choices,
            dir=None if self._folder is None else str(self._folder),
            config=dict(settings),
            allow_val_change=True,  # a continued run may have more steps
            resume=None if self._choices["id"] is None else "allow",
        )
        # wandb refuses steps that go back, and counts on from the last one of a continued run.
        self._first_step = self._run.step if self._run.resumed else 0

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._log(int(step), as_numbers(figures))

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        self._log(int(step), {name: _wandb().Image(picture)})

    def close(self) -> None:
        if self._run is not None:
            run, self._run = self._run, None
            run.finish()

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        if self._run is None:
            self.start(0, {})
            assert self._run is not None
        if step >= self._first_step:
            self._run.log(dict(values), step=step)


def _wandb() -> Any:
    """The package.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    return load_package("wandb", "Logging to Weights & Biases needs wandb", "wandb")
