"""Player: the conversation with one page, over whichever connection. It runs in the event loop.

The page sends JSON objects, whose `type` is a key of `Player._HANDLERS`. It is sent JSON objects as text (`status`,
`env`, `error`), and updates as bytes: the length of a JSON object in four bytes, little-endian, that object, and the
picture. The page acknowledges each update. While two are on their way, newer ones replace each other, so that a slow
page sees the newest picture rather than all pictures late.
"""

import asyncio
import contextlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from jaxenvs.errors import InvalidAction, JaxenvsError
from jaxenvs.play.server import MOST_MESSAGE_BYTES
from jaxenvs.play.session import MOST_SEED, Opener, Session
from jaxenvs.play.worker import DRAW, STEP, Worker

_MOST_WAITING = 64
_MOST_ERROR_CHARACTERS = 2000
_MOST_IN_FLIGHT = 2
_LEAST_FRAME_SECONDS = 1 / 60
_END_SECONDS = 1.5
"""How long the end of an episode is shown before the next one begins."""
_REPEAT_SECONDS = 0.3
"""How long a key must be down in a turn-based game before its action is repeated."""
_SLOWEST, _FASTEST = 0.05, 8.0


class InvalidMessage(JaxenvsError, ValueError):
    """A message from the page that does not have the form that it must have."""


