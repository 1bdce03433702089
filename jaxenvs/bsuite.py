"""bsuite's own ids, such as `catch_noise/3`: the experiments of bsuite, each a list of settings of one environment.

    env = make_bsuite("deep_sea/3")

Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `bsuite.sweep`.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jaxenvs.core.env import Env
from jaxenvs.errors import UnregisteredEnv, did_you_mean
from jaxenvs.registration.make import make
from jaxenvs.wrappers.noisy_reward import NoisyReward
from jaxenvs.wrappers.scale_reward import ScaleReward

_REPEATS = 20
_NOISES = 0.1, 0.3, 1.0, 3.0, 10.0
_SCALES = 0.001, 0.03, 1.0, 30.0, 1000.0
_REPEATS_OF_EACH = 4
_SPACED = *range(1, 11), 12, 14, 17, 20, 25, *range(30, 101, 10)
_SIZES = range(10, 51, 2)
_STEPS_UP = 20


@dataclasses.dataclass(frozen=True)
class BsuiteSetting:
    """The meaning of an id of bsuite.

    Attributes:
        id: the id in this registry.
        fields: values of the environment's fields.
        noise_scale: standard deviation of the noise on rewards, or None for none; see `NoisyReward`.
        reward_scale: factor of the rewards, or None for none; see `ScaleReward`.
    """

    id: str
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    noise_scale: float | None = None
    reward_scale: float | None = None


def _table() -> dict[str, tuple[BsuiteSetting, ...]]:
    seeds = [{"mapping_seed": seed} for seed in range(_REPEATS)]
    alike: list[dict[str, int]] = [{}] * _REPEATS
    seas = [{"size": size, "mapping_seed": 42} for size in _SIZES]
    experiments: dict[str, tuple[str, list[Any]]] = {
        "cartpole_swingup": (
            "bsuite/CartPoleSwingup-v0",
            [{"height_threshold": n / _STEPS_UP, "x_reward_threshold": 1 - n / _STEPS_UP} for n in range(_STEPS_UP)],
        ),
        "deep_sea": ("bsuite/DeepSea-v0", seas),
        "deep_sea_stochastic": ("bsuite/DeepSeaStochastic-v0", seas),
        "discounting_chain": ("bsuite/DiscountingChain-v0", seeds),
        "memory_len": ("bsuite/MemoryChain-v0", [{"memory_length": n, "num_bits": 1} for n in _SPACED]),
        "memory_size": ("bsuite/MemoryChain-v0", [{"memory_length": 2, "num_bits": n} for n in _SPACED if n <= 40]),
        "umbrella_distract": ("bsuite/UmbrellaChain-v0", [{"chain_length": 20, "n_distractor": n} for n in _SPACED]),
        "umbrella_length": ("bsuite/UmbrellaChain-v0", [{"chain_length": n, "n_distractor": 20} for n in _SPACED]),
    }
    table = {
        name: tuple(BsuiteSetting(id, fields) for fields in settings) for name, (id, settings) in experiments.items()
    }
    # Each of these exists unchanged, with noise and scaled; each noise and each scale is tried four times.
    with_variants = {
        "bandit": ("bsuite/Bandit-v0", seeds),
        "cartpole": ("bsuite/CartPole-v0", alike),
        "catch": ("bsuite/Catch-v0", alike),
        "mnist": ("bsuite/MnistBandit-v0", alike),
        "mountain_car": ("bsuite/MountainCar-v0", alike),
    }
    for name, (id, settings) in with_variants.items():
        repeats = settings[:_REPEATS_OF_EACH]
        table[name] = tuple(BsuiteSetting(id, fields) for fields in settings)
        table[f"{name}_noise"] = tuple(
            BsuiteSetting(id, fields, noise_scale=scale) for scale in _NOISES for fields in repeats
        )
        table[f"{name}_scale"] = tuple(
            BsuiteSetting(id, fields, reward_scale=scale) for scale in _SCALES for fields in repeats
        )
    return dict(sorted(table.items()))


EXPERIMENTS: Mapping[str, tuple[BsuiteSetting, ...]] = MappingProxyType(_table())
"""The settings of each experiment; that of the id `catch_noise/3` is `EXPERIMENTS["catch_noise"][3]`."""


def bsuite_ids() -> list[str]:
    """All 468 ids of bsuite."""
    return [f"{name}/{index}" for name, settings in EXPERIMENTS.items() for index in range(len(settings))]


def make_bsuite(bsuite_id: str) -> Env[Any, Any]:
    """The environment of an id of bsuite, with noisy or scaled rewards if the id says so.

    Args:
        bsuite_id: experiment and number, such as `"deep_sea/3"`.

    Raises:
        UnregisteredEnv: bsuite has no such id.
        DatasetNotFound: the experiment uses MNIST, and its files were not found.
    """
    name, _, number = bsuite_id.partition("/")
    settings = EXPERIMENTS.get(name)
    if settings is None:
        raise UnregisteredEnv(
            f"bsuite has no experiment `{name}`.{did_you_mean(name, EXPERIMENTS)} It has: {', '.join(EXPERIMENTS)}."
        )
    if not (number.isdecimal() and int(number) < len(settings)):
        raise UnregisteredEnv(
            f"`{bsuite_id}` is not an id of bsuite: they go from {name}/0 to {name}/{len(settings) - 1}."
        )
    setting = settings[int(number)]
    env = make(setting.id, **setting.fields)
    if setting.noise_scale is not None:
        env = NoisyReward(env, setting.noise_scale)
    return env if setting.reward_scale is None else ScaleReward(env, setting.reward_scale)
