"""Every notebook runs from the first cell to the last, with short settings instead of its own."""

import copy
import importlib.util
import json
import re
import runpy
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
digest = runpy.run_path(str(NOTEBOOKS / "execute.py"))["digest"]

SHORT = {
    "01_first_steps.ipynb": {"num_envs": 64, "num_steps": 50},
    "02_ppo_in_one_program.ipynb": {"total_steps": 8192, "num_seeds": 2, "num_episodes": 4},
    "03_gymnasium_and_sb3.ipynb": {"total_steps": 2048, "timed_steps": 3, "num_lanes": 8},
    "04_atari_in_jit.ipynb": {"num_envs": 6, "num_steps": 20, "num_futures": 2, "future_steps": 3, "num_decisions": 3},
    "05_mujoco_on_mjx.ipynb": {"total_steps": 4096, "num_masses": 3, "watched_steps": 4},
    "06_write_your_own_environment.ipynb": {"total_steps": 4096, "num_houses": 8},
    "07_board_games_with_mctx.ipynb": {"num_games": 2, "num_simulations": 4, "total_steps": 1280},
    "08_record_and_replay.ipynb": {"num_envs": 16, "num_steps": 50, "num_blocks": 3, "num_episodes": 2},
    "09_submit_and_verify.ipynb": {"total_steps": 4096},
}


SHORTEST = "01_first_steps.ipynb"
"""Always run. The others are left to the long tail, since other tests run what they show: `tests/training`,
`tests/ale_bridge`, `test_readme.py` and `test_writing_environments.py`."""
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore")  # warnings of the kernel; those of the notebook are errors, see below
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name, marks=[pytest.mark.slow] if path.name != SHORTEST else []) for path in PATHS],
)
def test_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the suite's; a notebook's kernel shows figures in line
    notebook = nbformat.read(path, as_version=4)
    settings = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(settings) == 1, "a notebook has one cell of settings, tagged `parameters`"
    for name, value in SHORT[path.name].items():
        settings[0].source, replaced = re.subn(rf"^{name} = .*$", f"{name} = {value}", settings[0].source, flags=re.M)
        assert replaced == 1, f"{path.name} has no setting {name}"
    if path.name != SHORTEST:  # people run cells again
        notebook.cells = [each for cell in notebook.cells for each in _twice(cell)]
    timed = [cell for cell in notebook.cells if cell.source.startswith("%timeit")]
    for cell in timed:  # measuring takes seconds and shows nothing here
        cell.source = cell.source.removeprefix("%timeit").strip()
    strict = "import warnings\n\nwarnings.simplefilter('error', UserWarning)"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(strict))
    committed = [kinds(cell) for cell in notebook.cells[1:]]
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook shows a picture"
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr" and "Warning" in o.text]
    for cell, kept in zip(notebook.cells[1:], committed, strict=True):
        assert cell in timed or kinds(cell) == kept, f"{cell.id} shows something else than what is kept: {REFRESH}"


def _twice(cell):
    """A cell, and one with the same code."""
    again = copy.deepcopy(cell)
    again.id += "-again"
    return [cell, again] if cell.cell_type == "code" else [cell]


def kinds(cell):
    """What a cell puts out, in what form: `{"stdout", "image/png"}`; without warnings, which are not kept."""
    found = set()
    for output in cell.get("outputs", []):
        found |= {output.name} if output.output_type == "stream" else set(output.get("data", {}))
    return found - {"stderr"}


REFRESH = "run `python notebooks/execute.py`"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_kept_outputs_come_from_the_code_as_it_is(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get("executed") == digest(notebook), REFRESH
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), REFRESH
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "who only looks sees pictures"
    assert path.stat().st_size < 700_000, "keep the pictures small"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_notebook_opens_in_colab(path):
    notebook = nbformat.read(path, as_version=4)
    assert "https://colab.research.google.com/assets/colab-badge.svg" in notebook.cells[0].source


def install_cell(path):
    """The first cell, and what a notebook needs: the extras, and the packages that they bring."""
    source = nbformat.read(path, as_version=4).cells[1].source
    extras, packages = (re.search(rf"^{name} = (.*)$", source, re.M)[1] for name in ("extras", "packages"))
    return source, json.loads(extras), json.loads(packages)


def test_notebooks_install_themselves_in_one_way():
    sources = set()
    for path in PATHS:
        source, extras, packages = install_cell(path)
        assert extras.split(",")[0] == "train" and packages[:2] == ["jaxenvs", "optax"]
        assert "capture" not in source.splitlines()[0] and len(extras.split(",")) == len(packages) - 1
        sources.add(re.sub(r"^(extras|packages) = .*$", "", source, flags=re.M))
    assert len(sources) == 1


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Runs the install cell in an empty folder where jaxenvs is missing; `pip` answers with a return code."""
    source, *_ = install_cell(PATHS[0])
    calls = []

    def run(code=0, **names):
        def pip(command, **_):
            calls.append(command[-1])
            return subprocess.CompletedProcess(command, code, "looked everywhere", "found nothing")

        monkeypatch.setattr(subprocess, "run", pip)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        text = source
        for name, value in names.items():
            text, replaced = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.M)
            assert replaced == 1
        exec(compile(text, "install cell", "exec"), {})
        return calls[-1]

    monkeypatch.chdir(tmp_path)
    return run


def clone_in(folder):
    (folder / "jaxenvs").mkdir(parents=True)
    (folder / "jaxenvs" / "__init__.py").write_text("")


def test_install_cell_takes_the_clone_around_the_notebook(install, tmp_path, monkeypatch):
    clone_in(tmp_path)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert install() == f"{tmp_path}[train]"


def test_install_cell_takes_the_clone_beside_the_notebook(install, tmp_path):
    clone_in(tmp_path / "anything")
    assert install(repository="https://example.org/a.git") == f"{tmp_path / 'anything'}[train]"


def test_install_cell_takes_the_address_else_pypi(install):
    assert install() == "jaxenvs[train]"
    assert install(repository="https://example.org/a.git") == "jaxenvs[train] @ git+https://example.org/a.git"


def test_install_cell_shows_what_pip_said_and_what_to_do(install, capsys):
    with pytest.raises(RuntimeError, match=r"could not install jaxenvs\[train\].*Put a clone .* beside this notebook"):
        install(code=1)
    assert capsys.readouterr().out == "looked everywhere found nothing\n"


def test_install_cell_does_nothing_where_all_is_there(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    exec(compile(install_cell(PATHS[0])[0], "install cell", "exec"), {})
