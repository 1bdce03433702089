"""The time that `import jaxenvs` takes, compared with its peers and with what any environment in JAX must import."""

import dataclasses
import importlib.util
import statistics
from collections.abc import Sequence

from jaxenvs.bench.comparison import OURS, Plan, Progress
from jaxenvs.bench.process import PeerFailed
from jaxenvs.bench.subject import AvailablePeer


def baseline() -> list[str]:
    """The modules that jaxenvs itself imports: Gymnasium only if it is installed."""
    return ["jax", "gymnasium"] if importlib.util.find_spec("gymnasium") else ["jax"]


@dataclasses.dataclass
class ImportTime:
    """The time of one import.

    Attributes:
        names: the modules, in words.
        seconds: time in each fresh process; the processes of all imports took turns.
        failure: why it was abandoned, in words; None if it was not.
    """

    names: str
    seconds: list[float] = dataclasses.field(default_factory=list)
    failure: str | None = None

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)


def time_imports(
    subjects: Sequence[AvailablePeer], plan: Plan, progress: Progress = lambda _: None
) -> list[ImportTime]:
    """Times the imports of jaxenvs, of its baseline and of every peer that has a package, each in its interpreter.

    Args:
        subjects: the other subjects to measure.
        plan: how often, and for how long at most.
        progress: called with a description of the current work.
    """
    todo: list[tuple[AvailablePeer, list[str] | None, ImportTime]] = [
        (OURS, baseline(), ImportTime(" + ".join(baseline()))),
        (OURS, None, ImportTime(OURS.peer.name)),
    ]
    for subject in _with_packages(subjects):
        todo.append((subject, None, ImportTime(subject.peer.distribution or subject.peer.name)))
    for _ in range(plan.imports):
        for subject, modules, result in todo:
            progress(f"import {result.names}")
            if result.failure is None:
                try:
                    with subject.start() as process:
                        answer = process.ask("import", modules=modules, limit=plan.preparation_limit)
                    result.seconds.append(answer["seconds"])
                except PeerFailed as failure:
                    result.failure = str(failure)
    return [result for _, _, result in todo]


def count_imports(subjects: Sequence[AvailablePeer], plan: Plan) -> int:
    """How often `time_imports` calls `progress`."""
    return plan.imports * (2 + len(_with_packages(subjects)))


def _with_packages(subjects: Sequence[AvailablePeer]) -> list[AvailablePeer]:
    """One subject for each package, since several peers can share one."""
    return list({s.peer.distribution: s for s in subjects if s.peer.distribution is not None}.values())
