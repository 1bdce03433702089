"""A test may register anything: the tests after it see the original registries."""

import copy

import gymnasium
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.registration.registry import registry
from tests.registries import kept


def contents():
    """Of both registries: what is registered, and who is asked or told about ids."""
    return [copy.copy(value) for value in vars(registry).values()], dict(gymnasium.registry)


@pytest.mark.filterwarnings("ignore:Overriding environment")
def test_nothing_that_is_registered_outlives_a_test():
    before = contents()
    with kept():
        jaxenvs.register("CartPole-v1", CartPole, max_episode_steps=3)
        jaxenvs.register("Passing-v0", CartPole)
        registry.on_missing(lambda id: None)
        registry.on_add(lambda spec: None)
        assert gymnasium.spec("jaxenvs/CartPole-v1").max_episode_steps == 3
        assert "jaxenvs/Passing-v0" in gymnasium.registry
    assert contents() == before
    assert gymnasium.spec("jaxenvs/CartPole-v1").max_episode_steps == 500


def test_an_error_inside_undoes_it_as_well():
    with pytest.raises(KeyError), kept():
        jaxenvs.register("Passing-v0", CartPole)
        raise KeyError
    assert "Passing-v0" not in registry._specs and "jaxenvs/Passing-v0" not in gymnasium.registry
