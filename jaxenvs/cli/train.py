"""`jaxenvs train ID`: from an id to a trained agent, its evaluation, learning curve and animation."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any

import jax
import typer
from jax.sharding import Mesh
from tqdm import tqdm

from jaxenvs.cli.agents import ANIMATION_KEY, TRAINING_KEY, build_env, build_learner, key_for, look_up, policies_of
from jaxenvs.cli.console import reports_errors, say
from jaxenvs.cli.evaluate import evaluation_of, print_evaluation
from jaxenvs.cli.interrupt import Interrupt, interruptible
from jaxenvs.cli.rollout import longest_episode, save_animation
from jaxenvs.cli.values import jsonable, read_assignments
from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.random import key as make_key
from jaxenvs.monitor import Report, Run, Settings, draw_learning_curve, record_episodes
from jaxenvs.monitor import train as train_run
from jaxenvs.monitor.atomic import write_json
from jaxenvs.registry import spec
from jaxenvs.registry.make import load
from jaxenvs.rollout.policy import Policy
from jaxenvs.training.presets import Algorithm, preset

_FIXED_BY_RUN = ("id", "algorithm", "steps", "seed", "seeds", "output", "field", "set", "max_episode_steps")
_ANIMATION_STEPS = 150
"""The animation shows one episode; short ones are followed by more until there are so many steps."""


@reports_errors
def train(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default="the run's own")] = "",
    algorithm: Annotated[Algorithm, typer.Option("--algorithm", "-a", help="The learner.")] = "ppo",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Environment steps to train for.", show_default="the preset's")
    ] = None,
    seed: Annotated[int, typer.Option(help="What all random numbers come from.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Train so many agents at once, in one program.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run folder to make.", show_default="runs/ID-ALGORITHM-TIME"),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", "-F", help="Set an environment's field: name=value.")
    ] = None,
    set: Annotated[list[str] | None, typer.Option("--set", "-s", help="Set a hyper-parameter: name=value.")] = None,
    max_episode_steps: Annotated[int | None, typer.Option(help="Replace the time limit; -1 for none.")] = None,
    devices: Annotated[
        int | None,
        typer.Option(min=1, help="Spread the environments over so many devices (PPO).", show_default="the default one"),
    ] = None,
    eval_episodes: Annotated[int, typer.Option(min=1, help="Fresh episodes to evaluate over at the end.")] = 128,
    animation: Annotated[bool, typer.Option(help="Write an animation of the trained agent.")] = True,
    resume: Annotated[Path | None, typer.Option(help="Go on with the interrupted run in this folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train an agent in one compiled program, evaluate it, and leave a run folder.

    The folder holds the checkpoint, the figures of training, the learning curve, the evaluation and an
    animation. Ctrl-C keeps the last checkpoint; --resume goes on from it.
    """
    if resume is None:
        settings = _settings(id, algorithm, steps, seed, seeds, field or [], set or [], max_episode_steps, devices)
    else:
        _refuse_settings(context)
        settings = Run.open(resume).settings
    make_key(settings.seed)  # refuses a seed of more than 64 bits before anything is written
    env = build_env(settings.env_id, settings.fields, settings.max_episode_steps)
    learner = build_learner(settings)
    learner.check_env(env)
    mesh = learner.check_mesh(devices)
    run = Run.create(settings, output) if resume is None else Run.open(resume)
    run.mark("running")
    name = settings.algorithm.upper()
    where = jax.default_backend() if devices is None else f"{devices} x {jax.default_backend()}"
    say(f"Training {name} on {settings.env_id} ({where}); the run folder is {run.path}")
    try:
        _train_and_finish(
            run, env, learner, eval_episodes, mesh=mesh, resume=resume is not None, animation=animation, quiet=quiet
        )
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        run.mark("interrupted")
        say(f"\nInterrupted. The last checkpoint is {run.checkpoint_path}")
        raise
    except BaseException:
        run.mark("failed")
        raise
    run.mark("finished")


