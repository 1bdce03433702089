"""The README tells the truth: its table is the catalog's, and its programs run."""

import importlib
import json
import re
import sys
from pathlib import Path

from typer.testing import CliRunner

import jaxenvs
from jaxenvs.cli.app import app

README = (Path(__file__).parents[2] / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_table_of_environments_is_the_catalogs():
    begin, end = "<!-- environments: written by `jaxenvs list --markdown` -->", "<!-- end of environments -->"
    table = README.split(begin)[1].split(end)[0].strip()
    result = CliRunner().invoke(app, ["list", "--markdown"])
    assert result.exit_code == 0
    # The games of the ALE, which are there where the package is installed, are described beneath the table.
    lines = [line for line in result.stdout.strip().splitlines() if not line.startswith("| `ALE/")]
    assert table == "\n".join(lines), "Write the output of `jaxenvs list --markdown` into README.md."


def test_vectorised_loop_runs(capsys):
    loop = next(program for program in PROGRAMS if "def play" in program)
    exec(compile(loop, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) == 200 * 4096  # CartPole pays 1 a step


def test_gymnasium_and_stable_baselines3_take_the_environments():
    gymnasium, stable_baselines3 = (
        next(program for program in PROGRAMS if word in program) for word in ("gymnasium.make(", "stable_baselines3")
    )
    names = {}
    exec(compile(gymnasium, "README.md", "exec"), names)
    assert names["picture"].shape == (400, 600, 3) and names["observations"].shape == (256, 4)
    assert "200_000" in stable_baselines3
    exec(compile(stable_baselines3.replace("200_000", "2_048"), "README.md", "exec"), names)
    assert names["model"].num_timesteps == 2048


def test_the_tasks_of_bsuite_are_what_it_says():
    names = {}
    exec(compile(next(program for program in PROGRAMS if "make_bsuite" in program), "README.md", "exec"), names)
    assert len(names["bsuite_ids"]()) == 468
    assert names["sea"] == names["make_bsuite"]("deep_sea/10")
    assert names["env"].env.noise_scale == 0.1


def test_adapters_are_all_named():
    import jaxenvs.adapters

    section = README.split("## From Gymnasium")[1].split("\n## ")[0]
    assert {name for name in dir(jaxenvs.adapters) if f"`{name}(" in section or f" `{name}(" in section} | {
        "to_torch",
        "from_torch",
        "wrap_with_fresh_starts",
    } == set(dir(jaxenvs.adapters))


def test_own_environment_conforms(tmp_path, monkeypatch):
    environment, check = PROGRAMS[-2:]
    (tmp_path / "readme_walk.py").write_text(f"{environment}\n\n{check}")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        importlib.import_module("readme_walk")
        assert "RandomWalk-v0" in jaxenvs.registry
    finally:
        jaxenvs.registry._specs.pop("RandomWalk-v0", None)
        sys.modules.pop("readme_walk", None)


def test_links_and_commands_exist():
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
    listed = set(re.findall(r"^\| `jaxenvs ([\w-]+)", README, re.MULTILINE))
    assert listed == {command.name or command.callback.__name__ for command in app.registered_commands}


def test_notebooks_are_ours_to_open_anywhere():
    for path in sorted((root := Path(__file__).parents[2] / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        install = re.search(r'pip install "jaxenvs\[train(,\w+)*\]"', code[0])
        assert install, f"{path.relative_to(root)} must begin with its install cell"
