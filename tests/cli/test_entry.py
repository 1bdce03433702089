"""How the command starts: help, version, without its extra, and its compilation cache."""

import importlib.abc
import os
import stat
import subprocess
import sys

import jax
import pytest

import jaxenvs
from jaxenvs.cli.compilation_cache import use_compilation_cache
from jaxenvs.cli.main import main

COMMANDS = (
    "list",
    "info",
    "rollout",
    "play",
    "watch",
    "train",
    "evaluate",
    "export",
    "replay",
    "curve",
    "submit",
    "verify",
    "bench",
)


def test_module_runs_as_the_command():
    command = [sys.executable, "-m", "jaxenvs", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert result.stderr == ""
    assert "Usage: jaxenvs" in result.stdout
    for name in COMMANDS:
        assert f" {name} " in result.stdout


class _Interrupts(importlib.abc.MetaPathFinder):
    """Ctrl-C while the command is imported."""

    def find_spec(self, name, path, target=None):
        if name == "jaxenvs.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_during_the_start_ends_without_a_traceback(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "jaxenvs.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Interrupts(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(jaxenvs_command, command):
    result = jaxenvs_command(command, "--help")
    assert result.code == 0
    assert f"Example:  jaxenvs {command}" in result.out


def test_version_is_the_packages(jaxenvs_command):
    assert jaxenvs_command("--version").out == f"jaxenvs {jaxenvs.__version__}\n"


def test_unknown_command_is_wrong_usage(jaxenvs_command):
    assert jaxenvs_command("trian").code == 2


@pytest.mark.parametrize("package", ["typer", "rich", "tqdm", "matplotlib", "PIL"])
def test_missing_extra_is_said_plainly(package, tmp_path):
    program = f"import sys; sys.modules[{package!r}] = None; from jaxenvs.cli.main import main; main()"
    command = [sys.executable, "-c", program, "train", "CartPole-v1", "--output", str(tmp_path / "run")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert not (tmp_path / "run").exists()
    assert result.returncode == 1
    expected = (
        f'Error: The jaxenvs command needs `{package}`, which is not installed: run `pip install "jaxenvs[train]"`.'
    )
    assert " ".join(result.stderr.split()) == expected


def test_missing_learners_are_said_plainly():
    program = "import sys; sys.modules['optax'] = None; from jaxenvs.cli.main import main; main()"
    result = subprocess.run([sys.executable, "-c", program, "list"], capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (
        1,
        'Error: Training needs optax: run `pip install "jaxenvs[train]"`.\n',
    )


@pytest.fixture
def no_cache_yet(monkeypatch, tmp_path):
    before = (
        jax.config.values["jax_compilation_cache_dir"],
        jax.config.values["jax_persistent_cache_min_compile_time_secs"],
    )
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("JAXENVS_COMPILATION_CACHE", raising=False)
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


def test_compilation_cache_lies_in_the_users_cache_folder_and_is_private(no_cache_yet):
    folder = use_compilation_cache()
    assert folder is not None and folder.parent == no_cache_yet / "jaxenvs"
    assert jax.config.values["jax_compilation_cache_dir"] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_compilation_cache_can_be_switched_off_or_moved(no_cache_yet, monkeypatch):
    monkeypatch.setenv("JAXENVS_COMPILATION_CACHE", "0")
    assert use_compilation_cache() is None and not list(no_cache_yet.iterdir())
    monkeypatch.setenv("JAXENVS_COMPILATION_CACHE", str(no_cache_yet / "mine"))
    assert use_compilation_cache() == no_cache_yet / "mine"


def test_cache_configured_through_jax_is_left_alone(no_cache_yet):
    jax.config.update("jax_compilation_cache_dir", "elsewhere")
    assert use_compilation_cache() is None
    assert jax.config.values["jax_compilation_cache_dir"] == "elsewhere"


def test_unwritable_cache_folder_is_done_without(no_cache_yet, monkeypatch):
    file = no_cache_yet / "file"
    file.write_text("")
    monkeypatch.setenv("JAXENVS_COMPILATION_CACHE", os.fspath(file / "below"))
    assert use_compilation_cache() is None
    assert not jax.config.values["jax_compilation_cache_dir"]