class Player:
    """The conversation with one page, and the clock of its game.

    Args:
        open_session: makes the session of an environment's name, a seed and chosen fields; called in the worker's
            thread.
        worker: the thread of everything that uses JAX.
        send: sends a text or bytes to the page.
        frames_per_second: number of steps per second; None for the environment's own.
    """

    def __init__(
        self,
        open_session: Opener,
        worker: Worker,
        send: Callable[[str | bytes], Awaitable[None]],
        frames_per_second: float | None = None,
    ) -> None:
        self._open_session, self._worker, self._send = open_session, worker, send
        self._wish = frames_per_second
        self._messages: asyncio.Queue[str | bytes] = asyncio.Queue(_MOST_WAITING)
        self._session: Session | None = None
        self._changed = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._in_flight = 0
        self._held: Any = None
        self._tapped: Any = None
        self._held_since = self._next_step = self._ended_at = 0.0
        self._paused, self._started, self._restarts = False, False, True
        self._rate, self._speed = 30.0, 1.0

    async def receive(self, message: str | bytes) -> None:
        """Takes a message from the page; waits while many others are waiting."""
        await self._messages.put(message)

    async def run(self) -> None:
        """Plays until it is cancelled, or `send` fails."""
        sender = asyncio.create_task(self._send_updates())
        player = asyncio.create_task(self._play())
        try:
            await asyncio.wait({sender, player}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, player):
                task.cancel()
            for task in (sender, player):
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task
            if self._session is not None:
                self._session.close()

    async def _play(self) -> None:
        """Handles messages, and takes steps when they are due."""
        while True:
            message = await self._next_message()
            await self._guarded(self._tick() if message is None else self._handle(message))

    async def _next_message(self) -> str | bytes | None:
        """The next message from the page, or None when a step is due before there is one."""
        with contextlib.suppress(asyncio.QueueEmpty):
            return self._messages.get_nowait()
        due = self._due()
        wait = None if due is None else max(0.0, due - time.monotonic())
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._messages.get(), wait)
        return None

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Reports an error to the page, whose game goes on from where it was."""
        try:
            await work
        except JaxenvsError as error:
            await self._send_json(type="error", message=str(error))
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # of the environment
            self._paused = True
            await self._send_json(type="error", message=f"{type(error).__name__}: {error}"[:_MOST_ERROR_CHARACTERS])

    def _due(self) -> float | None:
        """When the next step, or the next episode, is due; None to wait for a message."""
        session = self._session
        if session is None:
            return None
        if session.done:
            return self._ended_at + _END_SECONDS if self._restarts and not self._paused else None
        if self._paused or not self._started:
            return None
        if session.is_turn_based:
            if self._tapped is not None:
                return 0.0
            return None if self._held is None else max(self._next_step, self._held_since + _REPEAT_SECONDS)
        if self._tapped is None and self._held is None and session.idle_action() is None:
            return None
        return self._next_step

    async def _tick(self) -> None:
        session = self._session
        assert session is not None
        if session.done:
            await self._reset(None)
            return
        action, self._tapped = self._tapped, None
        if action is None:
            action = self._held if self._held is not None else session.idle_action()
        now = time.monotonic()
        period = 1.0 / (self._rate * self._speed)
        self._next_step = max(self._next_step + period, now + period / 2)  # late steps are not made up for
        await self._step(session, action)

    async def _step(self, session: Session, action: Any) -> None:
        try:
            await self._worker.run(STEP, session.step, action)
        except JaxenvsError:
            self._held = self._tapped = None
            raise
        if session.done:
            self._ended_at = time.monotonic()
        self._changed.set()

    async def _reset(self, seed: int | None) -> None:
        assert self._session is not None
        await self._worker.run(STEP, self._session.reset, seed)
        self._tapped = None
        self._changed.set()

    async def _handle(self, message: str | bytes) -> None:
        values = read_message(message)
        handler = self._HANDLERS.get(values.pop("type"))
        if handler is None:
            raise InvalidMessage(f"A message's type must be one of {', '.join(self._HANDLERS)}.")
        if self._session is None and handler not in _WITHOUT_GAME:
            raise InvalidMessage("Open an environment first.")
        try:
            inspect.signature(handler).bind(self, **values)
        except TypeError as error:
            raise InvalidMessage(f"A message has the wrong parts: {error}.") from error
        await handler(self, **values)

    async def _open(self, id: str, seed: int = 0, fields: dict[str, Any] | None = None) -> None:
        """Opens an environment; the page keeps the one that it has if that fails."""
        if not isinstance(id, str):
            raise InvalidMessage("`id` must be a text.")
        if not isinstance(fields or {}, dict):
            raise InvalidMessage("`fields` must be an object.")
        check_seed(seed)
        await self._send_json(type="status", status="compiling", id=id)
        try:
            session = await self._worker.run(STEP, self._open_session, id, seed, fields or {})
            await self._worker.run(STEP, session.compile)
        except Exception:
            await self._send_json(type="status", status="ready", id=self._session.name if self._session else None)
            raise
        if self._session is not None:
            self._session.close()
        self._session = session
        self._held = self._tapped = None
        self._paused = self._started = False
        introduction = session.introduction()
        self._rate = self._wish or introduction["frames_per_second"]
        await self._send_json(**{**introduction, "frames_per_second": self._rate})
        self._changed.set()

    async def _hold(self, action: Any) -> None:
        """The action of the keys that are down from now on, None for no key. A short press counts as well."""
        self._started = self._started or action is not None
        now = time.monotonic()
        if action is not None:
            if action != self._held:
                self._held_since = now
            self._tapped = action
        self._held = action

    async def _pause(self, paused: bool) -> None:
        self._paused = bool(paused)
        self._started = self._started or not self._paused
        self._next_step = time.monotonic()
        self._changed.set()

    async def _single_step(self, action: Any = None) -> None:
        """Takes one step and pauses, with the given action or with that of no key."""
        session = self._session
        assert session is not None
        self._paused = self._started = True
        action = session.idle_action() if action is None else action
        if action is None:
            raise InvalidAction("This game waits for an action: choose one, then step.")
        await self._step(session, action)

    async def _restart(self, seed: int | None = None) -> None:
        if seed is not None:
            check_seed(seed)
        await self._reset(seed)

    async def _set_speed(self, speed: float) -> None:
        if not isinstance(speed, int | float) or not _SLOWEST <= speed <= _FASTEST:
            raise InvalidMessage(f"`speed` must be a number from {_SLOWEST} to {_FASTEST}.")
        self._speed = float(speed)

    async def _set_restarts(self, restarts: bool) -> None:
        self._restarts = bool(restarts)
        self._ended_at = time.monotonic()

    async def _set_idle(self, idle: Any) -> None:
        assert self._session is not None
        self._session.set_idle(idle)

    async def _acknowledge(self) -> None:
        """The page has received an update."""
        self._in_flight = max(0, self._in_flight - 1)
        self._acknowledged.set()

    _HANDLERS: ClassVar[dict[str, Callable[..., Awaitable[None]]]] = {
        "open": _open,
        "hold": _hold,
        "pause": _pause,
        "step": _single_step,
        "reset": _restart,
        "speed": _set_speed,
        "restarts": _set_restarts,
        "idle": _set_idle,
        "received": _acknowledge,
    }
    """What handles a message, by its type."""

    async def _send_updates(self) -> None:
        """Sends the newest state whenever it has changed, and the page has received what was sent before."""
        while True:
            await self._changed.wait()
            while self._in_flight >= _MOST_IN_FLIGHT:
                self._acknowledged.clear()
                await self._acknowledged.wait()
            self._changed.clear()
            begun = time.monotonic()
            if self._session is not None:
                await self._guarded(self._send_update(self._session))
            await asyncio.sleep(max(0.0, _LEAST_FRAME_SECONDS - (time.monotonic() - begun)))

    async def _send_update(self, session: Session) -> None:
        values, picture = await self._worker.run(DRAW, session.view)
        values |= {"paused": self._paused, "started": self._started, "id": session.name}
        header = json.dumps(values).encode()
        self._in_flight += 1
        await self._send(len(header).to_bytes(4, "little") + header + picture)

    async def _send_json(self, **values: Any) -> None:
        await self._send(json.dumps(values))


_WITHOUT_GAME = (Player._open, Player._acknowledge, Player._set_speed, Player._set_restarts)
"""Handlers of messages that a page may send before it has opened an environment."""


def read_message(message: str | bytes) -> dict[str, Any]:
    """A message from the page: a JSON object with a `type`.

    Raises:
        InvalidMessage: it is not; the text says why.
    """
    if not isinstance(message, str):
        raise InvalidMessage("A message must be text.")
    if len(message) > MOST_MESSAGE_BYTES:
        raise InvalidMessage(f"A message must have at most {MOST_MESSAGE_BYTES} characters.")
    try:
        values = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("A message must be JSON.") from error
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise InvalidMessage("A message must be a JSON object with a `type`.")
    return values


def check_seed(seed: Any) -> None:
    """Checks a seed.

    Raises:
        InvalidMessage: it is not a whole number in the range of seeds.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise InvalidMessage(f"A seed must be a whole number from 0 to {MOST_SEED}.")