def _refuse_settings(context: typer.Context) -> None:
    """Refuses options beside --resume that the run has decided already."""
    given = []
    for name in _FIXED_BY_RUN:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            given.append("ID" if name == "id" else f"--{name.replace('_', '-')}")
    if given:
        raise InvalidField(f"--resume goes on with a run as it is; leave out {', '.join(given)}.")


def _train_and_finish(
    run: Run,
    env: Env[Any, Any],
    learner: Any,
    eval_episodes: int,
    *,
    mesh: Mesh | None,
    resume: bool,
    animation: bool,
    quiet: bool,
) -> None:
    """All that happens once the run folder is there."""
    with interruptible() as interrupt:
        state, report = _train(run, env, learner, interrupt, mesh=mesh, resume=resume, quiet=quiet)
    _draw(run, report)
    if report.updates < learner.num_updates:
        run.mark("interrupted")
        say(
            f"Interrupted after {report.env_steps:,} steps. The last checkpoint is {run.checkpoint_path}\n"
            f"Go on with: jaxenvs train --resume {run.path}"
        )
        raise typer.Exit(interrupt.exit_code)
    if mesh is not None:  # what is left to do is little
        state = state.replace(agent=jax.device_put(state.agent, jax.devices()[0]))
    _finish(run, env, policies_of(env, learner, state, run.settings.num_seeds), eval_episodes, animation=animation)


def _settings(
    env_id: str,
    algorithm: Algorithm,
    steps: int | None,
    seed: int,
    seeds: int,
    fields: list[str],
    hyper_parameters: list[str],
    max_episode_steps: int | None,
    devices: int | None,
) -> Settings:
    """What was typed, checked and complete."""
    if not env_id:
        raise InvalidField("Name the environment to train on, such as `jaxenvs train CartPole-v1`, or --resume a run.")
    entry = look_up(env_id)
    learner = preset(entry.id, algorithm)
    chosen = read_assignments(algorithm.upper(), type(learner), hyper_parameters)
    if steps is not None:
        chosen["total_steps"] = steps
    if devices is not None and "num_blocks" in learner.setting_names():
        chosen.setdefault("num_blocks", devices)
    values = {field.name: jsonable(getattr(learner, field.name)) for field in dataclasses.fields(learner)}
    return Settings(
        env_id=entry.id,
        fields=read_assignments(entry.id, load(entry), fields),
        max_episode_steps=max_episode_steps,
        algorithm=algorithm,
        hyper_parameters={**values, **chosen},
        seed=seed,
        num_seeds=seeds,
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
    """Trains behind a progress bar."""
    total = learner.num_updates * learner.steps_per_update
    with tqdm(total=total, unit="step", unit_scale=True, desc="compiling", disable=quiet, dynamic_ncols=True) as bar:

        def on_compiled(report: Report, seconds: float) -> None:
            run.note(compile_seconds=round(seconds, 3))
            bar.initial = bar.n = report.env_steps
            bar.unpause()  # the rate counts from here
            bar.set_description(f"compiled in {seconds:.1f} s, training")

        def on_report(report: Report) -> None:
            mean_return = report.metrics.get("mean_return", float("nan"))
            if mean_return == mean_return:
                bar.set_postfix_str(f"mean return {mean_return:.4g}", refresh=False)
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


def _draw(run: Run, report: Report) -> None:
    settings = run.settings
    who = f"seed {settings.seed}" if settings.num_seeds == 1 else f"{settings.num_seeds} agents"
    draw_learning_curve(
        run.curve_path,
        run.read_progress(),
        title=settings.env_id,
        subtitle=f"{settings.algorithm.upper()} · {who} · {report.env_steps:,} steps in {report.seconds:.1f} s",
        threshold=spec(settings.env_id).reward_threshold,
    )


def _finish(run: Run, env: Env[Any, Any], policies: list[Policy], eval_episodes: int, *, animation: bool) -> None:
    """Evaluates, shows the result, and writes what the run folder still lacks."""
    started = time.perf_counter()
    settings = run.settings
    result = evaluation_of(env, policies, settings.env_id, settings.seed, eval_episodes)
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
