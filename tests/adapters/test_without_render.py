"""`render` is optional: an environment without it works everywhere, and raises an error if a picture is requested."""

import jax.numpy as jnp
import pytest

import jaxenvs
from jaxenvs import Env, adapters, restart, transition
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.monitor.pictures.episodes import Frames, record_episode
from jaxenvs.random import check_key
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.registration.make import load
from jaxenvs.spaces import Discrete
from jaxenvs.testing.borders import renders
from jaxenvs.testing.subject import Subject


class WithoutPicture(Env):
    """Two steps to the end, and no picture."""

    @property
    def observation_space(self):
        return Discrete(3)

    @property
    def action_space(self):
        return Discrete(2)

    def reset(self, key):
        check_key(key)
        return jnp.zeros((), jnp.int32), restart(jnp.zeros((), jnp.int32))

    def step(self, state, action):
        state = jnp.minimum(state + self.action_space.validate(action), 2)
        return state, transition(state, 1.0, state == 2)


ENV = jaxenvs.TimeLimit(WithoutPicture(), 9)


def vector_env(*arguments, **options):
    return GymnasiumVectorEnv(*arguments, num_envs=2, **options)


@pytest.mark.gymnasium
@pytest.mark.parametrize("adapter", [GymnasiumEnv, vector_env])
def test_gymnasiums_adapters_have_no_render_mode(adapter):
    env = adapter(ENV)
    assert env.metadata["render_modes"] == []
    env.reset(seed=0)
    for mode in ("rgb_array", "ansi"):
        with pytest.raises(InvalidField, match=f"WithoutPicture has no render mode '{mode}'. It has None."):
            adapter(ENV, render_mode=mode)


def test_stable_baselines3s_adapter_refuses_the_mode():
    pytest.importorskip("stable_baselines3", reason="needs the extra `sb3`")
    blind = adapters.StableBaselines3VecEnv(ENV, 2)
    assert blind.render_mode is None and blind.metadata["render_modes"] == []
    blind.reset()
    with pytest.warns(UserWarning, match="WithoutPicture has no pictures"):
        assert blind.get_images() == [None] * 2
    with pytest.warns(UserWarning, match="no `render_mode`"):
        assert blind.render() is None
    with pytest.raises(InvalidField, match="WithoutPicture has no render mode 'rgb_array'"):
        adapters.StableBaselines3VecEnv(ENV, 2, render_mode="rgb_array")


def test_pictures_of_episodes_say_why_there_are_none():
    episode = record_episode(ENV, jaxenvs.RandomPolicy(ENV.action_space), jaxenvs.random.key(0), 9)
    with pytest.raises(RenderingUnavailable, match="WithoutPicture has no picture: its class does not define `render`"):
        Frames(ENV, [episode])


def test_conformance_takes_the_declaration_for_what_it_says():
    assert not ENV.can_render
    renders(Subject(ENV))


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.id)
def test_every_id_of_the_catalog_has_a_picture(spec):
    assert load(spec).render is not Env.render
