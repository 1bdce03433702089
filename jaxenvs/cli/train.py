"""`jaxenvs train ID`: from an id to a trained agent, its evaluation, learning curve and animation."""

import contextlib
import dataclasses
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import jax
import typer
from jax.sharding import Mesh
from tqdm import tqdm

from jaxenvs.agents.loading import find_spec
from jaxenvs.cli.agents import (
    ANIMATION_KEY,
    TRAINING_KEY,
    build_learner,
    build_run_env,
    key_for,
    look_up,
    policies_of,
)
from jaxenvs.cli.config import read_config
from jaxenvs.cli.console import reports_errors, say
from jaxenvs.cli.evaluate import evaluation_of, print_evaluation
from jaxenvs.cli.interrupt import Interrupt, StoppedAtOnce, leave, run_interruptibly
from jaxenvs.cli.rollout import longest_episode, save_animation
from jaxenvs.cli.values import jsonable, read_assignments, read_count
from jaxenvs.core.env import Env
from jaxenvs.errors import Diverged, InvalidField, JaxenvsError, NotWritten
from jaxenvs.monitor import Report, Run, Settings, draw_learning_curve, record_episodes
from jaxenvs.monitor import train as train_run
from jaxenvs.monitor.atomic import write_json
from jaxenvs.random import key as make_key
from jaxenvs.registration.make import load
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training import PPO
from jaxenvs.training.presets import Algorithm, preset

_FIXED_BY_RUN = ("id", "algorithm", "config", "seed", "seeds", "output", "field", "set", "max_episode_steps", "raw")
_ANIMATION_STEPS = 150
"""The least number of steps in the animation. It shows one episode, and more of them if they are short."""
_SETTINGS = ", ".join(PPO.setting_names())
_BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}, {rate_fmt}, {remaining} left{postfix}"
"""A bar short enough to leave room for the mean return in 80 columns."""


