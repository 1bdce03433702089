"""`tests/newest/run` leaves out the tests that need PyTorch, and so every file that cannot be imported without it."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NEEDED = {"torch", "stable_baselines3", "StableBaselines3VecEnv", "TorchVectorEnv"}


def left_out():
    """The paths after `--ignore` and `--deselect`, those of files without the names of tests in them."""
    text = (TESTS / "newest" / "run").read_text()
    return [TESTS.parent / path for path in re.findall(r'--(?:ignore|deselect)="?([\w/.]+)', text)]


def imported(path):
    """The packages and names that the file imports when it is loaded."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Import):
            yield from (name.name.split(".")[0] for name in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield from ((statement.module or "").split(".")[0], *(name.name for name in statement.names))


def test_what_is_left_out_exists():
    assert len(left_out()) > 5
    assert [path for path in left_out() if not path.exists()] == []


def test_files_that_import_pytorch_are_left_out():
    need_it = [path for path in TESTS.rglob("test_*.py") if NEEDED & {*imported(path)}]
    missing = [path for path in need_it if not {path, *path.parents} & {*left_out()}]
    assert need_it and missing == [], "import it where it is needed, after `pytest.importorskip`"
