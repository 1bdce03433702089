"""The option `--logger`: what was typed, checked, and the loggers that it means for a run."""

import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from jaxenvs.cli.console import say
from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.monitor.loggers import CsvLogger, JsonLinesLogger, Logger, TensorBoardLogger, WandbLogger
from jaxenvs.monitor.run_folder.run import Run

LOGGER_HELP = (
    "Log to `tensorboard`, `csv`, `jsonl` or `wandb` as well; may be given more than once. `csv:FILE` and"
    " `tensorboard:FOLDER` log elsewhere than in the run folder, `wandb:PROJECT` to a project."
)


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A kind of logger.

    Attributes:
        make: the logger from the place that was typed, or the default one.
        place: the default place within the run folder.
    """

    make: Callable[[Path], Logger]
    place: str


_KINDS = {
    "tensorboard": _Kind(TensorBoardLogger, "tensorboard"),
    "csv": _Kind(CsvLogger, "log.csv"),
    "jsonl": _Kind(JsonLinesLogger, "log.jsonl"),
}
_WANDB = "wandb"


def check_loggers(choices: Iterable[str]) -> list[str]:
    """The choices as typed, each once, with absolute paths, so that a run can be resumed from another folder.

    Raises:
        InvalidField: there is no logger of that name, or nothing follows a colon.
        DependencyNotInstalled: its package is missing.
    """
    checked = []
    for choice in dict.fromkeys(choices):
        name, colon, place = choice.partition(":")
        if name not in {*_KINDS, _WANDB}:
            names = [*_KINDS, _WANDB]
            raise InvalidField(f"There is no logger `{name}`.{did_you_mean(name, names)} Use {', '.join(names)}.")
        if colon and not place:
            raise InvalidField(f"`--logger {choice}` names nothing after the colon; leave the colon out.")
        if name == _WANDB:
            WandbLogger()
            checked.append(choice)
        else:
            _KINDS[name].make(Path(place))
            checked.append(f"{name}:{Path(place).absolute()}" if place else name)
    return checked


@contextlib.contextmanager
def opened_loggers(run: Run, choices: Iterable[str]) -> Iterator[list[Logger]]:
    """The loggers of a run, for choices that `check_loggers` returned; they are closed when the block ends."""
    loggers = [_logger(run, *choice.partition(":")[::2]) for choice in choices]
    try:
        yield loggers
    finally:
        for logger in loggers:
            try:
                logger.close()
            except Exception as error:  # noqa: BLE001  # of any service; the run itself is complete
                say(f"Note: {type(logger).__name__} could not finish its log: {error}")


def recorded_loggers(run: Run) -> list[str]:
    """The choices with which a run was begun, so that one which is resumed continues its logs."""
    choices: Any = run.manifest().get("loggers", [])
    return [str(choice) for choice in choices] if isinstance(choices, list) else []


def _logger(run: Run, name: str, place: str) -> Logger:
    if name != _WANDB:
        return _KINDS[name].make(Path(place) if place else run.path / _KINDS[name].place)
    id = run.manifest().get("wandb_id")
    if not isinstance(id, str):
        id = secrets.token_hex(6)
        run.note(wandb_id=id)
    return WandbLogger(place or None, id=id, name=run.path.name, folder=run.path)
