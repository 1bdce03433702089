"""Packages that announce their environments through an entry point."""

import sys
import textwrap

import pytest

import jaxenvs
from jaxenvs.registration.registry import ENTRY_POINT_GROUP, registry

CART_POLE = "jaxenvs.envs.classic_control.cart_pole:CartPole"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a fake distribution: `install("name", code, "module or module:function")`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_plugins_loaded", False)
    modules = []

    def install(name, code, value, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(code))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{name} = {value}\n")
        modules.append(name)

    yield install
    for name in modules:
        sys.modules.pop(name, None)


REGISTERS = f"""
    import jaxenvs
    def register():
        jaxenvs.register("fake/Pole-v3", "{CART_POLE}", max_episode_steps=5)
"""


def test_a_function_is_called_on_the_first_look_up(install):
    install("fake_function", REGISTERS, "fake_function:register")
    assert jaxenvs.make("fake/Pole-v3").max_episode_steps == 5
    assert "fake/Pole-v3" in list(registry)


def test_a_module_is_imported(install):
    install("fake_module", f"import jaxenvs\njaxenvs.register('fake/Other-v0', '{CART_POLE}')", "fake_module")
    assert "fake/Other-v0" in jaxenvs.pprint_registry(disable_print=True)


def test_no_plugin_is_loaded_for_an_id_of_the_catalog(install):
    install("fake_function", REGISTERS, "fake_function:register")
    jaxenvs.make("CartPole-v1")
    assert "fake_function" not in sys.modules


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise RuntimeError('no display')", "RuntimeError: no display"),
        ("import a_package_that_is_missing", "ModuleNotFoundError: No module named 'a_package_that_is_missing'"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
        ("import jaxenvs\njaxenvs.register('Bad id!', 'a:B')", "RegistrationError: Malformed environment ID"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_rest_works(install, code, error):
    install("broken_plugin", code, "broken_plugin")
    install("fake_function", REGISTERS, "fake_function:register")
    text = rf"The jaxenvs plug-in `broken_plugin` \(broken_plugin\) could not be loaded: {error}"
    with pytest.warns(UserWarning, match=text) as caught:
        env = jaxenvs.make("fake/Pole-v3")
    assert env.max_episode_steps == 5
    assert caught[0].filename == __file__
    assert jaxenvs.make("fake/Pole-v3") == env  # and it is reported once
    assert "fake/Pole-v3" in jaxenvs.pprint_registry(disable_print=True)


def test_broken_plugins_keep_no_others_out_where_warnings_are_errors(install):
    install("broken_plugin", "raise RuntimeError('no display')", "broken_plugin")
    install("fake_function", REGISTERS, "fake_function:register")
    with pytest.raises(UserWarning, match="no display"):  # the suite's filter
        len(registry)
    assert jaxenvs.make("fake/Pole-v3").max_episode_steps == 5


def test_corrupt_metadata_of_any_package_is_reported(install, tmp_path):
    install("fake_function", REGISTERS, "fake_function:register")
    (tmp_path / "fake_function-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n")
    with pytest.warns(UserWarning, match="metadata of some installed package cannot be read"):
        assert len(registry) > 0
    assert jaxenvs.make("CartPole-v1") is not None


def test_a_plugin_without_its_function_is_reported(install):
    install("empty_plugin", "", "empty_plugin:register")
    with pytest.warns(UserWarning, match="`empty_plugin` .*AttributeError"):
        len(registry)


def test_importing_the_plugin_oneself_registers_once(install):
    code = REGISTERS + "\n    register()\n"
    install(
        "self_importing",
        code.replace("def register():", "def register():\n        if 'fake/Pole-v3' in loaded(): return").replace(
            "import jaxenvs\n", "import jaxenvs\n    loaded = lambda: [s.id for s in jaxenvs.registry.loaded()]\n", 1
        ),
        "self_importing:register",
    )
    __import__("self_importing")
    assert jaxenvs.make("fake/Pole-v3").max_episode_steps == 5


def test_registering_loads_no_plugin(install):
    install("fake_function", REGISTERS, "fake_function:register")
    jaxenvs.register("mine/A-v0", CART_POLE)
    assert "fake_function" not in sys.modules


def test_a_package_found_twice_is_loaded_once(install, tmp_path, monkeypatch):
    install("fake_function", REGISTERS, "fake_function:register")
    monkeypatch.syspath_prepend(tmp_path / "copy")
    install("fake_function", REGISTERS, "fake_function:register", tmp_path / "copy")
    assert jaxenvs.make("fake/Pole-v3").max_episode_steps == 5


@pytest.mark.parametrize("id", ["ALE/Pong-v5", "ALE/Pong", "PongNoFrameskip-v4", "Breakout-v0"])
def test_without_the_bridge_a_game_says_what_to_install(id, monkeypatch):
    games = {known: spec for known, spec in registry._specs.items() if spec.namespace != "ALE"}
    monkeypatch.setattr(registry, "_specs", games)
    monkeypatch.setattr(registry, "_makers", [])
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    with pytest.raises(jaxenvs.errors.UnregisteredEnv, match=r'a game of the ALE.*pip install "jaxenvs\[atari\]"'):
        jaxenvs.make(id)
    with pytest.raises(jaxenvs.errors.NameNotFound, match="doesn't exist"):
        jaxenvs.make("Pnog-v0")
