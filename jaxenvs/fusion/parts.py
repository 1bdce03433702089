"""A long function of LLVM's language in parts: long loops and branches become functions of their own.

Much of what LLVM does to a function takes more than twice as long for one that is twice as long, and parts can be
compiled at the same time.
"""

import dataclasses
import re
from collections.abc import Sequence

LONG = 25_000
"""A function of so many lines is divided; a shorter one is compiled whole, but for what is called more than once."""
PART = 3_000
"""Loops and branches of so many lines become functions, after those within them have."""

_NAME = re.compile(r"%[a-z]+\d+")
_RESULT = re.compile(r"^  (%[a-z]+\d+) =", re.MULTILINE)
_LABEL = re.compile(r"^([a-z]+\d+):", re.MULTILINE)
_PLACE = re.compile(r"ptr (%s\d+)[,)]")
_VARIABLE = re.compile(r"%[sb]\d+")


@dataclasses.dataclass(frozen=True)
class Part:
    """A function.

    Attributes:
        name: without `@`.
        parameters: their types and names.
        lines: its text.
    """

    name: str
    parameters: list[str]
    lines: list[str]

    @property
    def declaration(self) -> str:
        """How another module says that there is this function."""
        return f"declare void @{self.name}({', '.join(x.rsplit(' ', 1)[0] for x in self.parameters)})"


def divided(
    lines: list[str],
    allocations: dict[str, str],
    regions: Sequence[tuple[int, int]],
    functions: dict[tuple[int, int], list[int]],
    types: dict[str, str],
) -> tuple[list[str], dict[str, str], list[Part]]:
    """Divides the text of a function.

    Args:
        lines: of the function, without its allocations.
        allocations: its variables and memory: names and instructions.
        regions: its loops and branches, from line to line, the inner ones first. Of what is computed in one, only
            variables and memory are read after it.
        functions: those regions that are called from other lines as well, with the numbers of these lines.
        types: of the results of instructions and of what the variables hold.

    Returns:
        The remaining lines, the remaining allocations, and the parts, which call each other.
    """
    is_long = len(lines) >= LONG
    if not is_long and not functions:
        return lines, allocations, []
    rest: list[str | None] = [*lines]
    uses = _uses(lines)
    allocations, parts = dict(allocations), []
    for begin, end in regions:
        text = [line for line in rest[begin:end] if line is not None]
        again = functions.get((begin, end), [])
        if not again and not (is_long and len(text) >= PART):
            continue
        own = {
            name: instruction
            for name, instruction in allocations.items()
            if instruction.startswith("alloca") and name in uses and begin <= uses[name][0] and uses[name][1] < end
        }
        allocations = {name: x for name, x in allocations.items() if name not in own}
        part, call = _part(f"part{len(parts)}", text, own, allocations, types)
        parts.append(part)
        rest[begin:end] = [call] + [None] * (end - begin - 1)
        for number in again:
            rest[number] = call.replace(".for_", f".for_{number}_")
    return [line for line in rest if line is not None], allocations, parts


def _uses(lines: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The first and the last line that name each variable or memory."""
    found: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines):
        if "%s" in line or "%b" in line:  # which is much faster than to search all lines
            for name in _VARIABLE.findall(line):
                found[name] = found.get(name, (number, 0))[0], number
    return found


def _changed(text: str) -> set[str]:
    """The variables that are written to, here or by a function."""
    found: set[str] = set()
    for line in text.split("\n"):
        if line.startswith("  store"):
            found.add(line.rsplit(" ", 1)[1])
        elif line.startswith("  call void @part"):
            found.update(_PLACE.findall(line))
    return found


def _part(
    name: str, lines: list[str], own: dict[str, str], allocations: dict[str, str], types: dict[str, str]
) -> tuple[Part, str]:
    """A function, and the call of it.

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
    call = "\n".join([*loads, f"  call void @{name}({', '.join(arguments)})"])
    return Part(name, parameters, whole), call
