"""Writers that are killed at random moments leave whole records, and all that they flushed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devices import finish

SCRIPT = Path(__file__).parent / "killed_writers.py"


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_writer_loses_at_most_what_it_had_not_flushed(tmp_path, kills):
    (tmp_path / "run.json").write_text(json.dumps({"format": "jaxenvs run", "format_version": 1, "environment": {}}))
    command = [sys.executable, "-W", "error", SCRIPT, tmp_path, str(kills)]
    # A group of processes, which ends as a whole, the writer included, if the time is up.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    (output,) = finish([process], seconds=300 + 6 * kills)
    killed, reads, within_flush, episodes = map(int, output.split())
    assert killed == reads == kills and episodes > 6 * kills
    assert 0 <= within_flush <= kills
    hidden = [path.name for path in (tmp_path / "episodes").iterdir() if path.name.startswith(".")]
    assert len(hidden) >= 4  # the locks, and what a killed writer had begun
