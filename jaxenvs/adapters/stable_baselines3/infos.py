"""The infos that Stable-Baselines3 reads: one dict per lane."""

from typing import Any

import numpy as np

from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, rows
from jaxenvs.core.trees import tree_at

Infos = list[dict[str, Any]]


def infos_of(info: dict[str, np.ndarray], lanes: int) -> Infos:
    """A fresh dict for each lane, with scalars as Python numbers and everything else as arrays.

    Args:
        info: arrays, (lanes, ...) each.
        lanes: number of lanes.
    """
    if not info:
        return [{} for _ in range(lanes)]
    # The rows of a copied batch share no elements, so one copy is enough.
    columns = [value.tolist() if value.ndim == 1 else list(np.array(value)) for value in info.values()]
    return [dict(zip(info, row, strict=True)) for row in zip(*columns, strict=True)]


def step_infos(
    output: Any, dones: np.ndarray, returns: np.ndarray, form: ObservationForm, seconds: float
) -> tuple[Infos, dict[int, Any]]:
    """The infos of a step, as `DummyVecEnv` over `Monitor` returns them.

    Args:
        output: the `Output` of a step in mode "same_step", on the host.
        dones: (num_envs,) bool, whether an episode ended.
        returns: (num_envs,) float64, of the episodes that the step belongs to, this step included.
        form: the form of the observations.
        seconds: time since the batch was made, for `episode`.

    Returns:
        The infos, and the info of the start for each lane that has begun an episode.
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
    final = form.encode(tree_at(output.final_observation, ended))
    truncated = (output.truncated & ~output.terminated)[ended].tolist()
    totals, lengths = returns[ended].tolist(), output.episode_length[ended].tolist()
    for lane, *ending in zip(ended.tolist(), rows(final), truncated, totals, lengths, strict=True):
        info = infos[lane]
        info["terminal_observation"], info["TimeLimit.truncated"], episode_return, length = ending
        info["episode"] = {"r": round(episode_return, 6), "l": length, "t": seconds}
    reset_infos = infos_of({name: value[ended] for name, value in output.info.items()}, len(ended))
    return infos, dict(zip(ended.tolist(), reset_infos, strict=True))
