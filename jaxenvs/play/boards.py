"""Environments that are played on a board: by clicking on the picture, or by typing a move."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import rewrap, unwrap, unwrap_state
from jaxenvs.errors import InvalidAction, InvalidField
from jaxenvs.spaces import Discrete


@runtime_checkable
class PlaysOnBoard(Protocol):
    """An environment whose discrete actions are chosen on its picture.

    If `info` has a `legal_action_mask`, (n,) bool, the page offers only the actions that are legal.
    """

    @property
    def board_points(self) -> tuple[tuple[float, float, int], ...]:
        """(x, y, action) of each place to play at: its middle, in fractions of the picture's width and height from the
        top left corner. Several places may have the same action; actions without a place get a button.
        """
        ...

    @property
    def action_meanings(self) -> tuple[str, ...]:
        """The name of each action, such as `"d4"` or `"pass"`."""
        ...

    def caption(self, state: Any) -> str:
        """Whose turn it is, or how the game ended."""
        ...


@runtime_checkable
class OffersChoices(Protocol):
    """An environment some of whose fields are chosen on the page."""

    @property
    def play_choices(self) -> Mapping[str, tuple[Any, ...]]:
        """The values to choose from, by field: texts or truth values."""
        ...


def choices_of(env: Env[Any, Any]) -> list[dict[str, Any]]:
    """What is chosen on the page: JSON objects with `field`, `values` and the `value` that the environment has."""
    base = unwrap(env)
    offered = base.play_choices if isinstance(base, OffersChoices) else {}
    return [
        {"field": field, "values": list(values), "value": getattr(base, field)} for field, values in offered.items()
    ]


def chosen(env: Env[Any, Any], fields: Mapping[str, Any]) -> Env[Any, Any]:
    """The environment with other values of some fields.

    Raises:
        InvalidField: a field is not offered, or not this value of it.
    """
    offered = {choice["field"]: choice["values"] for choice in choices_of(env)}
    for field, value in fields.items():
        if not any(value is each or (isinstance(value, str) and value == each) for each in offered.get(field, ())):
            raise InvalidField(f"This page offers {_listed(offered)}, but not {field}={value!r}.")
    return rewrap(env, dataclasses.replace(unwrap(env), **fields)) if fields else env


def _listed(offered: Mapping[str, list[Any]]) -> str:
    """The fields and their values, in words."""
    texts = (f"{field}={' or '.join(map(repr, values))}" for field, values in offered.items())
    return ", ".join(texts) or "no fields to choose"


class Board:
    """The board of an environment: what the page must know of it, and what may be played.

    Args:
        env: the environment, which may be wrapped.
    """

    def __init__(self, env: Env[Any, Any]) -> None:
        base = unwrap(env)
        assert isinstance(base, PlaysOnBoard)
        self._env, self._base = env, base

    def introduction(self) -> dict[str, Any]:
        """A JSON object with the places of the picture and the names of all actions."""
        return {"points": self._base.board_points, "names": self._base.action_meanings}

    def legal(self, info: Any) -> list[int] | None:
        """The actions that are legal; None if the environment does not say."""
        mask = info.get("legal_action_mask")
        return None if mask is None else np.flatnonzero(np.asarray(mask)).tolist()

    def check(self, action: int, info: Any) -> None:
        """Checks that an action is legal.

        Raises:
            InvalidAction: it is not.
        """
        legal = self.legal(info)
        if legal is not None and action not in legal:
            raise InvalidAction(f"{self._base.action_meanings[action]} is not a legal move here.")

    def caption(self, state: Any) -> str:
        """Whose turn it is, or how the game ended."""
        return self._base.caption(unwrap_state(self._env, state))


def board_of(env: Env[Any, Any]) -> Board | None:
    """The board of an environment; None if it is not played on one."""
    space = env.action_space
    is_board = isinstance(space, Discrete) and space.start == 0 and isinstance(unwrap(env), PlaysOnBoard)
    return Board(env) if is_board else None
