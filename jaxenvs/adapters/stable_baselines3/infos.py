"""The infos that Stable-Baselines3 reads: one dict a lane."""

from typing import Any

import jax
import numpy as np

from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, rows

Infos = list[dict[str, Any]]


def infos_of(info: dict[str, np.ndarray], lanes: int) -> Infos:
    """A fresh dict for each lane: of a scalar Python's number, else an array.

    Args:
        info: arrays, (lanes, ...) each.
        lanes: how many.
    """
    if not info:
        return [{} for _ in range(lanes)]
    # Of a batch copied once, the lanes' rows are arrays that share no element.
    columns = [value.tolist() if value.ndim == 1 else list(np.array(value)) for value in info.values()]
    return [dict(zip(info, row, strict=True)) for row in zip(*columns, strict=True)]


def step_infos(
    output: Any, dones: np.ndarray, returns: np.ndarray, form: ObservationForm, seconds: float
) -> tuple[Infos, dict[int, Any]]:
    """The infos of a step, as `DummyVecEnv` over `Monitor` has them.

    Args:
        output: the `Output` of a step in mode "same_step", on the host.
        dones: (num_envs,) bool, where an episode ended.
        returns: (num_envs,) float64, of the episodes that the step belongs to, up to it.
        form: of the observations.
        seconds: since the start of the clock of `episode`.

    Returns:
        The infos, and for each lane that has begun an episode the info of its start.
    """
    if output.final_info:
        infos: Infos = infos_of(output.final_info, len(dones))
        for info in infos:
            info["TimeLimit.truncated"] = False
    else:
        infos: Infos = [{"TimeLimit.truncated": False} for _ in range(len(dones))]
    ended = np.flatnonzero(dones)
    if not len(ended):
        return infos, {}
    final = form.encode(jax.tree.map(lambda leaf: leaf[ended], output.final_observation))
    truncated = (output.truncated & ~output.terminated)[ended].tolist()
    totals, lengths = returns[ended].tolist(), output.episode_length[ended].tolist()
    for lane, *ending in zip(ended.tolist(), rows(final), truncated, totals, lengths, strict=True):
        info = infos[lane]
        info["terminal_observation"], info["TimeLimit.truncated"], episode_return, length = ending
        info["episode"] = {"r": round(episode_return, 6), "l": length, "t": seconds}
    openings = infos_of({name: value[ended] for name, value in output.info.items()}, len(ended))
    return infos, dict(zip(ended.tolist(), openings, strict=True))
