"""Models: found, hashed, and refused with a reason."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import mujoco
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.mujoco.ant import Ant
from jaxenvs.envs.mujoco.hopper import Hopper
from jaxenvs.envs.mujoco.pusher import Pusher
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.simulators.mujoco import model as model_module
from jaxenvs.simulators.mujoco.model import FETCH, check_version, load_model

CART = """
<mujoco>
  <worldbody>
    <body name="cart">
      <joint name="slide" type="slide" axis="1 0 0"/>
      <geom size="0.1"/>
      <body name="arm" pos="0 0 0.2"><joint name="hinge" type="hinge" axis="0 1 0"/><geom size="0.05" pos="0 0 0.1"/>
      {inside}
      </body>
    </body>
    <camera name="side" pos="0 -3 0.3" xyaxes="1 0 0 0 0 1"/>
  </worldbody>
  <actuator><motor joint="slide" ctrlrange="-2 2"/></actuator>
  {outside}
</mujoco>
"""


@pytest.fixture
def write(tmp_path):
    def write_xml(inside="", outside="", name="cart.xml"):
        path = tmp_path / name
        path.write_text(CART.format(inside=inside, outside=outside))
        return str(path)

    return write_xml


def test_a_model_of_ones_own(write):
    env = jaxenvs.make("InvertedPendulum-v5", xml_file=write(), frame_skip=3, engine="c")
    assert env.action_space.low == -2
    state, timestep = jax.jit(env.reset)(jaxenvs.random.key(0))
    state, timestep = jax.jit(env.step)(state, np.ones(1, np.float32))
    model = mujoco.MjModel.from_xml_path(jaxenvs.unwrap(env).xml_file)
    assert float(state.inner.time if hasattr(state, "inner") else state.time) == pytest.approx(3 * model.opt.timestep)
    assert timestep.observation.shape == (4,)


def test_paths_are_gymnasiums(write, monkeypatch, tmp_path):
    path = write()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_model("./cart.xml") == load_model(path) == load_model("~/cart.xml")
    assert load_model("ant.xml").path.endswith("gymnasium/envs/mujoco/assets/ant.xml")


def test_equality_is_of_content_and_survives_pickle(write):
    model = load_model(write())
    assert pickle.loads(pickle.dumps(model)) == model and hash(pickle.loads(pickle.dumps(model))) == hash(model)
    assert model != load_model(write(outside="<option gravity='0 0 0'/>", name="other.xml"))


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        ("<nonsense/>", "", "cannot compile .*nonsense"),
        ("", "<worldbody><body mocap='true'><geom size='1'/></body></worldbody>", "mocap bodies"),
        ("", "<size nuserdata='3'/>", "user data"),
    ],
)
def test_models_that_cannot_be_taken(write, inside, outside, words):
    with pytest.raises(InvalidField, match=words):
        load_model(write(inside, outside))


def test_tasks_say_what_their_model_lacks(write):
    with pytest.raises(InvalidField, match="Ant needs a model with nq of at least 3"):
        Ant(xml_file=write())
    with pytest.raises(InvalidField, match="no body named 'tips_arm'; it has 'world', 'torso'"):
        Pusher(xml_file="ant.xml")
    with pytest.raises(InvalidField, match="bodies 0 to 13, not 99"):
        Ant(main_body=99)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"xml_file": "/nowhere/ant.xml"}, "no file /nowhere/ant.xml.*Correct the path"),
        ({"xml_file": "aunt.xml"}, "Begin the path of your own file with"),
        ({"xml_file": 3}, "must be a string"),
        ({"frame_skip": 0}, "`frame_skip` must be an integer of at least 1"),
        ({"engine": "brax"}, "`engine` must be \"auto\" or one of 'c', 'mjx'"),
        ({"precision": "float16"}, "`precision` must be"),
        ({"precision": "float64"}, "jax_enable_x64"),
        ({"camera_id": 7}, "`camera_id` must be from -1 to 0"),
        ({"camera_name": "front"}, "no camera named 'front'; it has 'track'"),
        ({"camera_name": "track", "camera_id": 0}, "not both"),
        ({"default_camera_config": {"distnace": 3.0}}, "cannot set 'distnace'"),
        ({"width": -1}, "`width`"),
        ({"parameters": {}}, "must be of the class Parameters"),
    ],
)
def test_wrong_options_are_refused_when_the_env_is_made(fields, words):
    with pytest.raises(InvalidField, match=words):
        Hopper(**fields)


def test_parameters_must_fit_the_model():
    parameters = Hopper().parameters
    with pytest.raises(InvalidField, match=r"`parameters.body_mass` must have shape \(5,\)"):
        Hopper(parameters=parameters.replace(body_mass=np.ones(4, np.float32)))


def test_auto_is_c_on_the_processor():
    assert Hopper().engine == ("c" if jax.default_backend() == "cpu" else "mjx")


def test_missing_packages_are_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gymnasium" else find_spec(name))
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[mujoco\]"'):
        load_model("hopper.xml")

    def fail(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(DependencyNotInstalled, match="need `mujoco`"):
        model_module.import_mujoco.__wrapped__()
    monkeypatch.setattr(model_module, "import_mujoco", model_module.import_mujoco.__wrapped__)
    with pytest.raises(DependencyNotInstalled, match=r'need `mujoco`.*pip install "jaxenvs\[robotics\]"'):
        load_model("reach.xml", FETCH)  # one command for all that is missing


@pytest.mark.parametrize("version", ["3.3.0", "4.1.0", "5.0"])
def test_other_versions_of_mujoco_are_refused(version):
    with pytest.raises(DependencyNotInstalled, match=f"tested with mujoco 4.0; {version} may behave differently"):
        check_version(version)


TOTAL_MASS = """<mujoco><compiler settotalmass="2"/><worldbody><body><joint type="slide"/><geom size="0.1"/></body>
</worldbody></mujoco>"""
"""A model whose compiler warns."""


def test_nothing_is_said_of_gymnasiums_files(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = load_model("half_cheetah.xml").path
    assert "settotalmass" in Path(path).read_text(), "or there is nothing to warn of"
    model_module._load.__wrapped__(path)  # as if not yet compiled in this process
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == [], "MuJoCo writes its warnings to a file, too"


def test_warnings_of_an_own_file_are_pythons(capfd, tmp_path):
    path = tmp_path / "own.xml"
    path.write_text(TOTAL_MASS)
    said = []
    mujoco.set_mju_user_warning(said.append)
    try:
        with pytest.warns(UserWarning, match=r"own\.xml: compiler attribute 'settotalmass' is deprecated"):
            load_model(str(path))
        assert mujoco.get_mju_user_warning() == said.append, "whose handler it was gets it back"
    finally:
        mujoco.set_mju_user_warning(None)
    assert capfd.readouterr() == ("", "") and said == []


def test_unknown_graphics_library_is_refused_with_what_there_is():
    program = "from jaxenvs.simulators.mujoco.model import load_model; load_model('hopper.xml')"
    environment = {**os.environ, "MUJOCO_GL": "foo"}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120
    )
    assert "RenderingUnavailable: MuJoCo does not start with `MUJOCO_GL=foo`" in result.stderr
    assert "Set it to egl or osmesa" in result.stderr
