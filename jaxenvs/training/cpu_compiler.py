"""Settings of XLA's CPU compiler that prevent training from hanging."""

import os

import jaxlib.version

_FLAGS = {
    "--xla_cpu_enable_concurrency_optimized_scheduler": "false",
    "--xla_cpu_experimental_ynn_fusion_type": "",
}
_AFFECTED = ("0.10.2", "0.11.0", "0.11.1", "0.11.2")


def avoid_stalling_programs() -> None:
    """Makes XLA run the parts of a CPU program one after the other, and compute small matrix products itself.

    With jaxlib 0.10.2 and 0.11.0 and their default settings, a program that trains several agents in parallel
    occasionally hangs with all threads idle: on two cores within a few runs, for two agents as well as for ten.
    The cause is the schedule that runs parts of a program at the same time, and it happens sooner if small
    products use YNNPACK (github.com/jax-ml/jax/issues/39257 is about another bug in that path). Neither setting
    costs speed here. They take effect if no JAX computation has run yet; settings already in `XLA_FLAGS` remain.

    jaxlib 0.12.0.1 keeps its defaults: there, 180 trainings of two agents completed without the settings, in three
    processes, whereas with 0.10.2 each of three processes hung within five trainings. 0.11.1 and 0.11.2, which gymnax
    brings along, get the settings although no hang was seen with them: forty trainings with 0.11.2 completed without,
    but on a busy machine, where twelve with 0.10.2 did so as well.
    """
    if jaxlib.version.__version__ not in _AFFECTED:
        return
    given = os.environ.get("XLA_FLAGS", "")
    added = [f"{flag}={value}" for flag, value in _FLAGS.items() if flag not in given]
    os.environ["XLA_FLAGS"] = " ".join([*given.split(), *added])
