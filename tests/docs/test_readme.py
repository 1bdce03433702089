"""The README tells the truth: its table is the catalog's, and its programs run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jaxenvs.cli.app import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_table_of_environments_is_the_catalogs():
    begin, end = "<!-- environments: written by `jaxenvs list --markdown` -->", "<!-- end of environments -->"
    table = README.split(begin)[1].split(end)[0].strip()
    result = CliRunner().invoke(app, ["list", "--markdown"])
    assert result.exit_code == 0
    # The games of the ALE, which are there where the package is installed, are described beneath the table.
    lines = [line for line in result.stdout.strip().splitlines() if not line.startswith("| `ALE/")]
    assert table == "\n".join(lines), "Write the output of `jaxenvs list --markdown` into README.md."


CHECKS = {
    "def play": "",
    "make_bsuite": """
assert len(bsuite_ids()) == 468 and sea == make_bsuite("deep_sea/10") and env.env.noise_scale == 0.1
""",
    "ctrl_cost_weight": "assert trajectory.reward.shape == (3, 2)",
    "state_at": "assert float(timestep.observation[0]) == 1.5 and env.reset(jaxenvs.random.key(0))",
    'obs_type="grayscale"': "assert trajectory.observation.shape == (3, 2, 210, 160)",
    "make_atari": "assert env.observation_space.shape == game.observation_space.shape == (4, 84, 84)",
    "gymnasium.make(": "assert picture.shape == (400, 600, 3) and observations.shape == (256, 4)",
    "stable_baselines3": "assert model.num_timesteps == 2048",
    "class RandomWalk": 'assert "RandomWalk-v0" in jaxenvs.registry',
    "check_env": "",
}
"""By what only it contains, what a program of the README has to have done."""

SMALLER = {"(100, 64, 3)": "(3, 2, 3)", ", 64)": ", 2)", "(100, 32)": "(3, 2)", ", 32)": ", 2)", "200_000": "2_048"}
"""What is done less often here."""


def test_every_program_has_its_check():
    assert len(PROGRAMS) == len(CHECKS)
    for program, mark in zip(PROGRAMS, CHECKS):
        assert mark in program


@pytest.mark.parametrize("mark", CHECKS)
def test_program_runs_as_it_is_pasted(mark, tmp_path):
    """In a process of its own, which knows nothing of the programs before."""
    program = next(program for program in PROGRAMS if mark in program)
    if "import gymnasium" not in program:
        for long, short in SMALLER.items():
            program = program.replace(long, short)
    (walk,) = (program for program in PROGRAMS if "class RandomWalk" in program)
    (tmp_path / "random_walk.py").write_text(walk)
    (tmp_path / "program.py").write_text(f"{program}\n{CHECKS[mark]}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    command = [sys.executable, "program.py"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    if mark == "def play":
        assert float(result.stdout) == 200 * 4096  # CartPole pays 1 a step


def test_extras_are_all_listed():
    section = README.split("### What to install")[1].split("\n### ")[0]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    hidden = {"test-tools", "test-torch", "test-newest", "test-neighbours"}
    assert set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)) == set(extras) - hidden


def test_adapters_are_all_named():
    import jaxenvs.adapters

    section = README.split("## From Gymnasium")[1].split("\n## ")[0]
    assert {name for name in dir(jaxenvs.adapters) if f"`{name}(" in section or f" `{name}(" in section} | {
        "to_torch",
        "from_torch",
        "wrap_with_fresh_starts",
    } == set(dir(jaxenvs.adapters))


def test_links_and_commands_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    listed = set(re.findall(r"^\| `jaxenvs ([\w-]+)", README, re.MULTILINE))
    assert listed == {command.name or command.callback.__name__ for command in app.registered_commands}
