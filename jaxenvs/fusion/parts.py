"""A long function of LLVM's language in parts: long loops and branches become functions of their own.

Much of what LLVM does to a function takes more than twice as long for one that is twice as long, and parts can be
compiled at the same time, the first of them while the rest is written.
"""

import dataclasses
import re
from collections.abc import Sequence

PART = 3_000
"""In a long program, loops and branches of so many lines become functions, after those within them have."""

_NAME = re.compile(r"%[a-z]+\d+")
_RESULT = re.compile(r"^  (%[a-z]+\d+) =", re.MULTILINE)
_LABEL = re.compile(r"^([a-z]+\d+):", re.MULTILINE)
_PLACE = re.compile(r"ptr (%s\d+)[,)]")


@dataclasses.dataclass(frozen=True)
class Part:
    """A function.

    Attributes:
        name: without `@`.
        parameters: their types and names.
        lines: its text.
        call: the lines that call it.
    """

    name: str
    parameters: list[str]
    lines: list[str]
    call: list[str]

    @property
    def declaration(self) -> str:
        """How another module says that there is this function."""
        return f"declare void @{self.name}({', '.join(x.rsplit(' ', 1)[0] for x in self.parameters)})"

    def call_again(self, number: int) -> list[str]:
        """The lines of one more call, whose number no other call of it has."""
        return [line.replace(".for_", f".for_{number}_") for line in self.call]


def _changed(text: str) -> set[str]:
    """The variables that are written to, here or by a function."""
    found: set[str] = set()
    for line in text.split("\n"):
        if line.startswith("  store"):
            found.add(line.rsplit(" ", 1)[1])
        elif line.startswith("  call void @part"):
            found.update(_PLACE.findall(line))
    return found


def part_of(
    name: str, lines: Sequence[str], own: dict[str, str], allocations: dict[str, str], types: dict[str, str]
) -> Part:
    """A function of some lines, of whose results only variables and memory are read after them.

    Args:
        name: of the function.
        lines: a loop or a branch.
        own: the variables and the memory that only these lines use: names and instructions.
        allocations: other variables and memory.
        types: of the results of instructions and of what the variables hold.

    Numbers are its arguments. A variable from outside is given by its value, or by its place if the function changes
    it; within the function it is a variable of its own, which LLVM can keep in registers.
    """
    text = "\n".join(lines)
    known = {*_RESULT.findall(text), *("%" + x for x in _LABEL.findall(text)), *own}
    given = [x for x in dict.fromkeys(_NAME.findall(text)) if x not in known]
    changed = _changed(text)
    before = [f"  {variable} = {instruction}" for variable, instruction in own.items()]
    loads, parameters, arguments, after = [], [], [], []
    for x in given:
        kind = types.get(x, "ptr")
        if x not in allocations or kind == "ptr":  # a number, or memory
            parameters.append(f"ptr noalias {x}" if kind == "ptr" else f"{kind} {x}")
            arguments.append(f"{kind} {x}")
            continue
        before.append(f"  {x} = alloca {kind}")
        if x in changed:
            parameters.append(f"ptr noalias {x}.place")
            arguments.append(f"ptr {x}")
            before.append(f"  {x}.given = load {kind}, ptr {x}.place")
            after += [f"  {x}.after = load {kind}, ptr {x}", f"  store {kind} {x}.after, ptr {x}.place"]
        else:
            loads.append(f"  {x}.for_{name} = load {kind}, ptr {x}")
            parameters.append(f"{kind} {x}.given")
            arguments.append(f"{kind} {x}.for_{name}")
        before.append(f"  store {kind} {x}.given, ptr {x}")
    head = f"define void @{name}({', '.join(parameters)}) #0 {{"
    whole = [head, "entry:", *before, *lines, *after, "  ret void", "}"]
    return Part(name, parameters, whole, [*loads, f"  call void @{name}({', '.join(arguments)})"])
