"""Settings of learners are checked for their values and types."""

import dataclasses
import inspect
import re

import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.training import DQN, PPO, SAC, AlphaZero


@pytest.mark.parametrize("kind", [PPO, DQN, SAC, AlphaZero])
def test_a_learner_declares_only_settings_that_its_base_lacks_or_has_with_another_default(kind):
    (base,) = kind.__bases__
    inherited = {field.name: field.default for field in dataclasses.fields(base)}
    own = {
        field.name: field.default for field in dataclasses.fields(kind) if field.name in vars(kind)["__annotations__"]
    }
    assert own and not {name for name, default in own.items() if inherited.get(name, dataclasses.MISSING) == default}
    described = re.findall(r"^    (\w+): ", inspect.getdoc(kind).partition("Attributes:")[2], re.MULTILINE)
    assert set(own) <= set(described) <= {*own, *inherited}


@pytest.mark.parametrize(
    "kind, settings, message",
    [
        (PPO, {"num_minibatches": 3}, r"num_minibatches \(3\) does not divide the 1024 samples"),
        (PPO, {"gamma": 1.5}, r"`gamma` must be in \[0, 1\], got 1.5"),
        (PPO, {"gae_lambda": -0.1}, "`gae_lambda` must be in"),
        (PPO, {"learning_rate": float("nan")}, "`learning_rate` is NaN"),
        (PPO, {"learning_rate": np.float32("nan")}, "`learning_rate` is NaN"),
        (PPO, {"learning_rate": -1e-3}, "`learning_rate` must be at least 0"),
        (PPO, {"num_envs": 0}, "`num_envs` must be an integer of at least 1"),
        (PPO, {"total_steps": 1e6}, "`total_steps` must be an integer"),
        (PPO, {"hidden_sizes": 64}, "`hidden_sizes` must be a tuple"),
        (PPO, {"activation": "gelu"}, "`activation` must be one of 'tanh'"),
        (DQN, {"gamma": -1.0}, "`gamma` must be in"),
        (DQN, {"buffer_size": 1001}, r"multiple of num_envs \(8\), such as 1008"),
        (DQN, {"learning_starts": 600_000}, "nothing would be learnt"),
        (DQN, {"epsilon_end": 2.0}, "`epsilon_end` must be in"),
        (DQN, {"batch_size": 0}, "`batch_size` must be"),
        (SAC, {"gamma": 2.0}, "`gamma` must be in"),
        (SAC, {"buffer_size": 1001}, r"SAC: .* multiple of num_envs \(8\), such as 1008"),
        (SAC, {"total_steps": 9_000}, "nothing would be learnt"),
        (SAC, {"temperature": -0.1}, "`temperature` must be at least 0"),
        (SAC, {"target_entropy": float("nan")}, "`target_entropy` is NaN"),
        (SAC, {"gradient_steps": 0}, "`gradient_steps` must be"),
        (PPO, {"num_envs": 4, "num_steps": 8, "num_minibatches": 32}, "a minibatch of one sample teaches the actor"),
        (PPO, {"num_envs": 1, "num_steps": 1, "num_minibatches": 1}, "a minibatch of one sample teaches the actor"),
        (PPO, {"max_grad_norm": 0}, "`max_grad_norm` must be above 0, got 0"),
        (PPO, {"gamma": np.float32(1.5)}, r"`gamma` must be in \[0, 1\]"),
        (PPO, {"gamma": jnp.asarray(1.5, jnp.float32)}, r"`gamma` must be in \[0, 1\]"),
        (PPO, {"hidden_sizes": (True, 8)}, "`hidden_sizes` must be a tuple of positive integers"),
        (PPO, {"num_envs": True}, "`num_envs` must be an integer"),
        (PPO, {"num_envs": 2**31, "num_steps": 2}, "`num_envs` must be an integer from 1 to 2147483647"),
        (PPO, {"num_envs": 2**16, "num_steps": 2**16}, "neither may exceed 2,147,483,647"),
        (DQN, {"num_envs": 1, "num_steps": 1, "total_steps": 2**31}, "neither may exceed 2,147,483,647"),
    ],
)
def test_bad_settings_are_refused(kind, settings, message):
    with pytest.raises(InvalidField, match=message):
        kind(**settings)


def numbers_of(kind):
    """The names of the settings that are real numbers."""
    return [name for name in kind.setting_names() if isinstance(getattr(kind(), name), float)]


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [
        (PPO, "lr", "learning_rate"),
        (PPO, "n_steps", "num_steps"),
        (DQN, "bufer_size", "buffer_size"),
        (SAC, "tau", "target_rate"),
        (AlphaZero, "num_simulation", "num_simulations"),
    ],
)
def test_an_unknown_setting_names_the_nearest(kind, name, nearest):
    for make in (kind, kind().replace):
        with pytest.raises(InvalidField, match=rf"^{kind.__name__} has no setting `{name}`\. .*: `{nearest}`\?"):
            make(**{name: 1})


@pytest.mark.parametrize("kind", [PPO, DQN, SAC])
def test_each_setting_is_checked_for_its_type(kind):
    for name in numbers_of(kind):
        value = getattr(kind(), name)
        with pytest.raises(InvalidField, match=rf"`{name}` must be a number, got '.*Write it without quotes: {name}="):
            kind(**{name: str(value)})
        for wrong in (None, True, [value], 1j, "fast", np.array("x"), {"start": 1.0}):
            with pytest.raises(InvalidField, match=f"`{name}` must be a number, got"):
                kind(**{name: wrong})
        with pytest.raises(InvalidField, match=f"`{name}` must be a number, .* Schedules are not passed as functions"):
            kind(**{name: lambda step: 1e-3})
        for number in (np.float64(value), np.float32(value), np.asarray(value), jnp.asarray(value, jnp.float32)):
            assert float(getattr(kind(**{name: number}), name)) == pytest.approx(value)
        if name not in ("max_grad_norm", "clip"):
            with pytest.raises(InvalidField, match=f"`{name}` must be"):
                kind(**{name: np.inf})
    with pytest.raises(InvalidField, match="With `anneal=True` it falls linearly"):
        kind(learning_rate=lambda step: 1e-3)
    with pytest.raises(InvalidField, match="`anneal` must be True or False, got 'no'"):
        kind(anneal="no")
    with pytest.raises(InvalidField, match=r"`activation` must be one of 'tanh', 'relu', 'silu', got \('relu',\)"):
        kind(activation=["relu"])


def test_numbers_of_numpy_are_numbers():
    given = {
        "num_envs": np.int64(4),
        "num_steps": np.uint8(16),
        "hidden_sizes": [np.int32(8)],
        "anneal": np.bool_(True),
    }
    assert PPO(**given) == PPO(num_envs=4, num_steps=16, hidden_sizes=(8,), anneal=True)
