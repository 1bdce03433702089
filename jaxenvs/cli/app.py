"""The complete command line: every subcommand, and the common options."""

from typing import Annotated

import typer

from jaxenvs import __version__
from jaxenvs.cli.bench import bench
from jaxenvs.cli.bench_learning import bench_learning
from jaxenvs.cli.compilation_cache import ENVIRONMENT_VARIABLE, use_compilation_cache
from jaxenvs.cli.curve import curve
from jaxenvs.cli.evaluate import evaluate
from jaxenvs.cli.export import export
from jaxenvs.cli.info import info
from jaxenvs.cli.list_envs import list_envs
from jaxenvs.cli.play import play
from jaxenvs.cli.replay import replay
from jaxenvs.cli.rollout import rollout
from jaxenvs.cli.scoreboard import app as scoreboard
from jaxenvs.cli.submit import submit, verify
from jaxenvs.cli.train import train
from jaxenvs.cli.watch import watch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: `jaxenvs list`, `jaxenvs train CartPole-v1`, `jaxenvs COMMAND --help`",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jaxenvs {__version__}")
        raise typer.Exit


@app.callback(
    help="Reinforcement-learning environments as pure JAX functions.\n\n"
    f"Compiled programs are kept in your cache folder, so that a second start is faster;"
    f" {ENVIRONMENT_VARIABLE}=0 turns that off, {ENVIRONMENT_VARIABLE}=DIR keeps them elsewhere."
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    use_compilation_cache()


app.command("list", epilog="Example:  `jaxenvs list frozen --json`")(list_envs)
app.command("info", epilog="Example:  `jaxenvs info CartPole-v1`")(info)
app.command("rollout", epilog="Example:  `jaxenvs rollout CartPole-v1 --steps 200 --output pole.gif`")(rollout)
app.command("play", epilog="Example:  `jaxenvs play MinAtar/Breakout-v1 --fps 10`")(play)
app.command("watch", epilog="Example:  `jaxenvs watch runs`")(watch)
app.command("train", epilog="Example:  `jaxenvs train CartPole-v1 --field gravity=1.6 --set learning_rate=1e-3`")(train)
app.command("evaluate", epilog="Example:  `jaxenvs evaluate runs/CartPole-v1-ppo-20250101-120000 --episodes 1000`")(
    evaluate
)
app.command("export", epilog="Example:  `jaxenvs export runs/CartPole-v1-20250101-120000 --gym cartpole`")(export)
app.command("replay", epilog="Example:  `jaxenvs replay runs/mine --episode 17 --output 17.gif`")(replay)
app.command("curve", epilog="Example:  `jaxenvs curve runs/* --statistic iqm --output curves.svg`")(curve)
# These two answer further arguments themselves.
_MORE = {"allow_extra_args": True}
app.command("submit", epilog="Example:  `jaxenvs submit runs/mine --dry-run`", context_settings=_MORE)(submit)
app.command(
    "verify", epilog="Example:  `jaxenvs verify https://example.org/archives/1a2b3c.zip`", context_settings=_MORE
)(verify)
app.add_typer(scoreboard, name="scoreboard")
app.command("bench", epilog="Example:  `jaxenvs bench CartPole-v1 Taxi-v4 --num-envs 64,4096`")(bench)
app.command("bench-learning", epilog="Example:  `jaxenvs bench-learning --json learning.json`")(bench_learning)
