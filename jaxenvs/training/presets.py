"""Presets: settings that are known to work, by id and algorithm."""

from typing import Any, Literal, TypeAlias

from jaxenvs.core.errors import InvalidField, did_you_mean
from jaxenvs.training.dqn import DQN
from jaxenvs.training.learner import Learner
from jaxenvs.training.ppo import PPO

Algorithm: TypeAlias = Literal["ppo", "dqn"]

_LEARNERS: dict[str, type[Learner[Any]]] = {"ppo": PPO, "dqn": DQN}

_PRESETS: dict[tuple[str, str], dict[str, Any]] = {}


def preset(env_id: str, algorithm: Algorithm = "ppo", **settings: Any) -> Learner[Any]:
    """A learner with the settings recorded for an id, or the algorithm's defaults where none are.

    Args:
        env_id: the environment's id.
        algorithm: `"ppo"` or `"dqn"`.
        **settings: replace fields of the learner.

    Raises:
        InvalidField: no such algorithm or setting, or a value that makes no sense.
    """
    if algorithm not in _LEARNERS:
        raise InvalidField(
            f"There is no algorithm {algorithm!r}.{did_you_mean(str(algorithm), _LEARNERS)}"
            f" The algorithms are: {', '.join(_LEARNERS)}."
        )
    learner = _LEARNERS[algorithm]
    known = learner.setting_names()
    for name in settings:
        if name not in known:
            raise InvalidField(
                f"{learner.__name__} has no setting `{name}`.{did_you_mean(name, known)}"
                f" Its settings are: {', '.join(known)}."
            )
    return learner(**{**_PRESETS.get((env_id, algorithm), {}), **settings})
