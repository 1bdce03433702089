"""record: write the episodes of an environment behind an adapter to a run folder."""

import os
from typing import Any, TypeVar

from jaxenvs.adapters._host_loop.lane_recorder import LaneRecorder, Purpose
from jaxenvs.adapters._host_loop.lanes import FieldsBySetAttr
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.episode_writer import OnError

Environment = TypeVar("Environment")


def record(
    env: Environment,
    path: str | os.PathLike[str] | None = None,
    *,
    mode: Purpose = "training",
    replays: bool | None = None,
    on_error: OnError = "raise",
) -> Environment:
    """Records the episodes of an environment of jaxenvs behind Gymnasium, Stable-Baselines3 or torch.

        env = record(gymnasium.make("jaxenvs/CartPole-v1"), "runs/mine")
        envs = record(gymnasium.make_vec("jaxenvs/CartPole-v1", num_envs=256), "runs/mine")
        envs = record(StableBaselines3VecEnv("CartPole-v1", num_envs=256), "runs/mine")
        envs = record(TorchVectorEnv("CartPole-v1", num_envs=256), "runs/mine")

    The environment does and returns the same as before, `info` included. Every episode that ends is written with its
    return, which is the sum of the environment's own rewards, and its length; unless `replays` is False also with its
    actions and the key that it began with, so that it can be replayed. Episodes are written every few seconds, when
    the environment is closed, and when Python ends. Several environments can record to one folder.

    Args:
        env: the environment or batch, before the first `reset`. Wrappers around a batch do not matter. A single one
            is recorded with Gymnasium's wrappers around it, such as its TimeLimit.
        path: the run folder, which is made if it is missing; by default one in `runs`.
        mode: what the episodes are played for, "training" or "evaluation".
        replays: whether to record actions and keys; None to do so if episodes can be replayed from them.
        on_error: what to do if a file cannot be written; see `EpisodeWriter`.

    Returns:
        The batch itself; for a single environment, a `gymnasium.Wrapper` around it.

    Raises:
        InvalidField: it is not such an environment, or is recorded already; the folder is of another environment or
            cannot be made; or `replays` is True and episodes cannot be replayed.
        DependencyNotInstalled: pyarrow is missing.
    """
    batch: Any = getattr(env, "unwrapped", env)
    if isinstance(batch, FieldsBySetAttr):
        lanes = batch.__dict__["_lanes"]
        if lanes.recorder is not None:
            raise InvalidField(
                f"record: this {type(batch).__name__} is recorded already, to {lanes.recorder.run.path}."
            )
        if lanes.began:
            raise InvalidField("record: call it before the first `reset`, so that no episode is recorded in part.")
        lanes.recorder = LaneRecorder(
            lanes.declared_env(),
            lanes.num_envs,
            path,
            lanes.sequences,
            lanes.is_as_declared,
            mode=mode,
            replays=replays,
            on_error=on_error,
        )
        return env
    module = type(batch).__module__
    if module != "jaxenvs.adapters.gymnasium.env":
        raise InvalidField(
            f"record: {type(env).__name__} is not an environment of jaxenvs behind Gymnasium, Stable-Baselines3 or"
            " torch. Record a jitted loop with `jaxenvs.monitor.record`."
        )
    from jaxenvs.adapters.gymnasium.recorded_env import RecordedEnv

    recorded: Any = RecordedEnv(env, path, mode=mode, replays=replays, on_error=on_error)  # pyright: ignore[reportArgumentType]  # a Gymnasium environment
    return recorded