@reports_errors
def train(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default="the run's own")] = "",
    algorithm: Annotated[Algorithm, typer.Option("--algorithm", "-a", help="The learner.")] = "ppo",
    config: Annotated[
        Path | None, typer.Option(help="A .toml or .json file of settings, such as the run.json of an earlier run.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            parser=read_count,
            metavar="INTEGER",
            help="Environment steps to train for, such as 1e6; with --resume, those of the whole run.",
            show_default="the preset's",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of all random numbers.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Train this many agents at once, in one program.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run folder to make.", show_default="runs/ID-ALGORITHM-TIME"),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", "-F", help="Set an environment's field: name=value.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            help=f"Set a hyper-parameter: name=value. PPO's are {_SETTINGS}; `jaxenvs info ID` shows their values.",
        ),
    ] = None,
    max_episode_steps: Annotated[int | None, typer.Option(help="Replace the time limit; -1 for none.")] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave out the preprocessing that an id names for training (Atari).")
    ] = False,
    devices: Annotated[
        int | None,
        typer.Option(
            min=1, help="Spread the environments over this many devices (PPO).", show_default="the default one"
        ),
    ] = None,
    eval_episodes: Annotated[
        int, typer.Option(parser=read_count, metavar="INTEGER", help="Fresh episodes to evaluate over at the end.")
    ] = 128,
    animation: Annotated[bool, typer.Option(help="Write an animation of the trained agent.")] = True,
    resume: Annotated[
        Path | None, typer.Option(help="Continue the run in this folder; with --steps, beyond its end.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train an agent in one compiled program, evaluate it, and write a run folder.

    The folder contains the checkpoint, the figures of training, the learning curve, the evaluation and an animation.
    Ctrl-C keeps the last checkpoint; --resume continues from it.
    """
    given = _given(context)
    if resume is None:
        typed = _Typed(id, algorithm, steps, seed, seeds, field or [], set or [], max_episode_steps, raw, devices)
        settings = _settings(typed, given, {} if config is None else read_config(config))
    else:
        _refuse_settings(given)
        settings = Run.open(resume).settings
    make_key(settings.seed)  # refuses a seed of more than 64 bits before anything is written
    env = build_run_env(settings)
    learner = build_learner(settings)
    learner.check_env(env)
    mesh = learner.check_mesh(devices)
    run = (
        Run.open(resume) if resume else Run.create(settings, output, env=env, key=key_for(settings.seed, TRAINING_KEY))
    )
    with run.exclusively():
        if resume is not None and steps is not None:
            run, learner = _extended(run, learner, steps)
        run.mark("running")
        say(_headline(run, devices))
        try:
            run_interruptibly(
                lambda interrupt: _train_and_finish(
                    run,
                    env,
                    learner,
                    eval_episodes,
                    interrupt,
                    mesh=mesh,
                    resume=resume is not None,
                    animation=animation,
                    quiet=quiet,
                )
            )
        except typer.Exit:
            raise
        except KeyboardInterrupt as error:
            run.mark("interrupted")
            where = (
                f"The last checkpoint is {run.checkpoint_path}" if run.checkpoint_path.exists() else "Nothing is saved"
            )
            say(f"\nInterrupted. {where}")
            if isinstance(error, StoppedAtOnce):
                leave(error)
            raise
        except BaseException as error:
            with contextlib.suppress(OSError):
                run.mark("failed")
            if isinstance(error, OSError) and not isinstance(error, JaxenvsError):
                what = error.filename or run.path
                raise NotWritten(f"{what} cannot be written: {error.strerror or error}. {_kept(run)}") from error
            raise
        run.mark("finished")


def _headline(run: Run, devices: int | None) -> str:
    settings = run.settings
    where = jax.default_backend() if devices is None else f"{devices} x {jax.default_backend()}"
    what = f"{settings.env_id}, preprocessed," if settings.preprocessed else settings.env_id
    return f"Training {settings.algorithm.upper()} on {what} ({where}); the run folder is {run.path}"


def _kept(run: Run) -> str:
    """Describes what was saved of training that ended early."""
    is_saved = run.checkpoint_path.exists()
    return f"The last checkpoint is {run.checkpoint_path}" if is_saved else "There is no checkpoint yet."


def _given(context: typer.Context) -> dict[str, bool]:
    """Whether each parameter was typed."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: source is not None and source.name != "DEFAULT" for name, source in sources.items()}


def _refuse_settings(given: dict[str, bool]) -> None:
    """Refuses options next to --resume that the run has already determined."""
    wrong = [name for name in _FIXED_BY_RUN if given.get(name)]
    options = ["ID" if name == "id" else f"--{name.replace('_', '-')}" for name in wrong]
    if options:
        raise InvalidField(f"--resume continues a run as it is; leave out {', '.join(options)}.")


def _extended(run: Run, learner: Any, steps: int) -> tuple[Run, Any]:
    """The run and its learner, extended to `steps` steps in total."""
    rows = run.read_progress()
    done = int(rows[-1]["env_steps"]) if rows else 0
    if steps <= done:
        raise InvalidField(
            f"{run.path} has done {done:,} steps already, and --steps counts all of them: give more than that, such"
            f" as --steps {2 * done}."
        )
    learner = learner.extended(steps)
    values = {**run.settings.hyper_parameters, **_jsonable_settings(learner)}
    run.note(hyper_parameters=values)
    return Run.open(run.path), learner


def _jsonable_settings(learner: Any) -> dict[str, Any]:
    return {name: jsonable(getattr(learner, name)) for name in learner.setting_names()}


def _train_and_finish(
    run: Run,
    env: Env[Any, Any],
    learner: Any,
    eval_episodes: int,
    interrupt: Interrupt,
    *,
    mesh: Mesh | None,
    resume: bool,
    animation: bool,
    quiet: bool,
) -> None:
    """Everything that happens once the run folder exists."""
    with run.exclusively(), interrupt.awaited():
        try:
            state, report = _train(run, env, learner, interrupt, mesh=mesh, resume=resume, quiet=quiet)
        except Diverged:
            _draw(run)
            raise
    _draw(run)
    if report.updates < learner.num_updates:
        run.mark("interrupted")
        say(
            f"Interrupted after {report.env_steps:,} steps. The last checkpoint is {run.checkpoint_path}\n"
            f"Continue with: jaxenvs train --resume {run.path}"
        )
        raise typer.Exit(interrupt.exit_code)
    if mesh is not None:  # there is little left to do
        state = state.replace(agent=jax.device_put(state.agent, jax.devices()[0]))
    _finish(run, env, policies_of(env, learner, state, run.settings.num_seeds), eval_episodes, animation=animation)


@dataclasses.dataclass(frozen=True)
class _Typed:
    """The settings of a run as typed, including defaults."""

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


def _settings(typed: _Typed, given: dict[str, bool], config: dict[str, Any]) -> Settings:
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
        hyper_parameters={**_jsonable_settings(learner), **chosen},
        seed=typed.seed if given["seed"] else config.get("seed", typed.seed),
        num_seeds=typed.seeds if given["seeds"] else config.get("num_seeds", typed.seeds),
        module=module if colon else None,
        preprocessed=entry.training_entry_point is not None and not typed.raw and config.get("preprocessed", True),
    )


def _train(
    run: Run,
    env: Env[Any, Any],
    learner: Any,
    interrupt: Interrupt,
    *,
    mesh: Mesh | None,
    resume: bool,
    quiet: bool,
) -> tuple[Any, Report]:
    """Trains with a progress bar."""
    total = learner.num_updates * learner.steps_per_update
    with tqdm(
        total=total,
        unit=" steps",
        unit_scale=True,
        desc="compiling",
        disable=quiet,
        dynamic_ncols=True,
        bar_format=_BAR,
    ) as bar:

        def on_compiled(report: Report, seconds: float) -> None:
            run.note(compile_seconds=round(seconds, 3))
            bar.initial = bar.n = report.env_steps
            bar.unpause()  # the rate counts from here
            bar.set_description_str("")
            if not quiet:
                bar.write(f"Compiled in {seconds:.1f} s.", file=sys.stderr)

        def on_report(report: Report) -> None:
            mean_return = report.metrics.get("mean_return", float("nan"))
            if mean_return == mean_return:
                bar.set_postfix_str(f"return {mean_return:.4g}", refresh=False)
            bar.update(report.env_steps - bar.n)

        return train_run(
            run,
            env,
            learner,
            key_for(run.settings.seed, TRAINING_KEY),
            mesh=mesh,
            resume=resume,
            on_compiled=on_compiled,
            on_report=on_report,
            should_stop=interrupt.requested,
        )


def _draw(run: Run) -> None:
    settings, rows = run.settings, run.read_progress()
    steps, seconds = (rows[-1][name] if rows else 0 for name in ("env_steps", "seconds"))
    who = f"seed {settings.seed}" if settings.num_seeds == 1 else f"{settings.num_seeds} agents"
    draw_learning_curve(
        run.curve_path,
        rows,
        title=settings.env_id,
        subtitle=f"{settings.algorithm.upper()} · {who} · {int(steps):,} steps in {seconds:.1f} s",
        threshold=find_spec(settings).reward_threshold,
    )


def _finish(run: Run, env: Env[Any, Any], policies: list[Policy], eval_episodes: int, *, animation: bool) -> None:
    """Evaluates, shows the result, and writes the remaining files of the run folder."""
    started = time.perf_counter()
    settings = run.settings
    result = evaluation_of(env, policies, find_spec(settings), settings.seed, eval_episodes)
    write_json(run.evaluation_path, result)
    print_evaluation(f"{settings.env_id} · {settings.algorithm.upper()}", result)
    if animation and env.can_render:
        episodes = record_episodes(
            env,
            policies[0],
            key_for(settings.seed, ANIMATION_KEY),
            max_steps=longest_episode(env),
            min_steps=min(_ANIMATION_STEPS, longest_episode(env)),
        )
        save_animation(run.animation_path, env, episodes)
    run.note(finish_seconds=round(time.perf_counter() - started, 3))
    say("")
    for what, path in (
        ("checkpoint", run.checkpoint_path),
        ("learning curve", run.curve_path),
        ("evaluation", run.evaluation_path),
        ("animation", run.animation_path),
    ):
        if path.exists():
            say(f"{what:<15} {path}")
