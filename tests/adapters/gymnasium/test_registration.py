"""Every id, including later ones, is registered with Gymnasium."""

import subprocess
import sys

import gymnasium
import pytest

import jaxenvs
from jaxenvs.adapters.gymnasium import registration
from jaxenvs.adapters.gymnasium.registration import gymnasium_id
from jaxenvs.envs.classic_control.cart_pole import CartPole

pytestmark = pytest.mark.gymnasium


@pytest.mark.parametrize("imports", ["import gymnasium, jaxenvs", "import jaxenvs, gymnasium"])
def test_either_import_order_will_do(imports):
    code = f"""{imports}
env = gymnasium.make("jaxenvs/CartPole-v1")
print(env.reset(seed=0)[0].shape, gymnasium.make_vec("jaxenvs/CartPole-v1", num_envs=3).num_envs)"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["(4,)", "3"]


def test_jaxenvs_imports_where_gymnasium_is_missing():
    code = """
import sys
sys.modules["gymnasium"] = None
import jaxenvs
print(len(jaxenvs.registry))
from jaxenvs.adapters import GymnasiumEnv"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.split() == [str(len(jaxenvs.registry))], result.stderr
    assert "DependencyNotInstalled: `jaxenvs.adapters.GymnasiumEnv` needs `gymnasium`" in result.stderr
    assert 'pip install "jaxenvs[gymnasium]"' in result.stderr


def test_every_id_is_there():
    ids = {spec.gymnasium_id for spec in jaxenvs.registry.values()}  # a look-up that loads the plug-ins
    assert ids <= set(gymnasium.registry)


def test_the_atari_ids_are_there_before_their_plugin_is_loaded():
    code = """
import sys
import gymnasium, jaxenvs
for id in ("jaxenvs/ALE-Breakout-v5", "jaxenvs/BreakoutNoFrameskip-v4", "jaxenvs/MinAtar-Breakout-v1"):
    print(gymnasium.spec(id).max_episode_steps)
print([name for name in ("jaxenvs_ale_bridge", "ale_py", "mujoco") if name in sys.modules])"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.splitlines() == ["27000", "108000", "None", "[]"], result.stderr


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("CartPole-v1", "jaxenvs/CartPole-v1"),
        ("MinAtar/Breakout-v1", "jaxenvs/MinAtar-Breakout-v1"),
        ("bsuite/DeepSea-v0", "jaxenvs/bsuite-DeepSea-v0"),
    ],
)
def test_a_spec_says_the_id_in_gymnasium(id, expected):
    assert jaxenvs.spec(id).gymnasium_id == gymnasium_id(id) == expected
    assert gymnasium.spec(expected).kwargs == {"env": id}


@pytest.fixture
def own_registries(monkeypatch):
    monkeypatch.setattr(jaxenvs.registry, "_specs", dict(jaxenvs.registry._specs))
    before = dict(gymnasium.registry)
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


@pytest.mark.usefixtures("own_registries")
@pytest.mark.parametrize(
    ("id", "expected"), [("MoonPole-v0", "jaxenvs/MoonPole-v0"), ("moon/Pole-v3", "jaxenvs/moon-Pole-v3")]
)
def test_an_id_registered_later_is_known_too(id, expected):
    jaxenvs.register(id, CartPole, fields={"gravity": 1.6}, max_episode_steps=7)
    env = gymnasium.make(expected)
    assert float(env.unwrapped.env.gravity) == pytest.approx(1.6)
    assert env.spec.max_episode_steps == 7
    assert gymnasium.make_vec(expected, num_envs=2).get_attr("max_episode_steps") == (7, 7)
    with pytest.warns(UserWarning, match="Overriding"):
        jaxenvs.register(id, CartPole, max_episode_steps=8)
    assert gymnasium.spec(expected).max_episode_steps == 8


def test_an_old_gymnasium_gets_a_warning(monkeypatch):
    monkeypatch.setattr(gymnasium, "__version__", "0.29.1")
    with pytest.warns(UserWarning, match=r"0.29.1 is older than 1.1.*jaxenvs\[gymnasium\]"):
        registration.register_all()


def test_a_misspelt_id_gets_gymnasiums_suggestion():
    with pytest.raises(gymnasium.error.NameNotFound, match="Did you mean: `CartPole`"):
        gymnasium.make("jaxenvs/CartPol-v1")
