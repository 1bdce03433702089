"""Every notebook runs from the first cell to the last, with short settings in place of its own."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

SHORT = {
    "01_first_steps.ipynb": {"num_envs": 64, "num_steps": 50},
    "02_ppo_in_one_program.ipynb": {"total_steps": 8192, "num_seeds": 2, "num_episodes": 4},
    "03_gymnasium_and_sb3.ipynb": {"total_steps": 2048, "timed_steps": 3, "num_lanes": 8},
    "04_atari_in_jit.ipynb": {"num_envs": 6, "num_steps": 20, "num_futures": 2, "future_steps": 3, "num_decisions": 3},
    "05_mujoco_on_mjx.ipynb": {"total_steps": 4096, "num_masses": 3, "watched_steps": 4},
    "06_write_your_own_environment.ipynb": {"total_steps": 4096, "num_houses": 8},
}


LONG = {"02_ppo_in_one_program.ipynb", "06_write_your_own_environment.ipynb"}
"""Left to the long tail: other tests run what they show (`tests/training`, `test_writing_environments.py`)."""
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore")  # of the kernel's machinery; the notebook's own are errors, see below
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name, marks=[pytest.mark.slow] if path.name in LONG else []) for path in PATHS],
)
def test_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the suite's; a notebook's kernel shows figures in line
    notebook = nbformat.read(path, as_version=4)
    settings = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(settings) == 1, "a notebook has one cell of settings, tagged `parameters`"
    for name, value in SHORT[path.name].items():
        settings[0].source, replaced = re.subn(rf"^{name} = .*$", f"{name} = {value}", settings[0].source, flags=re.M)
        assert replaced == 1, f"{path.name} has no setting {name}"
    for cell in notebook.cells:
        if cell.source.startswith("%timeit"):  # measuring takes seconds and shows nothing here
            cell.source = cell.source.removeprefix("%timeit").strip()
    strict = "import warnings\n\nwarnings.simplefilter('error', UserWarning)"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(strict))
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook shows a picture"
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr" and "Warning" in o.text]
