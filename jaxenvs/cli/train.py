"""`jaxenvs train ID`: from an id to a trained agent, its evaluation, learning curve and animation."""

import sys
import time
from importlib.util import find_spec as find_module
from pathlib import Path
from typing import Annotated, Any, get_args

import jax
import typer
from jax.sharding import Mesh

from jaxenvs.agents.loading import TRAINING_KEY, build_learner, find_spec, policies_of
from jaxenvs.cli.agents import ANIMATION_KEY, build_run_env, key_for
from jaxenvs.cli.config import read_config
from jaxenvs.cli.console import Bar, reports_errors, say
from jaxenvs.cli.evaluate import evaluation_of, figures_of_evaluation, print_evaluation
from jaxenvs.cli.extra import require
from jaxenvs.cli.interrupt import Interrupt, run_interruptibly
from jaxenvs.cli.loggers import LOGGER_HELP, check_loggers, opened_loggers, recorded_loggers
from jaxenvs.cli.rollout import longest_episode, save_animation
from jaxenvs.cli.train_settings import TypedSettings, complete_settings, extended, given_parameters, refuse_settings
from jaxenvs.cli.train_status import status_of
from jaxenvs.cli.values import read_count
from jaxenvs.core.env import Env
from jaxenvs.core.modes import evaluation
from jaxenvs.errors import Diverged
from jaxenvs.fusion import FEWEST_LANES, Fused, fuse
from jaxenvs.monitor import Frames, Logger, Report, Run, draw_learning_curve, record_episodes
from jaxenvs.monitor import train as train_run
from jaxenvs.monitor.atomic import write_json
from jaxenvs.monitor.loggers.figures import LoggersOfARun
from jaxenvs.monitor.pictures.animation import frame_sheet
from jaxenvs.monitor.recording.episode_writer import OnError
from jaxenvs.monitor.recording.parts import pyarrow
from jaxenvs.monitor.training.training_episodes import evaluation_episodes
from jaxenvs.random import key as make_key
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training import PPO
from jaxenvs.training.presets import Algorithm

_ANIMATION_STEPS = 150
"""The least number of steps in the animation. It shows one episode, and more of them if they are short."""
_MANY_SMALL_OPERATIONS = "LunarLander", "BipedalWalker"
"""Environments that XLA's CPU compiler is slow for, and a kernel is not."""
_SETTINGS = ", ".join(PPO.setting_names())
# Panels of the help: each is a table of its own, so that its columns are no wider than its options need.
_ENVIRONMENT, _RESULTS = "The environment", "Results"
_BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}, {rate_fmt}, {remaining} left{postfix}"
"""A bar short enough to leave room for the mean return in 80 columns."""


