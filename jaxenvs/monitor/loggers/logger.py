"""Logger: the protocol of everything that figures can be logged to, and what two kinds of it can do besides."""

import abc
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from jaxenvs.errors import InvalidField


class Logger(abc.ABC):
    """Something that figures are logged to. To log elsewhere, write a subclass with these two methods.

    A logger is a context manager that closes itself.
    """

    @abc.abstractmethod
    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Logs figures.

        Args:
            step: environment steps so far; never smaller than at the last call.
            figures: numbers by name; NaN if nothing was measured. A name with slashes is a path of groups.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the log; it may be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class RunLogger(Logger):
    """A logger that can be told where a run begins, so that a resumed run continues its log."""

    @abc.abstractmethod
    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        """Called once, before the first `log`.

        Args:
            step: the step that training begins from, 0 unless it is resumed. What an earlier process logged for later
                steps is dropped, since it will be logged again.
            settings: the settings of the run, JSON values by name.
        """


class PictureLogger(Logger):
    """A logger that keeps pictures as well."""

    @abc.abstractmethod
    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Logs a picture.

        Args:
            step: environment steps so far.
            name: what it shows.
            picture: (height, width, 3) uint8.
        """


def as_numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures as Python numbers: NumPy's and JAX's scalars are converted, integers stay integers.

    Raises:
        InvalidField: a figure is not a number, or has the name `step`.
    """
    numbers = {}
    for name, value in figures.items():
        if name == "step":
            raise InvalidField("A figure cannot have the name `step`: that is the step at which figures are logged.")
        if np.ndim(value) or not np.issubdtype(np.asarray(value).dtype, np.number):
            what = f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)
            raise InvalidField(f"The figure `{name}` is {what}; log numbers, such as its mean.")
        numbers[name] = value if isinstance(value, int | float) else np.asarray(value).item()
    return numbers
