"""The page on scaling is correct: its programs run on eight devices, and in two processes."""

import json
import re
from pathlib import Path

import pytest

from tests.devices import finish, start
from tests.monitor.training.test_processes import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def shortened(program, *replacements):
    for old, new in replacements:
        assert program.count(old) == 1, old
        program = program.replace(old, new)
    return program


@pytest.mark.slow  # `tests/rollouts/test_mesh.py` and `tests/training/test_mesh.py` hold the same for each call
def test_programs_for_one_host_run_on_eight_devices(tmp_path):
    program = shortened("\n".join(PROGRAMS[:-1]), ("500_000", "32_768"))
    checks = """
assert mesh.size == 8 and spread.actions.addressable_shards[0].data.shape == (100, 128)
assert evaluation.returns.shape == (64,) and rewards.shape == (100, 1024)
assert int(state.env_steps) == 32_768 and metrics.mean_return.shape == (2,)
"""
    (tmp_path / "page.py").write_text(program + checks)
    (output,) = finish([start([tmp_path / "page.py"], devices=8)], seconds=300)
    assert "'data'" in output


@pytest.mark.slow
def test_command_runs_on_eight_devices(tmp_path):
    (command,) = COMMANDS
    name, *arguments = command.split()
    assert name == "jaxenvs"
    short = ["--steps", "4096", "--set", "num_steps=2", "--eval-episodes", "4", "--no-animation", "--quiet"]
    run = tmp_path / "run"
    (output,) = finish([start(["-m", "jaxenvs", *arguments, *short, "-o", run], devices=8)], seconds=300)
    assert "8 x cpu" in output
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["status"] == "finished"
    assert (manifest["hyper_parameters"]["num_blocks"], manifest["hyper_parameters"]["num_envs"]) == (8, 1024)


@pytest.mark.slow  # `tests/monitor/training/test_processes.py` does the same with fewer steps
def test_program_for_several_hosts_runs_in_two_processes(tmp_path):
    processes = []
    address = f"127.0.0.1:{free_port()}"
    for number in range(2):
        program = shortened(
            PROGRAMS[-1],
            ("initialize()", f"initialize({address!r}, 2, {number}, initialization_timeout=60)"),
            ("100_000_000", "32_768"),
            ("shared/acrobot", str(tmp_path / "run")),
        )
        file = tmp_path / f"page{number}.py"
        file.write_text(program)
        processes.append(start([file], devices=2))
    first, second = finish(processes, seconds=300)
    assert "32768 steps, mean return" in first and "mean return" not in second
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "finished"
    assert (tmp_path / "run" / "checkpoint.msgpack").exists()