@reports_errors
def train(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default="the run's own")] = "",
    algorithm: Annotated[
        Algorithm,
        typer.Option("--algorithm", "-a", help=f"The learner: {', '.join(get_args(Algorithm))}.", metavar="NAME"),
    ] = "ppo",
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
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Train this many agents at once, in one program.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run folder to make.", show_default="runs/ID-ALGORITHM-TIME"),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", "-F", help="Set an environment's field: name=value.", rich_help_panel=_ENVIRONMENT),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            help=f"Set a hyper-parameter: name=value. PPO's are {_SETTINGS}; `jaxenvs info ID` shows their values.",
        ),
    ] = None,
    max_episode_steps: Annotated[
        int | None, typer.Option(help="Replace the time limit; -1 for none.", rich_help_panel=_ENVIRONMENT)
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Leave out the preprocessing that an id names for training (Atari, CarRacing).",
            rich_help_panel=_ENVIRONMENT,
        ),
    ] = False,
    devices: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Spread the environments over this many devices (PPO).",
            show_default="the default one",
        ),
    ] = None,
    eval_episodes: Annotated[
        int,
        typer.Option(
            parser=read_count,
            metavar="INTEGER",
            help="Fresh episodes to evaluate over at the end.",
            rich_help_panel=_RESULTS,
        ),
    ] = 128,
    fused: Annotated[
        bool, typer.Option("--fuse", help="Step the environment in one kernel: faster. Needs the extra `fuse`.")
    ] = False,
    animation: Annotated[
        bool, typer.Option(help="Write an animation of the trained agent.", rich_help_panel=_RESULTS)
    ] = True,
    record: Annotated[
        bool | None,
        typer.Option(
            "--record/--no-record",
            help="Write every episode to the folder, as Parquet files.",
            show_default="if pyarrow is installed",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(
            help="What a full disk means: `raise` stops training, `warn` goes on and tries again later.",
            rich_help_panel=_RESULTS,
        ),
    ] = "raise",
    resume: Annotated[
        Path | None, typer.Option(help="Continue the run in this folder; with --steps, beyond its end.")
    ] = None,
    logger: Annotated[
        list[str] | None,
        typer.Option(
            "--logger", "-l", help=LOGGER_HELP, show_default="with --resume, the run's own", rich_help_panel=_RESULTS
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=_RESULTS)] = False,
) -> None:
    """Train an agent in one compiled program, evaluate it, and write a run folder.

    The folder contains the checkpoint, the figures of training, the learning curve, the evaluation and an animation.
    Ctrl-C keeps the last checkpoint; --resume continues from it.
    """
    given = given_parameters(context)
    if resume is None:
        typed = TypedSettings(
            id, algorithm, steps, seed, seeds, field or [], set or [], max_episode_steps, raw, devices
        )
        settings = complete_settings(typed, given, {} if config is None else read_config(config))
    else:
        refuse_settings(given)
        settings = Run.open(resume).settings
    choices = check_loggers(recorded_loggers(Run.open(resume)) if resume and not logger else logger or [])
    make_key(settings.seed)  # refuses a seed of more than 64 bits before anything is written
    env = build_run_env(settings)
    learner = build_learner(settings)
    learner.check_env(env)
    mesh = learner.check_mesh(devices)
    played = fuse(env) if fused else env
    if record:
        pyarrow()  # raises if it is missing
    require("matplotlib", *["PIL"] * (animation and env.can_render))
    run = (
        Run.open(resume) if resume else Run.create(settings, output, env=env, key=key_for(settings.seed, TRAINING_KEY))
    )
    with run.exclusively():
        if resume is not None and steps is not None:
            run, learner = extended(run, learner, steps)
        with status_of(run):
            if choices:
                run.note(loggers=choices)
            if fused:
                run.note(fused=True)
            say(_headline(run, devices, played, getattr(learner, "num_envs", 1)))
            run_interruptibly(
                lambda interrupt: _train_and_finish(
                    run,
                    env,
                    played,
                    learner,
                    eval_episodes,
                    interrupt,
                    choices,
                    mesh=mesh,
                    resume=resume is not None,
                    animation=animation,
                    record=find_module("pyarrow") is not None if record is None else record,
                    on_error=on_error,
                    quiet=quiet,
                )
            )


