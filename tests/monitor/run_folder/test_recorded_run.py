"""Run.record: what a manifest says, and the environment that is rebuilt from it."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import wrappers
from jaxenvs.errors import CheckpointError, InvalidField
from jaxenvs.monitor import Run, Settings
from jaxenvs.monitor.run_folder.field_values import NotRebuildable, from_json, to_json
from jaxenvs.monitor.run_folder.key_words import episode_keys, implementation_of, key_from_words, key_words
from jaxenvs.monitor.run_folder.rebuilt_env import rebuild_env, without_auto_reset
from jaxenvs.registration import find_id


def test_the_manifest_describes_everything(tmp_path):
    env = jaxenvs.AutoReset(wrappers.ScaleReward(jaxenvs.make("CartPole-v1", gravity=1.5), reward_scale=2.0))
    run = Run.record(env, key=jaxenvs.random.key(7), seed=7, path=tmp_path / "run")
    manifest = run.manifest()
    assert manifest["environment"]["id"] == "CartPole-v1" and manifest["environment"]["action_space"] == "Discrete(2)"
    fields = manifest["environment"]["fields"]
    assert fields["gravity"] == 1.5 and fields["pole_mass"] == 0.1 and fields["kinematics_integrator"] == "euler"
    assert list(fields) == [field.name for field in dataclasses.fields(jaxenvs.unwrap(env))]
    layers = [layer["class"].partition(":")[2] for layer in manifest["environment"]["wrappers"]]
    assert layers == ["AutoReset", "ScaleReward", "TimeLimit"]
    assert manifest["environment"]["wrappers"][1]["fields"] == {"reward_scale": 2.0, "training_only": True}
    assert manifest["seed"] == 7 and manifest["key"] == key_words(jaxenvs.random.key(7))
    assert manifest["key_implementation"] == "jaxenvs" and manifest["x64"] is jax.config.jax_enable_x64
    assert {"jaxenvs", "jax", "jaxlib", "numpy", "python", "flax"} == set(manifest["versions"])
    assert manifest["backend"] == "cpu" and manifest["device"].endswith("cpu") and manifest["status"] == "running"
    run.mark("finished")
    assert Run.open(run.path) == run and run.manifest()["status"] == "finished"
    with pytest.raises(CheckpointError, match="is a recorded run, without a learner"):
        run.settings  # noqa: B018  # the lookup is what is tested
    with pytest.raises(CheckpointError, match="without a learner"):
        jaxenvs.load(run.path)


def test_the_environment_of_a_training_is_described_too(tmp_path):
    settings = Settings("CartPole-v1", {"gravity": 1.5}, None, "ppo", {}, 0)
    env = jaxenvs.make("CartPole-v1", gravity=1.5)
    run = Run.create(settings, tmp_path / "run", env=env, key=jaxenvs.random.key(0))
    assert Run.open(run.path).settings == settings and run.manifest()["key"] == key_words(jaxenvs.random.key(0))
    assert rebuild_env(run.manifest()).env == env
    plain = Run.create(settings, tmp_path / "plain")
    with pytest.raises(CheckpointError, match=r"does not describe the environment in full. Give the environment"):
        rebuild_env(plain.manifest())


@pytest.mark.parametrize(
    ("id", "fields"),
    [
        ("CartPole-v0", {}),
        ("FrozenLake8x8-v1", {"is_slippery": False}),
        ("FrozenLake-v1", {"desc": ("SF", "HG")}),
        ("Pendulum-v1", {"gravity": np.float32(1) / 3}),
        ("MountainCarContinuous-v0", {}),
        ("MinAtar/Breakout-v1", {}),
    ],
)
def test_an_environment_is_rebuilt_with_every_field(tmp_path, id, fields):
    env = jaxenvs.AutoReset(jaxenvs.make(id, **fields))
    run = Run.record(env, path=tmp_path / "run")
    assert run.manifest()["environment"]["id"] == id == find_id(env)
    rebuilt = rebuild_env(run.manifest())
    assert jax.tree.structure(rebuilt.env) == jax.tree.structure(env) and rebuilt.notes == ()
    jax.tree.map(np.testing.assert_array_equal, rebuilt.env, env)


def squashed(reward):
    return jnp.tanh(reward)


def test_wrappers_with_functions_are_named_and_left_out_where_possible(tmp_path):
    base = jaxenvs.make("CartPole-v1")
    env = jaxenvs.AutoReset(wrappers.TransformReward(base, func=squashed))
    rebuilt = rebuild_env(Run.record(env, path=tmp_path / "reward").manifest())
    assert rebuilt.env == jaxenvs.AutoReset(base) and not rebuilt.has_rewards
    assert rebuilt.notes == ("TransformReward is left out, since a function cannot be kept in run.json.",)
    env = wrappers.TransformAction(base, func=lambda action: 1 - action, space=jaxenvs.spaces.Discrete(2))
    manifest = Run.record(env, path=tmp_path / "action").manifest()
    with pytest.raises(CheckpointError, match=r"TransformAction: field `func`: .*Give the environment: .*env=env"):
        rebuild_env(manifest)


def test_wrappers_around_auto_reset_stay_if_they_keep_nothing(tmp_path):
    env = wrappers.NormalizeReward(
        wrappers.ScaleReward(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1")), reward_scale=3.0)
    )
    bare = without_auto_reset(env)
    assert bare.env == wrappers.ScaleReward(jaxenvs.make("CartPole-v1"), reward_scale=3.0) and not bare.has_rewards
    assert bare.notes == ("NormalizeReward is left out, since its state outlives episodes.",)
    kept = without_auto_reset(wrappers.EpisodeStatistics(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))))
    assert kept.has_rewards and kept.env == jaxenvs.make("CartPole-v1")


def test_a_class_of_ones_own_needs_no_id(tmp_path):
    class Mine(type(jaxenvs.unwrap(jaxenvs.make("CartPole-v1")))):
        pass

    run = Run.record(Mine(), path=tmp_path / "run")
    assert run.manifest()["environment"]["id"] is None
    with pytest.raises(CheckpointError, match=r"cannot be rebuilt: .*Mine` cannot be imported.* Give the environment"):
        rebuild_env(run.manifest())
    assert Run.record(Mine(), path=tmp_path / "named", env_id="My-v0").manifest()["environment"]["id"] == "My-v0"
    assert Run.record(Mine(), parent=tmp_path).path.name.startswith("Mine-recorded-")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class": "os:system"}, "`os:system` is not a dataclass"),
        (
            {"class": "jaxenvs.monitor.run_folder.run:Run", "fields": {"path": "a", "training": None}},
            "is not an environment",
        ),
        ({"class": "nowhere:Env"}, "`nowhere:Env` cannot be imported"),
        ({"fields": {"gravitas": 1.0}}, "has no field `gravitas`"),
        ({"fields": {"kinematics_integrator": "magic"}}, "cannot be rebuilt by this version: .*magic"),
    ],
)
def test_a_manifest_of_something_else_is_refused(tmp_path, change, message):
    manifest = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "run").manifest()
    with pytest.raises(CheckpointError, match=message):
        rebuild_env({"environment": {**manifest["environment"], **change}})


def test_writers_join_a_run_of_the_same_environment_only(tmp_path):
    path = tmp_path / "run"
    run = Run.record(jaxenvs.make("CartPole-v1"), path=path, join=True)
    assert Run.record(jaxenvs.make("CartPole-v1"), path=path, join=True) == run
    with pytest.raises(InvalidField, match="run of another environment"):
        Run.record(jaxenvs.make("CartPole-v1", gravity=1.0), path=path, join=True)
    with pytest.raises(InvalidField, match="exists already"):
        Run.record(jaxenvs.make("CartPole-v1"), path=path)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        float("inf"),
        "text",
        (1, (2.5, "a")),
        [1, 2],
        {"a": (1,), "b": None},
        {3: True, 5: False},
        np.float32(0.1),
        np.array([[1, 2]], np.int8),
        np.array([np.nan, np.inf, 1 / 3], np.float32),
        np.zeros((0, 2)),
        jaxenvs.spaces.Discrete(3, start=2),
    ],
    ids=repr,
)
def test_field_values_come_back_from_json(value):
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert type(back) is (np.ndarray if isinstance(value, np.generic) else type(value))
    jax.tree.map(np.testing.assert_array_equal, back, value)
    if isinstance(value, np.ndarray):
        assert back.dtype == value.dtype


@pytest.mark.parametrize("value", [squashed, np.zeros(5000), object()], ids=["function", "large array", "object"])
def test_other_field_values_are_only_described(value):
    described = json.loads(json.dumps(to_json(value), allow_nan=False))
    with pytest.raises(NotRebuildable, match="is not in it"):
        from_json(described)


@dataclasses.dataclass
class Gallery:
    images: np.ndarray = dataclasses.field(default_factory=lambda: np.arange(5000))
    count: int = 0


def test_a_large_array_is_rebuilt_if_it_is_that_of_the_class():
    back = from_json(json.loads(json.dumps(to_json(Gallery(count=3)))))
    np.testing.assert_array_equal(back.images, np.arange(5000))
    assert back.count == 3
    with pytest.raises(NotRebuildable, match="field `images`: the large array"):
        from_json(to_json(Gallery(images=np.zeros(5000))))


@pytest.mark.parametrize("name", ["jaxenvs", "threefry2x32", "rbg"])
def test_keys_are_numbers_and_back(name):
    key = jax.random.key(5, impl=name)
    assert implementation_of(key) == name
    assert key_words(key_from_words(key_words(key), name)) == key_words(key)
    with pytest.raises(CheckpointError, match="Not a random key"):
        key_from_words([1, 2, 3], name)


def test_keys_of_episodes_are_those_of_auto_reset():
    lanes = jax.random.split(jaxenvs.random.key(0), 3)
    words = episode_keys(lanes, np.array([2, 0, 2, 1, 0]), np.array([0, 0, 7, 3, 1]))
    expected = [jax.random.fold_in(lanes[lane], n) for lane, n in ((2, 0), (0, 0), (2, 7), (1, 3), (0, 1))]
    assert words.tolist() == [key_words(key) for key in expected] and words.dtype == np.uint32
    assert episode_keys(lanes, np.zeros(0), np.zeros(0)).shape == (0, 2)
