"""The keywords of Gymnasium's constructors: whoever passes one to its environment passes it to ours."""

import ast
import importlib.util
import inspect
import pathlib

import gymnasium
import numpy as np
import pytest

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.registration.catalog import CATALOG

pytestmark = pytest.mark.gymnasium

if importlib.util.find_spec("gymnasium_robotics"):
    from tests.parity.robotics_specs import SPECS, leave_out_wrong_assertions
else:
    SPECS = dict(gymnasium.registry)

QUICK = {"CartPole-v1", "Pendulum-v1", "CarRacing-v3", "LunarLander-v3", "Hopper-v5", "AntMaze_UMaze-v5", "Taxi-v4"}
SHARED = [spec.id for spec in CATALOG if spec.id in SPECS]
MARKED = [id if id in QUICK else pytest.param(id, marks=pytest.mark.slow) for id in SHARED]


def own_keywords(module, name):
    """The parameters of a class's constructor with their defaults, from its source, since it may need a package."""
    package, *parts = module.split(".")
    folder = pathlib.Path(importlib.util.find_spec(package).origin).parent
    tree = ast.parse(folder.joinpath(*parts).with_suffix(".py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            (init,) = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
            args = [arg.arg for arg in init.args.args[1:]]
            defaults = dict(zip(args[len(args) - len(init.args.defaults) :], init.args.defaults, strict=True))
            return {arg: literal(default) for arg, default in defaults.items()}, init.args.kwarg is not None
    raise AssertionError(f"no {name} in {module}")


def literal(node):
    """The value of a default; None for one that has a name, such as the settings of a camera."""
    try:
        return eval(compile(ast.Expression(node), "default", "eval"), {"np": np})
    except NameError:
        return None


def keywords(id):
    module, _, name = SPECS[id].entry_point.partition(":")
    found, has_more = own_keywords(module, name)
    if has_more and jaxenvs.spec(id).extra in ("mujoco", "robotics"):
        from gymnasium.envs.mujoco.ant_v5 import AntEnv
        from gymnasium.envs.mujoco.mujoco_env import MujocoEnv

        bases = (AntEnv, MujocoEnv) if "Ant" in id else (MujocoEnv,)
        for base in bases:
            parameters = inspect.signature(base.__init__).parameters.values()
            found = {p.name: p.default for p in parameters if p.default is not p.empty} | found
    return found | SPECS[id].kwargs


def is_theirs(id, **given):
    """Whether Gymnasium's own environment takes the keywords; also if it cannot be made here."""
    try:
        gymnasium.make(SPECS[id], **given).close()
    except gymnasium.error.DependencyNotInstalled:
        return True
    except (TypeError, AttributeError, AssertionError):
        return False
    return True


@pytest.mark.parametrize("id", MARKED)
def test_every_keyword_of_gymnasiums_constructor_is_taken(id, monkeypatch):
    if jaxenvs.spec(id).extra == "robotics":
        leave_out_wrong_assertions(monkeypatch)
    try:
        GymnasiumEnv(id)
    except DependencyNotInstalled as missing:
        pytest.skip(f"needs an extra: {missing}")
    taken = [name for name, value in keywords(id).items() if is_theirs(id, **{name: value})]
    assert "render_mode" in taken
    for name in taken:
        GymnasiumEnv(id, **{name: keywords(id)[name]})


def test_what_has_no_effect_in_gymnasium_is_left_out():
    env = gymnasium.make("jaxenvs/CarRacing-v3", verbose=True, continuous=False)
    assert env.unwrapped.env == jaxenvs.unwrap(jaxenvs.make("CarRacing-v3", continuous=False))
    assert gymnasium.make_vec("jaxenvs/CarRacing-v3", 2, verbose=False).num_envs == 2
    with pytest.raises(InvalidField, match=r"no field `verbose`\. Environments print nothing"):
        jaxenvs.make("CarRacing-v3", verbose=True)
    with pytest.raises(InvalidField, match="no field `verbose`"):
        gymnasium.make("jaxenvs/CartPole-v1", verbose=True)


@pytest.mark.parametrize("id", ["Hopper-v5", "FetchReach-v4", "PointMaze_UMaze-v3"])
def test_a_model_is_given_as_a_path_object(id, tmp_path, monkeypatch):
    try:
        default = jaxenvs.unwrap(jaxenvs.make(id))
    except DependencyNotInstalled as missing:
        pytest.skip(f"needs an extra: {missing}")
    path = pathlib.Path(default.model.path)
    env = jaxenvs.unwrap(jaxenvs.make(id, xml_file=path))
    assert env.xml_file == str(path) and env.model == default.model
    (tmp_path / "mine.xml").write_text("<mujoco/>")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidField, match=r"mine\.xml has nothing that moves"):  # so it was found without `./`
        jaxenvs.make("Hopper-v5", xml_file=pathlib.Path("mine.xml"))


ELSEWHERE = {
    "backend": ("Hopper-v5", {"backend": "mjx"}, '`engine`: "c" .MuJoCo on the CPU., "mjx"'),
    "old steps": ("CartPole-v1", {"new_step_api": True}, "`step` returns the state and a timestep"),
    "compatibility": ("CartPole-v1", {"apply_api_compatibility": True}, "LegacyGym"),
}


@pytest.mark.parametrize(("id", "given", "message"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_keyword_of_another_library_gets_an_answer(id, given, message):
    try:
        with pytest.raises(InvalidField, match=message):
            jaxenvs.make(id, **given)
    except DependencyNotInstalled as missing:
        pytest.skip(f"needs an extra: {missing}")
