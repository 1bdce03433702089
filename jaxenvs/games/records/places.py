"""Places in a text, for messages."""


def place(text: str, offset: int) -> str:
    """`"Line 3, column 14"`, both counted from 1."""
    before = text[:offset]
    return f"Line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))}"
