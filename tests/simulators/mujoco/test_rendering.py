"""Pictures, without a display."""

import gymnasium
import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.simulators.mujoco import rendering


@pytest.fixture(scope="module")
def drawing():
    """Skips the test if no graphics library is installed."""
    try:
        rendering.check_drawing()
    except RenderingUnavailable as error:
        pytest.skip(str(error))


def start(id, **fields):
    env = jaxenvs.unwrap(jaxenvs.make(id, engine="c", **fields))
    return env, env.reset(jaxenvs.random.key(0))[0]


@pytest.mark.usefixtures("drawing")
def test_a_camera_of_the_models_shows_what_gymnasium_shows(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "egl")  # or Gymnasium begins with what needs a display
    env, state = start("HalfCheetah-v5", camera_name="track", width=320, height=200)
    theirs = gymnasium.make(
        "HalfCheetah-v5", render_mode="rgb_array", camera_name="track", width=320, height=200
    ).unwrapped
    theirs.reset(seed=0)
    theirs.set_state(np.float64(state.qpos), np.float64(state.qvel))
    expected, picture = theirs.render(), np.asarray(env.render(state))
    theirs.close()
    assert picture.shape == expected.shape == (200, 320, 3)
    assert np.abs(picture.astype(int) - expected).max() <= 1


@pytest.mark.usefixtures("drawing")
def test_batches_are_drawn_state_by_state():
    env, _ = start("Hopper-v5", width=96, height=64)
    states, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(1), 4))
    states = states.replace(qpos=states.qpos.at[:, 3].set(np.float32([0.0, -0.5, -1.0, -1.5])))
    pictures = np.asarray(jax.jit(jax.vmap(env.render))(states))
    assert pictures.shape == (4, 64, 96, 3) and len(np.unique(pictures, axis=0)) == 4
    alone = env.render(jax.tree.map(lambda x: x[2], states))
    assert np.array_equal(alone, pictures[2])


@pytest.mark.usefixtures("drawing")
def test_the_camera_moves_along():
    env, state = start("HalfCheetah-v5", width=96, height=96)
    away = state.replace(qpos=state.qpos.at[0].add(10.0))
    aside = env.replace(default_camera_config={"azimuth": 0.0})
    here, there = np.asarray(env.render(state)), np.asarray(env.render(away))
    assert there.std() > 0.7 * here.std()
    assert not np.array_equal(here, env.replace(default_camera_config={"distance": 8.0}).render(state))
    assert not np.array_equal(here, aside.render(state))


def test_without_a_graphics_library_the_packages_are_named(monkeypatch):
    def fail(name):
        raise ImportError(f"no {name}")

    monkeypatch.setattr(rendering.importlib, "import_module", fail)
    with pytest.raises(
        RenderingUnavailable, match=r"libegl1 libgl1-mesa-dri.*libosmesa6.*no mujoco\.egl.*no mujoco\.osme"
    ):
        rendering._context.__wrapped__()


@pytest.mark.usefixtures("drawing")
def test_coarser_shadows_leave_the_rest_of_a_picture_alone():
    env, state = start("HalfCheetah-v5", width=160, height=160)
    whole, coarse, none = (
        np.asarray(env.replace(shadow_size=size).render(state)).astype(int) for size in (None, 1024, 0)
    )
    assert (np.abs(whole - coarse).max(axis=-1) > 8).mean() < 0.005, "only edges of shadows differ"
    assert none.sum() != whole.sum() and (np.abs(whole - none).max(axis=-1) > 8).mean() > 0.005


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 100_000}, "at most 16,384"),
        ({"camera_id": "track"}, "`camera_id` must be an integer, got 'track'"),
        ({"shadow_size": -1}, "`shadow_size` must be an integer"),
        ({"default_camera_config": {"distance": "far"}}, "cannot set 'distance' to 'far'"),
        ({"default_camera_config": "far"}, "dictionaries"),
        ({"visual_options": {99: True}}, "cannot set 99 to True"),
    ],
)
def test_what_cannot_be_drawn_is_refused_when_the_environment_is_made(fields, message):
    with pytest.raises(InvalidField, match=message):
        jaxenvs.make("HalfCheetah-v5", **fields)