def _headline(run: Run, devices: int | None, played: Env[Any, Any], num_envs: int) -> str:
    settings, fused = run.settings, isinstance(played, Fused)
    where = jax.default_backend() if devices is None else f"{devices} x {jax.default_backend()}"
    what = f"{settings.env_id}, preprocessed," if settings.preprocessed else settings.env_id
    line = f"Training {settings.algorithm.upper()} on {what} ({where}); the run folder is {run.path}"
    slow = not fused and where == "cpu" and settings.env_id.startswith(_MANY_SMALL_OPERATIONS)
    lanes = num_envs * settings.num_seeds // (devices or 1)
    if fused and where == "cpu" and lanes < FEWEST_LANES:
        enough = -(-FEWEST_LANES // settings.num_seeds)
        return (
            f"{line}\n--fuse changes nothing here: a kernel takes {FEWEST_LANES} environments or more, and {lanes} step"
            f" together. Add --set num_envs={enough}."
        )
    if isinstance(played, Fused) and where == "cpu" and not settings.env_id.startswith(_MANY_SMALL_OPERATIONS):
        explanation = played.explain()  # which takes a second or two where there are many operations
        if not explanation.fused:
            return f"{line}\n--fuse changes nothing here: {explanation.reason}."
        return f"{line}\n--fuse may gain little here: {explanation.doubt}." if explanation.doubt else line
    return f"{line}\n--fuse makes this several times as fast." if slow else line


def _train_and_finish(
    run: Run,
    env: Env[Any, Any],
    played: Env[Any, Any],
    learner: Any,
    eval_episodes: int,
    interrupt: Interrupt,
    loggers: list[str],
    *,
    mesh: Mesh | None,
    resume: bool,
    animation: bool,
    record: bool,
    on_error: OnError,
    quiet: bool,
) -> None:
    """Everything that happens once the run folder exists. `played` is `env` as training steps it."""
    with opened_loggers(run, loggers) as opened:
        with run.exclusively(), interrupt.awaited():
            try:
                state, report = _train(
                    run,
                    played,
                    learner,
                    interrupt,
                    opened,
                    mesh=mesh,
                    resume=resume,
                    record=record,
                    on_error=on_error,
                    quiet=quiet,
                )
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
        policies = policies_of(env, learner, state, run.settings.num_seeds)
        evaluated = evaluation(env) if played is env else fuse(evaluation(env))
        _finish(run, evaluated, policies, eval_episodes, report, opened, animation=animation, record=record)


def _train(
    run: Run,
    env: Env[Any, Any],
    learner: Any,
    interrupt: Interrupt,
    loggers: list[Logger],
    *,
    mesh: Mesh | None,
    resume: bool,
    record: bool,
    on_error: OnError,
    quiet: bool,
) -> tuple[Any, Report]:
    """Trains with a progress bar."""
    total = learner.num_updates * learner.steps_per_update
    with Bar(
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
            record=record,
            on_error=on_error,
            on_compiled=on_compiled,
            on_report=on_report,
            should_stop=interrupt.requested,
            loggers=loggers,
            on_failed_logger=lambda message: bar.write(f"Note: {message}", file=sys.stderr),
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


def _finish(
    run: Run,
    env: Env[Any, Any],
    policies: list[Policy],
    eval_episodes: int,
    report: Report,
    loggers: list[Logger],
    *,
    animation: bool,
    record: bool,
) -> None:
    """Evaluates, shows the result, and writes the remaining files of the run folder."""
    started = time.perf_counter()
    settings = run.settings
    with evaluation_episodes(run, report.env_steps, report.seconds, record=record) as keep:
        result = evaluation_of(env, policies, find_spec(settings), settings.seed, eval_episodes, keep)
    write_json(run.evaluation_path, result)
    print_evaluation(f"{settings.env_id} · {settings.algorithm.upper()}", result)
    safe = LoggersOfARun(loggers, lambda message: say(f"Note: {message}"))
    safe.log(report.env_steps, figures_of_evaluation(result))
    if animation and env.can_render:
        episodes = record_episodes(
            env,
            policies[0],
            key_for(settings.seed, ANIMATION_KEY),
            max_steps=longest_episode(env),
            min_steps=min(_ANIMATION_STEPS, longest_episode(env)),
        )
        save_animation(run.animation_path, env, episodes)
        if safe.keep_pictures:
            safe.picture(report.env_steps, "evaluation/episode", frame_sheet(Frames(env, episodes[:1])))
    run.note(finish_seconds=round(time.perf_counter() - started, 3))
    say("")
    for what, path in (
        ("checkpoint", run.checkpoint_path),
        ("learning curve", run.curve_path),
        ("evaluation", run.evaluation_path),
        ("episodes", run.episodes_path),
        ("animation", run.animation_path),
    ):
        if path.exists():
            say(f"{what:<15} {path}")
