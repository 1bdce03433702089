"""The hyper-parameters of `jaxenvs train`, with their values in an environment's presets."""

from rich.console import Console
from rich.table import Table

from jaxenvs.core.env import Env
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.training import LEARNERS, preset


def print_settings(out: Console, env_id: str, env: Env) -> None:
    """Prints a table of settings by learner, for the learners that support the environment."""
    learners = {}
    for name in LEARNERS:
        learner = preset(env_id, name)
        try:
            learner.check_env(env)
        except (InvalidField, DependencyNotInstalled):
            continue
        learners[name] = learner
    if not learners:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("setting")
    for name in learners:
        table.add_column(name, overflow="fold")
    for setting in dict.fromkeys(name for learner in learners.values() for name in learner.setting_names()):
        table.add_row(setting, *(_text(getattr(learner, setting, "")) for learner in learners.values()))
    out.print("\n[bold]Hyper-parameters of `jaxenvs train`[/]")
    out.print(table)
    out.print(f"\nSet one with `jaxenvs train {env_id} --set name=value`.", markup=False)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
