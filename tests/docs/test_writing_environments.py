"""The page on writing environments is correct: its programs run, and the agent learns."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing_environments.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_programs_run_one_after_the_other(tmp_path):
    """In a separate process, which leaves no id behind. An untrained agent gets about 30, and 70 after 40,000 steps."""
    assert "200_000" in PROGRAMS[-2]
    program = "\n".join(PROGRAMS).replace("200_000", "40_000")
    program += "\nassert float(result.mean_return) > 60 and vector.shape == (3,)\n"
    (tmp_path / "greenhouse.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "greenhouse.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "mean return" in done.stdout


def test_the_notebook_has_the_same_environment():
    notebook = (ROOT / "notebooks" / "06_write_your_own_environment.ipynb").read_text()
    body = PROGRAMS[0].split("\n\n\n", 1)[1]
    for line in filter(None, body.splitlines()):
        assert line.replace("\\", "\\\\").replace('"', '\\"') in notebook, line
