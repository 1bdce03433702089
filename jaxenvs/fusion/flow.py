"""Control flow in LLVM's language: instructions one after another, in loops and branches."""

import contextlib
import itertools
from abc import ABC
from collections.abc import Callable, Iterator

from jaxenvs.fusion.parts import PART, Part, part_of
from jaxenvs.fusion.writer import INDEX, Val, Writer

_MANY_ROUNDS = 64
"""In loops of more rounds, what saves lines at the cost of time is not done."""


class Flow(Writer, ABC):
    """The text of a function.

    Attributes:
        types: of the results of instructions, and of what variables hold.
        allocations: variables and memory, for the beginning of the function: names and instructions.
        parts: functions that have been taken out of the text. They call each other only backwards.
        on_part: is given each of them as soon as it is written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, str] = {}
        self.allocations: dict[str, str] = {}
        self.parts: list[Part] = []
        self.on_part: Callable[[Part], None] = lambda part: None
        self._ends: list[str] = []
        self._rounds = 1  # of the loops around, as far as they are known
        self._lasting: set[str] = set()

    @property
    def is_hot(self) -> bool:
        """Whether what follows is within loops that last until lanes are done, or of many rounds."""
        return bool(self._ends) or self._rounds > _MANY_ROUNDS

    def emit(self, kind: str, text: str) -> str:
        """Writes an instruction; returns the name of its result, which is of the type `kind`."""
        name = "%" + self.fresh()
        self.lines.append(f"  {name} = {text}")
        self.types[name] = kind
        return name

    def label(self, name: str) -> None:
        """Begins a basic block."""
        self.lines.append(f"{name}:")

    def jump(self, name: str) -> None:
        """Ends a basic block."""
        self.lines.append(f"  br label %{name}")

    @contextlib.contextmanager
    def _region(self) -> Iterator[None]:
        """What follows is a loop or a branch: what it asks for, but for `lasting` things, is not used after it."""
        start, allocated = len(self.lines), len(self.allocations)
        yield
        if self.is_long and len(self.lines) - start >= PART:
            self._take_out(start, allocated)

    @contextlib.contextmanager
    def lasting(self) -> Iterator[None]:
        """The variables and the memory that are asked for within may be used after the loop or branch around it."""
        allocated = len(self.allocations)
        yield
        self._lasting.update(itertools.islice(self.allocations, allocated, None))

    def _take_out(self, start: int, allocated: int) -> Part:
        """Makes a function of the last lines, and calls it.

        Args:
            start: its first line.
            allocated: how many variables and memories there were before it.
        """
        new = list(itertools.islice(self.allocations, allocated, None))
        own = {
            name: self.allocations[name]
            for name in new
            if self.allocations[name].startswith("alloca") and name not in self._lasting
        }
        for name in own:
            del self.allocations[name]
        part = part_of(f"part{len(self.parts)}", self.lines[start:], own, self.allocations, self.types)
        self.lines[start:] = part.call
        self.parts.append(part)
        self.on_part(part)
        return part

    @contextlib.contextmanager
    def loop(self, count: int | Val) -> Iterator[Val]:
        """A loop over 0, 1, ..., count - 1, with `count` at least 1, since its end is judged after a round."""
        if isinstance(count, int) and count < 1:
            raise ValueError("a loop has at least one round")
        around = self._rounds
        if isinstance(count, int):
            self._rounds *= count
        with self._region(), self._loop(count) as index:
            yield index
        self._rounds = around

    @contextlib.contextmanager
    def _loop(self, count: int | Val) -> Iterator[Val]:
        before, body, latch, after = (self.fresh(x) for x in ("before", "loop", "latch", "after"))
        self.jump(before)
        self.label(before)
        self.jump(body)
        self.label(body)
        index, following = "%" + self.fresh("i"), "%" + self.fresh("n")
        self.types[index] = "i64"
        self.lines.append(f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{latch} ]")
        with self.scope():
            yield Val(index, INDEX, True)
        self.jump(latch)
        self.label(latch)
        limit = count.ref if isinstance(count, Val) else count
        self.lines.append(f"  {following} = add nuw nsw i64 {index}, 1")
        again = self.emit("i1", f"icmp ult i64 {following}, {limit}")
        self.lines.append(f"  br i1 {again}, label %{body}, label %{after}")
        self.label(after)

    @contextlib.contextmanager
    def when(self, condition: Val) -> Iterator[None]:
        """What follows happens only if the condition holds."""
        with self._region():
            yes, after = self.fresh("then"), self.fresh("after")
            self.lines.append(f"  br i1 {condition.ref}, label %{yes}, label %{after}")
            self.label(yes)
            with self.scope():
                yield
            self.jump(after)
            self.label(after)

    @contextlib.contextmanager
    def forever(self) -> Iterator[None]:
        """A loop that `leave_unless` ends."""
        with self._region():
            body, after = self.fresh("loop"), self.fresh("after")
            self.jump(body)
            self.label(body)
            self._ends.append(after)
            with self.scope():
                yield
            self._ends.pop()
            self.jump(body)
            self.label(after)

    def leave_unless(self, condition: Val) -> None:
        """Leaves the innermost `forever` unless the condition holds."""
        stay = self.fresh("stay")
        self.lines.append(f"  br i1 {condition.ref}, label %{stay}, label %{self._ends[-1]}")
        self.label(stay)

    @contextlib.contextmanager
    def shared(self) -> Iterator[list[Part]]:
        """What follows is a function, and is called here: all that it reads and changes are variables and memory.

        Yields:
            A list that has the function afterwards, for `call_again`.
        """
        start, allocated, function = len(self.lines), len(self.allocations), []
        known, self._known = self._known, {}
        with self.scope():
            yield function
        self._known = known
        function.append(self._take_out(start, allocated))

    def call_again(self, function: list[Part]) -> None:
        """Calls a function that has been written."""
        self._count += 1
        self.lines += function[0].call_again(self._count)

    @contextlib.contextmanager
    def apart(self) -> Iterator[list[str]]:
        """What follows is the body of a function of its own, which stays in one piece.

        Yields:
            A list that has its lines afterwards.
        """
        around, body = (self.lines, self.allocations, self._known, self._scopes, self.is_long), []
        self.lines, self.allocations, self._known, self._scopes, self.is_long = [], {}, {}, [], False
        yield body
        body += [f"  {name} = {instruction}" for name, instruction in self.allocations.items()] + self.lines
        self.lines, self.allocations, self._known, self._scopes, self.is_long = around

    def pointer(self) -> str:
        """A new variable that holds a pointer."""
        name = "%" + self.fresh("s")
        self.types[name] = "ptr"
        self.allocations[name] = "alloca ptr"
        return name

    def point(self, variable: str, pointer: str) -> None:
        """Gives a variable a pointer."""
        self.lines.append(f"  store ptr {pointer}, ptr {variable}")

    def pointed(self, variable: str) -> str:
        """The pointer that a variable holds."""
        return self.emit("ptr", f"load ptr, ptr {variable}")
