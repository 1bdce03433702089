"""The settings of `jaxenvs train`: those typed, those of a config file, the preset's, and those of a resumed run."""

import dataclasses
from typing import Any

import typer

from jaxenvs.cli.agents import look_up
from jaxenvs.cli.values import read_assignments
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, Settings
from jaxenvs.monitor.run_folder.settings import hyper_parameters_of
from jaxenvs.registration.make import load
from jaxenvs.training.presets import Algorithm, preset

_FIXED_BY_RUN = ("id", "algorithm", "config", "seed", "seeds", "output", "field", "set", "max_episode_steps", "raw")


@dataclasses.dataclass(frozen=True)
class TypedSettings:
    """The settings of a run as typed, including defaults; the options of `jaxenvs train` say what each means."""

    id: str
    algorithm: Algorithm
    steps: int | None
    seed: int
    seeds: int
    fields: list[str]
    hyper_parameters: list[str]
    max_episode_steps: int | None
    raw: bool
    devices: int | None


def complete_settings(typed: TypedSettings, given: dict[str, bool], config: dict[str, Any]) -> Settings:
    """Checked and complete settings: those typed, then those of the config file, then the preset."""
    env_id = typed.id or config.get("env_id", "")
    if not env_id:
        raise InvalidField("Name the environment to train on, such as `jaxenvs train CartPole-v1`, or --resume a run.")
    module, colon, _ = env_id.partition(":")
    if not colon and not typed.id and config.get("module"):
        module, colon, env_id = config["module"], ":", f"{config['module']}:{env_id}"
    entry = look_up(env_id)
    algorithm = typed.algorithm if given["algorithm"] else config.get("algorithm", typed.algorithm)
    learner = preset(entry.id, algorithm)
    chosen = {
        **config.get("hyper_parameters", {}),
        **read_assignments(algorithm.upper(), type(learner), typed.hyper_parameters),
    }
    if typed.steps is not None:
        chosen["total_steps"] = typed.steps
    if typed.devices is not None and "num_blocks" in learner.setting_names():
        chosen.setdefault("num_blocks", typed.devices)
    preset(entry.id, algorithm, **{name: getattr(learner, name, None) for name in chosen})  # refuses unknown names
    return Settings(
        env_id=entry.id,
        fields={**config.get("fields", {}), **read_assignments(entry.id, load(entry), typed.fields)},
        max_episode_steps=config.get("max_episode_steps")
        if typed.max_episode_steps is None
        else typed.max_episode_steps,
        algorithm=algorithm,
        hyper_parameters={**hyper_parameters_of(learner), **chosen},
        seed=typed.seed if given["seed"] else config.get("seed", typed.seed),
        num_seeds=typed.seeds if given["seeds"] else config.get("num_seeds", typed.seeds),
        module=module if colon else None,
        preprocessed=entry.training_entry_point is not None and not typed.raw and config.get("preprocessed", True),
    )


def given_parameters(context: typer.Context) -> dict[str, bool]:
    """Whether each parameter was typed."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: source is not None and source.name != "DEFAULT" for name, source in sources.items()}


def refuse_settings(given: dict[str, bool]) -> None:
    """Refuses options next to --resume that the run has already determined."""
    wrong = [name for name in _FIXED_BY_RUN if given.get(name)]
    options = ["ID" if name == "id" else f"--{name.replace('_', '-')}" for name in wrong]
    if options:
        raise InvalidField(f"--resume continues a run as it is; leave out {', '.join(options)}.")


def extended(run: Run, learner: Any, steps: int) -> tuple[Run, Any]:
    """The run and its learner, extended to `steps` steps in total."""
    rows = run.read_progress()
    done = int(rows[-1]["env_steps"]) if rows else 0
    if steps <= done:
        raise InvalidField(
            f"{run.path} has done {done:,} steps already, and --steps counts all of them: give more than that, such"
            f" as --steps {2 * done}."
        )
    learner = learner.extended(steps)
    values = {**run.settings.hyper_parameters, **hyper_parameters_of(learner)}
    run.note(hyper_parameters=values)
    return Run.open(run.path), learner
