"""THE table: every environment that ships with jaxenvs, one line an id.

To add an environment: its file in `envs/<family>/`, a line here, a row in `tests/parity/`.
"""

from typing import Any

from jaxenvs.registry.spec import EnvSpec


def _spec(
    id: str,
    entry_point: str,
    max_episode_steps: int | None,
    reward_threshold: float | None,
    source: str,
    **fields: Any,
) -> EnvSpec:
    return EnvSpec(
        id=id,
        entry_point=f"jaxenvs.envs.{entry_point}",
        fields=fields,
        max_episode_steps=max_episode_steps,
        reward_threshold=reward_threshold,
        source=source,
    )


_BARTO = "Barto, Sutton and Anderson 1983"
_SUTTON = "Sutton and Barto 2018"

# fmt: off
CATALOG: tuple[EnvSpec, ...] = (
    #     id                         module:Class                                          steps  threshold  source, fields
    _spec("CartPole-v0",              "classic_control.cart_pole:CartPole",                    200, 195.0, _BARTO),
    _spec("CartPole-v1",              "classic_control.cart_pole:CartPole",                    500, 475.0, _BARTO),
)
# fmt: on

RENAMED: dict[str, str] = {
    "Pendulum-v0": "Pendulum-v1",
}
"""Ids of OpenAI Gym that behave as a current one and resolve to it with a note."""
