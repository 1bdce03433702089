"""Go in plain Python, as slow as it is simple: boards are strings, chains are flooded, whole boards are compared.

It shares nothing with `jaxenvs.games.go`, which the tests compare with it.
"""

import functools
from collections.abc import Iterator

BLACK, WHITE, EMPTY = "X", "O", "."


def other(colour: str) -> str:
    return WHITE if colour == BLACK else BLACK


@functools.cache
def neighbours(size: int, point: int) -> list[int]:
    row, column = divmod(point, size)
    around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [r * size + c for r, c in around if 0 <= r < size and 0 <= c < size]


def region(board: str, size: int, start: int) -> set[int]:
    """The points that are connected to `start` by points with the same content."""
    found, waiting = {start}, [start]
    while waiting:
        for near in neighbours(size, waiting.pop()):
            if board[near] == board[start] and near not in found:
                found.add(near)
                waiting.append(near)
    return found


def liberties(board: str, size: int, start: int) -> set[int]:
    """The empty points beside the chain of a stone."""
    return {near for point in region(board, size, start) for near in neighbours(size, point) if board[near] == EMPTY}


def after(board: str, size: int, point: int, colour: str) -> str | None:
    """The board after a stone of a colour on a point; None if that is occupied, or the move is suicide."""
    if board[point] != EMPTY:
        return None
    points = [*board]
    points[point] = colour
    for near in neighbours(size, point):
        if points[near] == other(colour) and not liberties("".join(points), size, near):
            for captured in region("".join(points), size, near):
                points[captured] = EMPTY
    placed = "".join(points)
    return placed if liberties(placed, size, point) else None


def area(board: str, size: int) -> tuple[int, int]:
    """The area of black and of white."""
    count = {BLACK: board.count(BLACK), WHITE: board.count(WHITE)}
    seen: set[int] = set()
    for point, content in enumerate(board):
        if content == EMPTY and point not in seen:
            empties = region(board, size, point)
            seen |= empties
            borders = {board[near] for empty in empties for near in neighbours(size, empty)} - {EMPTY}
            if len(borders) == 1:
                count[borders.pop()] += len(empties)
    return count[BLACK], count[WHITE]


class Record:
    """A game: all boards so far, with the player to move on each. A pass is `size * size`."""

    def __init__(self, size: int, ko: str) -> None:
        self.size, self.ko = size, ko
        self.positions = [(EMPTY * size**2, BLACK)]
        self.passes = 0

    @property
    def board(self) -> str:
        return self.positions[-1][0]

    @property
    def player(self) -> str:
        return self.positions[-1][1]

    def copy(self) -> "Record":
        record = Record(self.size, self.ko)
        record.positions, record.passes = [*self.positions], self.passes
        return record

    def repeats(self, board: str) -> bool:
        """Whether the position would repeat if the player to move made this board of the present one."""
        if self.ko == "simple":
            return len(self.positions) > 1 and board == self.positions[-2][0]
        if self.ko == "positional":
            return board in {earlier for earlier, _ in self.positions}
        return (board, other(self.player)) in self.positions

    def moves(self) -> Iterator[tuple[int, str, bool]]:
        """Each move that is not suicide, with the board after it, and whether that is a repetition."""
        for point in range(self.size**2):
            board = after(self.board, self.size, point, self.player)
            if board is not None:
                yield point, board, self.repeats(board)

    def legal(self) -> list[bool]:
        """What is legal, passing included."""
        allowed = {point for point, _, is_repetition in self.moves() if not is_repetition}
        return [point in allowed for point in range(self.size**2)] + [True]

    def play(self, action: int) -> None:
        board = self.board if action == self.size**2 else after(self.board, self.size, action, self.player)
        assert board is not None
        self.passes = self.passes + 1 if action == self.size**2 else 0
        self.positions.append((board, other(self.player)))
