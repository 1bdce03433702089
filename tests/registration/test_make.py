"""make: what it builds, and what it says about bad fields and missing packages. And the specs it reads."""

import copy
import dataclasses
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import DependencyNotInstalled, InvalidField, RegistrationError
from jaxenvs.registration import EnvSpec
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.registration.make import load


class NeedsSize(CartPole):
    """An env with a field that has no default."""

    size: int = jaxenvs.static(kw_only=True)


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.id)
def test_make_is_the_specs_env_in_its_time_limit_and_nothing_else(spec):
    env, bare = jaxenvs.make(spec.id), load(spec)(**spec.fields)
    if spec.max_episode_steps is None:
        assert jax.tree.structure(env) == jax.tree.structure(bare)
    else:
        assert type(env) is jaxenvs.TimeLimit
        assert env.max_episode_steps == spec.max_episode_steps
        assert jax.tree.structure(env.env) == jax.tree.structure(bare)
    assert type(jaxenvs.unwrap(env)) is type(bare)


def test_a_spec_can_be_made():
    spec = jaxenvs.spec("CartPole-v1")
    assert jaxenvs.make(spec) == jaxenvs.make("CartPole-v1")
    shorter = dataclasses.replace(spec, max_episode_steps=3)
    assert jaxenvs.make(shorter).max_episode_steps == 3


def test_max_episode_steps_overrides_the_spec():
    assert jaxenvs.make("CartPole-v1", max_episode_steps=7).max_episode_steps == 7
    assert jaxenvs.make("CartPole-v1", max_episode_steps=-1) == CartPole()


@pytest.mark.parametrize("steps", [0, -2, 2.5, True, "9"])
def test_bad_max_episode_steps(steps):
    with pytest.raises(InvalidField, match="max_episode_steps"):
        jaxenvs.make("CartPole-v1", max_episode_steps=steps)


def test_fields_reach_the_environment_and_win_over_the_specs():
    spec = jaxenvs.register("Moon-v0", CartPole, fields={"gravity": 1.6, "force": 5.0})
    env = jaxenvs.make(spec, gravity=2.0)
    assert (env.gravity, env.force, env.tau) == (2.0, 5.0, 0.02)


def test_unknown_field_names_the_nearest_and_lists_all():
    with pytest.raises(InvalidField) as caught:
        jaxenvs.make("CartPole-v1", gravty=1.0)
    text = str(caught.value)
    assert text.startswith("CartPole-v1 has no field `gravty`. Did you mean: `gravity`? Its fields are: gravity, ")
    assert ", sutton_barto_reward. " in text
    # torchrl's GymEnv leaves out an argument after a TypeError with Python's own words.
    assert text.endswith("__init__() got an unexpected keyword argument 'gravty'.")
    assert isinstance(caught.value, TypeError)  # what a wrong keyword raises elsewhere
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("name", "text"),
    [("render_mode", r"`env\.render\(state\)`"), ("num_envs", r"`jax\.vmap\(env\.reset\)\(keys\)`")],
)
def test_an_argument_of_gymnasiums_make_says_what_to_write(name, text):
    with pytest.raises(InvalidField, match=rf"^CartPole-v1 has no field `{name}`\. .*{text}.*argument '{name}'\.$"):
        jaxenvs.make("CartPole-v1", **{name: 2})


def test_unknown_field_in_the_spec_itself():
    spec = jaxenvs.register("Moon-v0", CartPole, fields={"gravty": 1.6})
    with pytest.raises(InvalidField, match="Moon-v0 has no field `gravty`"):
        jaxenvs.make(spec)


def test_missing_field():
    spec = jaxenvs.register("Sized-v0", NeedsSize)
    with pytest.raises(InvalidField, match=r"Sized-v0 needs a value for `size`: `make\('Sized-v0', name=value\)`"):
        jaxenvs.make(spec)
    assert jaxenvs.make(spec, size=3).size == 3


