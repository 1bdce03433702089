"""What is imported when, and the errors if it is missing."""

import importlib
import subprocess
import sys

import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled


def test_importing_jaxenvs_imports_nothing_of_the_train_extra():
    code = "import sys, jaxenvs; print(sorted({'optax', 'tqdm', 'matplotlib'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_training_without_optax_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    monkeypatch.delitem(sys.modules, "jaxenvs.training", raising=False)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[train\]"'):
        importlib.import_module("jaxenvs.training")


def test_a_progress_bar_without_tqdm_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    env = jaxenvs.make("CartPole-v1")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[train\]"'):
        jaxenvs.rollout(env, jaxenvs.RandomPolicy(env.action_space), jaxenvs.random.key(0), 2, progress=True)
