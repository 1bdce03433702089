"""PPO, environment and learning together, compared with other libraries: steps per second, and time to a threshold."""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from jaxenvs.bench.comparison import Measurement, Plan, Progress, compare
from jaxenvs.bench.figures import Spread, as_json
from jaxenvs.bench.process import PeerFailed, PeerProcess
from jaxenvs.bench.subject import AvailablePeer
from jaxenvs.bench.tasks import Peer, Task

JAXENVS_PPO = Peer("jaxenvs", "jaxenvs_ppo_peer.py", "jaxenvs", "pip install jaxenvs[train]", {})
"""Our own PPO; every id is one of its tasks."""

REJAX_PPO = Peer(
    "rejax",
    "rejax_peer.py",
    "rejax",
    "pip install rejax==0.1.3 gymnax==1.0.1 six",
    {"CartPole-v1": Task("CartPole-v1")},
    "takes part with its evaluations switched off",
)
STABLE_BASELINES3_PPO = Peer(
    "stable-baselines3",
    "stable_baselines3_peer.py",
    "stable_baselines3",
    'pip install "jaxenvs[sb3]"',
    {"CartPole-v1": Task("CartPole-v1")},
)
LEARNERS = REJAX_PPO, STABLE_BASELINES3_PPO
"""The peers that train to the threshold. Only rejax is compared in steps per second, as it supports all our sizes."""

