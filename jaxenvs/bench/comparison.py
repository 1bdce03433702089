"""jaxenvs and its peers, measured in turn: one repeat of each, again and again."""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxenvs.bench.process import PeerFailed, PeerProcess
from jaxenvs.bench.subject import AvailablePeer
from jaxenvs.bench.tasks import JAXENVS, Task


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a comparison is made.

    Attributes:
        repeats: how often each subject is timed.
        seconds: shortest duration of a repeat; a subject runs its loop as often as it takes to fill it.
        steps: steps of each environment in a compiled loop, or None for as many as suit the task.
        starts: number of fresh processes of each subject that time compilation.
        imports: number of fresh processes of each subject that time the import.
        preparation_limit: seconds that importing, or compiling, may take.
        repeat_limit: seconds that a repeat may take.
        fused: whether jaxenvs steps in kernels (`jaxenvs.fuse`).
    """

    repeats: int = 10
    seconds: float = 0.2
    steps: int | None = None
    starts: int = 1
    imports: int = 3
    preparation_limit: float = 600.0
    repeat_limit: float = 60.0
    fused: bool = False


@dataclasses.dataclass
class Measurement:
    """One subject in one task at one batch size.

    Attributes:
        env_id: our id of the task.
        peer: the library that stepped it.
        num_envs: number of environments stepped at once.
        platform: the platform that JAX was told to use, or None for its own choice.
        device: the hardware, in words; empty if unknown.
        steps: steps of each environment in a call of the loop; 0 if unknown.
        rates: environment steps per second, of each repeat; the repeats of all subjects took turns.
        cpu_nanoseconds: processor time per step over all threads, of each repeat. If other programs use the machine
            as well, it is more informative than the rate.
        compile_seconds: time for tracing and compiling, of each fresh process; empty if nothing is compiled.
        versions: versions of the relevant packages.
        failure: why the measurement was abandoned, in words; None if it was not.
    """

    env_id: str
    peer: str
    num_envs: int
    platform: str | None = None
    device: str = ""
    steps: int = 0
    rates: list[float] = dataclasses.field(default_factory=list)
    cpu_nanoseconds: list[float] = dataclasses.field(default_factory=list)
    compile_seconds: list[float] = dataclasses.field(default_factory=list)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    failure: str | None = None

    @property
    def steps_per_second(self) -> float:
        """The median of the rates."""
        return statistics.median(self.rates)

    def ratios(self, ours: "Measurement") -> list[float]:
        """How many times faster jaxenvs was, in each round in which both took part."""
        return [our / its for our, its in zip(ours.rates, self.rates)]


OURS = AvailablePeer(JAXENVS)
"""jaxenvs, in this interpreter."""

Progress = Callable[[str], None]
"""Called with a description of the current work, once for each start and repeat."""


def compare(
    env_id: str,
    num_envs: int,
    subjects: Sequence[AvailablePeer],
    plan: Plan,
    *,
    platform: str | None = None,
    progress: Progress = lambda _: None,
    ours: AvailablePeer = OURS,
) -> list[Measurement]:
    """Measures jaxenvs and those subjects that have the task.

    A subject that fails is abandoned, and its measurement says why; the others continue.

    Args:
        env_id: our id of the task.
        num_envs: number of environments stepped at once.
        subjects: the other subjects to measure.
        plan: the plan of the comparison.
        platform: the platform that JAX should use ("cpu", "gpu", "tpu"), or None for its own choice.
        progress: called with a description of the current work.
        ours: the subject that the others are compared with.
    """
    task = ours.peer.tasks.get(env_id, Task(env_id))
    if plan.fused:
        task = Task(task.name, {**task.options, "fused": True})
    taking_part = [(ours, task)]
    taking_part += [(subject, subject.peer.tasks[env_id]) for subject in subjects_of(env_id, subjects)]
    rows = [
        (subject, task, Measurement(env_id, subject.peer.name, num_envs, platform)) for subject, task in taking_part
    ]
    steps = plan.steps
    with contextlib.ExitStack() as stack:
        running: list[tuple[PeerProcess, Measurement]] = []
        for start in range(plan.starts):
            for subject, task, measurement in rows:
                if measurement.failure is not None:
                    continue
                progress(f"{subject.peer.name}: start")
                try:
                    process = stack.enter_context(subject.start(platform))
                    _prepare(process, task, measurement, steps, plan)
                except PeerFailed as failure:
                    measurement.failure = str(failure)
                    continue
                if subject is ours:
                    steps = measurement.steps  # subjects that compile a loop compile one of the same length
                if start < plan.starts - 1:
                    process.close()
                else:
                    running.append((process, measurement))
        for _ in range(plan.repeats):
            for process, measurement in running:
                if measurement.failure is None:
                    progress(measurement.peer)
                    _repeat(process, measurement, plan)
    return [measurement for _, _, measurement in rows]


def subjects_of(env_id: str, subjects: Sequence[AvailablePeer]) -> list[AvailablePeer]:
    """The subjects that have the task."""
    return [subject for subject in subjects if env_id in subject.peer.tasks]


def count_calls(env_id: str, subjects: Sequence[AvailablePeer], plan: Plan) -> int:
    """How often `compare` calls `progress` if no subject fails."""
    return (1 + len(subjects_of(env_id, subjects))) * (plan.starts + plan.repeats)


def _prepare(process: PeerProcess, task: Task, measurement: Measurement, steps: int | None, plan: Plan) -> None:
    limit = plan.preparation_limit
    measurement.versions = process.ask("import", modules=None, limit=limit)["versions"]
    prepared: Mapping[str, Any] = process.ask(
        "prepare", task=task.name, options=dict(task.options), num_envs=measurement.num_envs, steps=steps, limit=limit
    )
    measurement.steps, measurement.device = prepared["steps"], prepared["device"]
    if prepared["compile_seconds"] is not None:
        measurement.compile_seconds.append(prepared["compile_seconds"])


def _repeat(process: PeerProcess, measurement: Measurement, plan: Plan) -> None:
    try:
        answer = process.ask("run", seconds=plan.seconds, limit=plan.seconds + plan.repeat_limit)
        measurement.rates.append(answer["env_steps"] / answer["seconds"])
        measurement.cpu_nanoseconds.append(1e9 * answer["cpu_seconds"] / answer["env_steps"])
    except PeerFailed as failure:
        measurement.failure = str(failure)
