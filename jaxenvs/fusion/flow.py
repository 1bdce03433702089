"""Control flow in LLVM's language: instructions one after another, in loops and branches."""

import contextlib
from abc import ABC
from collections.abc import Iterator

from jaxenvs.fusion.writer import INDEX, Val, Writer


class Flow(Writer, ABC):
    """The text of a function.

    Attributes:
        types: of the results of instructions, and of what variables hold.
        allocations: variables and memory, for the beginning of the function: names and instructions.
        regions: loops and branches, from line to line, the inner ones first.
        called: those regions that are functions, with the lines from which they are called again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, str] = {}
        self.allocations: dict[str, str] = {}
        self.regions: list[tuple[int, int]] = []
        self.called: dict[tuple[int, int], list[int]] = {}
        self._ends: list[str] = []

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
    def loop(self, count: int | Val) -> Iterator[Val]:
        """A loop over 0, 1, ..., count - 1, with `count` at least 1."""
        start = len(self.lines)
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
        self.regions.append((start, len(self.lines)))

    @contextlib.contextmanager
    def when(self, condition: Val) -> Iterator[None]:
        """What follows happens only if the condition holds."""
        start = len(self.lines)
        yes, after = self.fresh("then"), self.fresh("after")
        self.lines.append(f"  br i1 {condition.ref}, label %{yes}, label %{after}")
        self.label(yes)
        with self.scope():
            yield
        self.jump(after)
        self.label(after)
        self.regions.append((start, len(self.lines)))

    @contextlib.contextmanager
    def forever(self) -> Iterator[None]:
        """A loop that `leave_unless` ends."""
        start = len(self.lines)
        body, after = self.fresh("loop"), self.fresh("after")
        self.jump(body)
        self.label(body)
        self._ends.append(after)
        with self.scope():
            yield
        self._ends.pop()
        self.jump(body)
        self.label(after)
        self.regions.append((start, len(self.lines)))

    def leave_unless(self, condition: Val) -> None:
        """Leaves the innermost `forever` unless the condition holds."""
        stay = self.fresh("stay")
        self.lines.append(f"  br i1 {condition.ref}, label %{stay}, label %{self._ends[-1]}")
        self.label(stay)

    @contextlib.contextmanager
    def shared(self) -> Iterator[list[int]]:
        """What follows is a function, and is called here: all that it reads and changes are variables and memory.

        Yields:
            For `call_again`.
        """
        start, calls = len(self.lines), []
        known, self._known = self._known, {}
        with self.scope():
            yield calls
        self._known = known
        self.regions.append((start, len(self.lines)))
        self.called[self.regions[-1]] = calls

    def call_again(self, calls: list[int]) -> None:
        """Calls a function that has been written."""
        calls.append(len(self.lines))
        self.lines.append("  ; a call")

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
