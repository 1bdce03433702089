"""What the tests of trainings share: settings that take a moment, and copies of a run."""

import shutil

TINY = ("--set", "num_envs=4", "--set", "num_steps=32", "--set", "hidden_sizes=8", "--eval-episodes", "20")


def copy_of(path, tmp_path):
    shutil.copytree(path, tmp_path, dirs_exist_ok=True)
    return tmp_path
