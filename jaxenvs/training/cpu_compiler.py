"""Settings of XLA's CPU compiler that keep training from standing still."""

import os

import jaxlib.version

_FLAGS = {
    "--xla_cpu_enable_concurrency_optimized_scheduler": "false",
    "--xla_cpu_experimental_ynn_fusion_type": "",
}
_AFFECTED = ("0.10.2", "0.11.0")


def avoid_stalling_programs() -> None:
    """Has XLA order the parts of a CPU program one after the other, and keep small matrix products to itself.

    As jaxlib 0.10.2 and 0.11.0 come, a program that trains several agents side by side waits for ever now and
    then, with all threads idle: on two cores within a few runs, for two agents as for ten. It goes with the
    schedule that lets parts of a program run at the same time, and comes up sooner where small products go to
    YNNPACK (github.com/jax-ml/jax/issues/39257 has another fault of that path). Neither setting costs speed
    here. They take effect where no JAX computation has run yet; what `XLA_FLAGS` says of one already holds.

    jaxlib 0.12.0.1 is left alone: without the settings 180 trainings of two agents went through there, in three
    processes, where with 0.10.2 each of three processes stood still within five trainings.
    """
    if jaxlib.version.__version__ not in _AFFECTED:
        return
    given = os.environ.get("XLA_FLAGS", "")
    added = [f"{flag}={value}" for flag, value in _FLAGS.items() if flag not in given]
    os.environ["XLA_FLAGS"] = " ".join([*given.split(), *added])
