"""What is said of a `render` that returns no picture, of colours that are none, and of wrappers that lack a method."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import AttributeNotFound, InvalidAction, InvalidEnv, InvalidField

CANVAS = Canvas.blank(4, 6, palette.SKY)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (None, r"and returned nothing\. Nothing is shown in a window: return the picture\.$"),
        (CANVAS, r"and returned a Canvas\. Write `return canvas\.to_rgb\(\)`\.$"),
        ([[[0, 0, 0]]], r"and returned a list\. Write `jnp\.asarray\(picture, jnp\.uint8\)`\.$"),
        (np.zeros((4, 6, 3), np.float32), r"float32\[4, 6, 3\]\. For colours from 0 to 1, write `\(255 \* picture\)"),
        (np.zeros((4, 6), np.uint8), r"uint8\[4, 6\]\. Of a picture in grey, write `jnp\.stack"),
    ],
    ids=["nothing", "canvas", "list", "floats", "grey"],
)
def test_render_that_returns_no_picture_says_what_to_write(picture, message):
    class Painter(CartPole):
        def render(self, state):
            return picture

    state, _ = Painter().reset(jaxenvs.random.key(0))
    with pytest.raises(
        InvalidEnv, match=r"^`Painter\.render` must return an array \(height, width, 3\) of uint8, .*" + message
    ):
        Painter().render(state)


def test_a_picture_of_a_batch_passes():
    env = CartPole()
    states, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 2))
    assert jax.eval_shape(jax.vmap(env.render), states).shape == (2, 400, 600, 3)


@pytest.mark.parametrize(
    ("color", "message"),
    [
        ("red", r"got 'red'\. .*`palette\.RED`\.$"),
        ((0.5, 0.5, 1.0), r"got \(0\.5, 0\.5, 1\.0\)\. Multiply numbers up to 1 by 255\.$"),
    ],
)
def test_a_colour_that_is_none_is_refused(color, message):
    for draw in (lambda: Canvas.blank(4, 6, color), lambda: CANVAS.circle((1, 1), 1, color)):
        with pytest.raises(InvalidField, match=r"^A colour is three numbers from 0 to 255, " + message):
            draw()
    assert CANVAS.circle((1, 1), 1, (0.0, 127.5, 1.0)) is not None


def test_a_canvas_that_is_taken_for_the_picture_says_so():
    with pytest.raises(AttributeNotFound, match=r"`shape`: `canvas\.to_rgb\(\)` is the picture, an array\.$"):
        CANVAS.shape  # noqa: B018


class Doubled(jaxenvs.wrappers.ObservationWrapper):
    def observation(self, observation):
        return observation * 2


class Halved(jaxenvs.wrappers.RewardWrapper):
    def reward(self, reward):
        return reward / 2


class Remembers(jaxenvs.StatefulWrapper):
    def reset(self, key):
        return self.env.reset(key)

    def step(self, state, action):
        return self.env.step(state, action)


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        (
            Doubled,
            r"`return self\.env\.observation_space` if .*`def transform_observation\(self, observation\):`, the name",
        ),
        (Halved, r"`def transform_reward\(self, reward\):`, the name that jaxenvs has for `reward`"),
        (Remembers, r"`return self\.env\.observation_space` if .*`return self\.env\.action_space` if"),
    ],
)
def test_a_wrapper_that_lacks_methods_says_how_to_write_them(wrapper, message):
    with pytest.raises(InvalidEnv, match=message):
        wrapper(CartPole())


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Own:
    inner: object


def test_a_class_may_call_the_step_of_its_base_with_the_state_of_its_base():
    class Counts(CartPole):
        def reset(self, key):
            state, timestep = CartPole.reset(self, key)
            return Own(state), timestep

        def step(self, state, action):
            state, timestep = CartPole.step(self, state.inner, action)
            return Own(state), timestep

    env = Counts()
    state, _ = env.reset(jaxenvs.random.key(0))
    with pytest.raises(InvalidAction, match="Expected an integer from 0 to 1"):
        env.step(state, jnp.zeros((1,), jnp.int32))