IDS = tuple(REJAX_PPO.tasks)
"""Ids that can be measured."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes that determine how much work PPO does per environment step.

    Attributes:
        whose: the source of these sizes.
        num_envs: number of environments.
        num_steps: steps of each in an update.
        num_epochs: passes over the samples of an update.
        num_minibatches: number of parts that they are split into.
    """

    whose: str
    num_envs: int
    num_steps: int
    num_epochs: int
    num_minibatches: int

    def steps(self, least: int) -> int:
        """Steps of each environment in whole updates that together take at least `least` environment steps."""
        return self.num_steps * -(-least // (self.num_envs * self.num_steps))


SIZES = (
    Sizes("rejax's for CartPole-v1", 5, 100, 5, 5),
    Sizes("jaxenvs' for CartPole-v1", 16, 64, 8, 4),
    Sizes("rejax's defaults", 64, 64, 8, 16),
    Sizes("many environments", 1024, 32, 4, 4),
)

SETTINGS: dict[str, Any] = {
    "hidden_sizes": (64, 64),
    "activation": "tanh",
    "learning_rate": 3e-4,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip": 0.2,
    "value_coefficient": 0.5,
    "entropy_coefficient": 0.01,
    "max_grad_norm": 0.5,
}
"""The sizes of both sides of the comparison of steps per second."""


@dataclasses.dataclass
class TimeToThreshold:
    """The time that one library's PPO took to reach a mean return, for several seeds.

    Attributes:
        env_id: our id of the task.
        peer: the library.
        threshold: the mean return over fresh episodes.
        seconds: training time for each seed, without compilation and tests; None if it was not reached.
        env_steps: environment steps for each seed, until it was reached or training ended.
        mean_returns: mean return in the last test, for each seed.
        compile_seconds: additional time for compilation, once per process; None if nothing is compiled.
        versions: versions of the relevant packages.
        failure: why it was abandoned, in words; None if it was not.
    """

    env_id: str
    peer: str
    threshold: float
    seconds: list[float | None] = dataclasses.field(default_factory=list)
    env_steps: list[int] = dataclasses.field(default_factory=list)
    mean_returns: list[float] = dataclasses.field(default_factory=list)
    compile_seconds: float | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    failure: str | None = None

    @property
    def reached(self) -> int:
        """The number of seeds that reached the threshold."""
        return sum(seconds is not None for seconds in self.seconds)

    @property
    def median(self) -> float | None:
        """The median of the seconds, where a seed that missed the threshold counts as infinite; None if infinite."""
        median = statistics.median(float("inf") if s is None else s for s in self.seconds) if self.seconds else None
        return None if median == float("inf") else median

    @property
    def median_with_compiling(self) -> float | None:
        """`median` plus the time that compilation takes in a fresh process."""
        return None if self.median is None else self.median + (self.compile_seconds or 0.0)


def compare_speed(
    env_id: str,
    sizes: Sizes,
    subjects: Sequence[AvailablePeer],
    plan: Plan,
    *,
    least_steps: int = 100_000,
    platform: str | None = None,
    progress: Progress = lambda _: None,
    ours: Peer = JAXENVS_PPO,
) -> list[Measurement]:
    """Measures steps per second of whole trainings, of jaxenvs and of the subjects, in turn.

    Args:
        env_id: our id of the task.
        sizes: the sizes of both sides.
        subjects: the other subjects to measure.
        plan: the plan of the comparison; its `steps` are not used.
        least_steps: environment steps of a training, rounded up to whole updates.
        platform: the platform that JAX should use, or None for its own choice.
        progress: called with a description of the current work.
        ours: the subject that the others are compared with.
    """
    names = ("num_steps", "num_epochs", "num_minibatches")
    settings = {**SETTINGS, **{name: getattr(sizes, name) for name in names}}

    def with_settings(peer: Peer) -> Peer:
        return dataclasses.replace(peer, tasks={env_id: Task(env_id, settings)})

    return compare(
        env_id,
        sizes.num_envs,
        [dataclasses.replace(subject, peer=with_settings(subject.peer)) for subject in subjects],
        dataclasses.replace(plan, steps=sizes.steps(least_steps)),
        platform=platform,
        progress=progress,
        ours=AvailablePeer(with_settings(ours)),
    )


def compare_times_to_threshold(
    env_id: str,
    threshold: float,
    seeds: Sequence[int],
    subjects: Sequence[AvailablePeer],
    plan: Plan,
    *,
    platform: str | None = None,
    progress: Progress = lambda _: None,
) -> list[TimeToThreshold]:
    """Measures the seconds to a mean return, each with its own settings; the subjects take turns, one seed at a time.

    Args:
        env_id: our id of the task.
        threshold: the mean return over fresh episodes.
        seeds: seeds of the trainings.
        subjects: all subjects, including jaxenvs.
        plan: the plan, of which only the limits are used: each training may take `preparation_limit` seconds.
        platform: the platform that JAX should use, or None for its own choice.
        progress: called with a description of the current work.
    """
    results = [TimeToThreshold(env_id, subject.peer.name, threshold) for subject in subjects]
    with contextlib.ExitStack() as stack:
        processes: list[PeerProcess | None] = [
            _attempt(result, lambda s=subject, r=result: _start(stack, s, r, plan, platform))
            for subject, result in zip(subjects, results)
        ]
        for seed in seeds:
            for process, result in zip(processes, results):
                progress(f"{result.peer}: seed {seed}")
                if process is not None and result.failure is None:
                    _attempt(result, lambda p=process, r=result, s=seed: _learn(p, r, s, plan))
    return results


def learning_as_json(result: TimeToThreshold) -> dict[str, Any]:
    """Everything about a time to a threshold: its fields, medians and the range of the seeds that reached it."""
    reached, steps = Spread.of([s for s in result.seconds if s is not None]), Spread.of(result.env_steps)
    return {
        **dataclasses.asdict(result),
        "reached": result.reached,
        "median": result.median,
        "fastest": reached and reached.low,
        "slowest": reached and reached.high,
        "median_with_compiling": result.median_with_compiling,
        "median_env_steps": steps and steps.median,
    }


def speed_as_json(sizes: Sizes, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Everything about a comparison of steps per second."""
    return {"sizes": dataclasses.asdict(sizes), "measurements": [as_json(m, measurements) for m in measurements]}


def _attempt(result: TimeToThreshold, action: Callable[[], Any]) -> Any:
    """What the action returns; None if the peer failed, which is recorded in the result."""
    try:
        return action()
    except PeerFailed as failure:
        result.failure = str(failure)
        return None


def _start(
    stack: contextlib.ExitStack, subject: AvailablePeer, result: TimeToThreshold, plan: Plan, platform: str | None
) -> PeerProcess:
    process = stack.enter_context(subject.start(platform))
    result.versions = process.ask("import", modules=None, limit=plan.preparation_limit)["versions"]
    return process


def _learn(process: PeerProcess, result: TimeToThreshold, seed: int, plan: Plan) -> None:
    limit = plan.preparation_limit
    answer = process.ask("learn", task=result.env_id, threshold=result.threshold, seed=seed, limit=limit)
    result.seconds.append(answer["seconds"])
    result.env_steps.append(answer["env_steps"])
    result.mean_returns.append(answer["mean_return"])
    result.compile_seconds = answer["compile_seconds"]