@pytest.mark.parametrize(
    "nan",
    [
        float("nan"),
        np.float32("nan"),
        np.float64("nan"),
        np.array([1.0, np.nan]),
        jnp.nan,
        jnp.asarray(jnp.nan),
        jnp.array([0.0, jnp.nan]),
    ],
    ids=["float", "float32", "float64", "numpy", "jnp.nan", "scalar array", "array"],
)
def test_nan_field_is_refused(nan):
    with pytest.raises(InvalidField, match="field `gravity` is NaN"):
        jaxenvs.make("CartPole-v1", gravity=nan)


def test_make_works_inside_a_trace():
    def first_speed(gravity):
        env = jaxenvs.make("CartPole-v1", gravity=gravity)
        state, _ = env.reset(jaxenvs.random.key(0))
        return jaxenvs.unwrap_state(env, env.step(state, jnp.int32(1))[0]).theta_dot

    speeds = jax.jit(jax.vmap(first_speed))(jnp.array([1.0, 20.0], jnp.float32))
    assert speeds[0] != speeds[1]


def test_missing_package_of_an_extra_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "needs_simulator.py").write_text("import a_simulator_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = jaxenvs.register("Sim-v0", "needs_simulator:Env", extra="mujoco")
    with pytest.raises(DependencyNotInstalled) as caught:
        jaxenvs.make(spec)
    text = 'Sim-v0 needs `a_simulator_that_is_missing`, which is not installed: run `pip install "jaxenvs[mujoco]"`.'
    assert str(caught.value) == text
    assert isinstance(caught.value, ImportError)


def test_missing_package_whose_name_begins_the_modules_name(tmp_path, monkeypatch):
    """`simul` is missing, `simul_envs` is not: the one's name being a prefix of the other's means nothing."""
    (tmp_path / "simul_envs.py").write_text("import simul\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DependencyNotInstalled, match="needs `simul`"):
        jaxenvs.make(jaxenvs.register("Sim-v1", "simul_envs:Env", extra="mujoco"))


def test_missing_package_without_an_extra_is_the_plain_error(tmp_path, monkeypatch):
    (tmp_path / "needs_other.py").write_text("import another_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="another_that_is_missing"):
        jaxenvs.make(jaxenvs.register("Sim-v2", "needs_other:Env"))


@pytest.mark.parametrize(
    ("entry_point", "text"),
    [
        ("jaxenvs.envs.nowhere:CartPole", "there is no module `jaxenvs.envs.nowhere`"),
        ("jaxenvs.envs.classic_control.cart_pole:CartPoll", "names no subclass of jaxenvs.Env"),
        ("math:pi", "names no subclass of jaxenvs.Env"),
    ],
)
def test_wrong_entry_point(entry_point, text):
    with pytest.raises(RegistrationError, match=text):
        jaxenvs.make(jaxenvs.register("Wrong-v0", entry_point))


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.id)
def test_specs_survive_json_pickle_and_copy(spec):
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec


def test_json_of_a_spec_with_a_class_and_a_list():
    spec = EnvSpec("X-v0", CartPole, fields={"rows": [["a"], ["b"]]}, max_episode_steps=3)
    assert spec.fields["rows"] == (("a",), ("b",))
    read = EnvSpec.from_json(spec.to_json())
    assert read == dataclasses.replace(spec, entry_point="jaxenvs.envs.classic_control.cart_pole:CartPole")


def test_fields_of_a_spec_cannot_be_changed():
    with pytest.raises(TypeError):
        jaxenvs.spec("CartPole-v1").fields["gravity"] = 1.0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "3", '{"id": "X-v0"}', json.dumps({"id": "X-v0", "entry_point": "a:B", "nope": 1})]
)
def test_text_that_is_no_spec(text):
    with pytest.raises(RegistrationError, match="not the JSON of an EnvSpec"):
        EnvSpec.from_json(text)


def test_spec_that_json_cannot_hold():
    with pytest.raises(RegistrationError, match="cannot be written as JSON"):
        EnvSpec("X-v0", CartPole, fields={"gravity": np.ones(2)}).to_json()

    class Local(CartPole):
        """A class without an importable name."""

    with pytest.raises(RegistrationError, match="top of a module"):
        EnvSpec("X-v0", Local).to_json()
