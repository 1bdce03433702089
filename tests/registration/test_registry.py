"""Looking ids up and registering them, and the errors if there is no such id."""

import re
import sys
import warnings

import gymnasium
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import (
    DeprecatedEnv,
    NameNotFound,
    NamespaceNotFound,
    RegistrationError,
    UnregisteredEnv,
    VersionNotFound,
)
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.registration.registry import registry
from jaxenvs.registration.spec import format_id, parse_id

MALFORMED = (
    "Malformed environment ID: Bad id!."
    " (Currently all IDs must be of the form [namespace/](env-name)-v(version). (namespace is optional))"
)


def register_examples():
    if "Taxi-v4" not in registry:
        jaxenvs.register("Taxi-v4", CartPole)
    jaxenvs.register("phys2d/CartPole-v1", CartPole)
    jaxenvs.register("Plain", CartPole)


@pytest.mark.parametrize(
    ("id", "error", "text"),
    [
        ("CartPol-v1", NameNotFound, "Environment `CartPol` doesn't exist. Did you mean: `CartPole`?"),
        ("cartpole-v1", NameNotFound, "Environment `cartpole` doesn't exist. Did you mean: `CartPole`?"),
        ("CARTPOLE-v1", NameNotFound, "Environment `CARTPOLE` doesn't exist. Did you mean: `CartPole`?"),
        ("Qqqq-v1", NameNotFound, "Environment `Qqqq` doesn't exist. `jaxenvs list` shows every id."),
        (
            "CartPole-v9",
            VersionNotFound,
            "Environment version `v9` for environment `CartPole` doesn't exist."
            " It provides versioned environments: [ `v0`, `v1` ].",
        ),
        (
            "Plain-v1",
            VersionNotFound,
            "Environment version `v1` for environment `Plain` doesn't exist. It provides the default version `Plain`.",
        ),
        ("Taxi-v3", DeprecatedEnv, "Environment version v3 for `Taxi` is deprecated. Please use `Taxi-v4` instead."),
        (
            "nope/CartPole-v1",
            NamespaceNotFound,
            "Namespace nope not found. Have you installed the proper package for nope?",
        ),
        ("phys2/CartPole-v1", NamespaceNotFound, "Namespace phys2 not found. Did you mean: `phys2d`?"),
        (
            "phys2d/CartPol-v1",
            NameNotFound,
            "Environment `CartPol` doesn't exist in namespace phys2d. Did you mean: `CartPole`?",
        ),
        (
            "phys2d-CartPole-v1",
            NameNotFound,
            "Environment `phys2d-CartPole` doesn't exist."
            " In jaxenvs it is `phys2d/CartPole`; the hyphen is for Gymnasium.",
        ),
        ("Bad id!", RegistrationError, MALFORMED),
        ("", RegistrationError, MALFORMED.replace("Bad id!", "")),
        (
            "CartPole-v01",
            RegistrationError,
            "Malformed environment ID: CartPole-v01. Write the version in plain digits: `CartPole-v1`.",
        ),
        (
            "CartPole-v\uff11",
            RegistrationError,
            "Malformed environment ID: CartPole-v\uff11. Write the version in plain digits: `CartPole-v1`.",
        ),
        (7, RegistrationError, MALFORMED.replace("Bad id!", "7")),
        (
            "CartPole-v1\n",
            RegistrationError,
            f"{MALFORMED.replace('Bad id!', 'CartPole-v1' + chr(10))} There is white space around it; did you mean:"
            " `CartPole-v1`?",
        ),
    ],
)
@pytest.mark.parametrize("call", [jaxenvs.spec, jaxenvs.make])
def test_unknown_id(id, error, text, call):
    register_examples()
    with pytest.raises(error) as caught:
        call(id)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "id", ["CartPol-v1", "CartPole-v9", "Taxi-v3", "nope/CartPole-v1", "phys2/CartPole-v1", "Bad id!"]
)
def test_texts_equal_gymnasiums(id):
    register_examples()
    with pytest.raises(jaxenvs.errors.JaxenvsError) as ours:
        jaxenvs.make(id)
    with pytest.raises(gymnasium.error.Error) as theirs, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gymnasium.make(id)
    assert str(ours.value) == str(theirs.value)
    if type(theirs.value) is not gymnasium.error.Error:
        assert type(ours.value).__name__ == type(theirs.value).__name__


def test_name_that_exists_in_a_namespace_only():
    jaxenvs.register("family/Unusual-v2", CartPole)
    with pytest.raises(NameNotFound, match="It exists in namespace `family`: `family/Unusual`"):
        jaxenvs.spec("Unusual-v2")


@pytest.mark.parametrize("call", [jaxenvs.spec, jaxenvs.make])
@pytest.mark.parametrize(
    ("id", "own", "gymnasiums"),
    [
        ("jaxenvs/CartPole-v1", "CartPole-v1", "jaxenvs/CartPole-v1"),
        ("jaxenvs/CartPole", "CartPole-v1", "jaxenvs/CartPole-v1"),
        ("jaxenvs/Pendulum-v0", "Pendulum-v1", "jaxenvs/Pendulum-v1"),
        ("jaxenvs/MinAtar-Breakout-v1", "MinAtar/Breakout-v1", "jaxenvs/MinAtar-Breakout-v1"),
        ("jaxenvs/MinAtar/Breakout-v1", "MinAtar/Breakout-v1", "jaxenvs/MinAtar-Breakout-v1"),
    ],
)
def test_an_id_of_gymnasiums_says_what_to_write(id, own, gymnasiums, call):
    with pytest.raises(NamespaceNotFound) as caught:
        call(id)
    assert f'`jaxenvs.make("{own}")`, in Gymnasium `gymnasium.make("{gymnasiums}")`' in str(caught.value)


def test_an_unknown_id_of_gymnasiums_is_looked_for_without_its_namespace():
    with pytest.raises(NameNotFound, match="Did you mean: `CartPole`"):
        jaxenvs.make("jaxenvs/CartPol-v1")
    spec = jaxenvs.register("jaxenvs/Mine-v0", CartPole)
    assert jaxenvs.spec("jaxenvs/Mine-v0") is spec


def test_every_look_up_error_is_an_unregistered_env():
    for id in ("CartPol-v1", "CartPole-v9", "nope/CartPole-v1"):
        with pytest.raises(UnregisteredEnv):
            jaxenvs.spec(id)


def test_versions_sort_as_numbers():
    jaxenvs.register("Many-v2", CartPole)
    jaxenvs.register("Many-v10", CartPole)
    with pytest.raises(VersionNotFound, match=r"\[ `v2`, `v10` \]"):
        jaxenvs.spec("Many-v11")
    with pytest.raises(DeprecatedEnv, match="use `Many-v10`"):
        jaxenvs.spec("Many-v3")


@pytest.mark.parametrize("call", [jaxenvs.spec, jaxenvs.make])
def test_unversioned_id_means_the_latest_and_warns_at_the_callers_line(call):
    text = "Using the latest versioned environment `CartPole-v1` instead of the unversioned environment `CartPole`."
    with pytest.warns(UserWarning) as caught:
        call("CartPole")
    assert [str(w.message) for w in caught] == [text]
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="Using the latest versioned"):
        assert jaxenvs.spec("CartPole").id == "CartPole-v1"


def test_unversioned_warning_equals_gymnasiums():
    with pytest.warns(UserWarning) as ours:
        jaxenvs.make("CartPole")
    with pytest.warns(UserWarning) as theirs:
        gymnasium.make("CartPole").close()
    assert str(ours[0].message) in str(theirs[0].message)


def test_unversioned_only_environment_needs_no_version():
    spec = jaxenvs.register("Plain", CartPole)
    assert jaxenvs.spec("Plain") is spec
    assert spec.version is None


def test_renamed_id_resolves_with_a_note_at_the_callers_line(monkeypatch):
    monkeypatch.setitem(sys.modules["jaxenvs.registration.registry"].RENAMED, "OldPole-v0", "CartPole-v1")
    with pytest.warns(DeprecationWarning, match="`OldPole-v0` behaves as `CartPole-v1`") as caught:
        env = jaxenvs.make("OldPole-v0")
    assert env == jaxenvs.make("CartPole-v1")
    assert caught[0].filename == __file__


def test_register_returns_the_spec_and_make_builds_it():
    spec = jaxenvs.register(
        "mine/Moon-v0", CartPole, fields={"gravity": 1.6}, max_episode_steps=7, reward_threshold=3.0
    )
    assert jaxenvs.spec("mine/Moon-v0") is spec
    assert (spec.namespace, spec.name, spec.version, spec.family) == ("mine", "Moon", 0, "mine")
    assert jaxenvs.make("mine/Moon-v0") == jaxenvs.TimeLimit(CartPole(gravity=1.6), 7)


def test_duplicate_registration_warns_at_the_callers_line_and_replaces():
    with pytest.warns(UserWarning, match="^Overriding environment CartPole-v1 already in registry.$") as caught:
        spec = jaxenvs.register("CartPole-v1", CartPole)
    assert caught[0].filename == __file__
    assert jaxenvs.spec("CartPole-v1") is spec


def test_a_cell_that_is_run_again_registers_its_class_again_in_silence():
    def cell():
        class Greenhouse(CartPole):
            pass

        return jaxenvs.register("Greenhouse-v0", Greenhouse)

    cell()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = cell()
    assert (
        jaxenvs.spec("Greenhouse-v0") is again
        and type(jaxenvs.unwrap(jaxenvs.make("Greenhouse-v0"))) is again.entry_point
    )


def test_the_registry_says_how_to_list_it():
    assert repr(registry) == (
        f"<{len(registry)} ids; `jaxenvs.pprint_registry()` lists them, `jaxenvs.spec(id)` describes one>"
    )


def test_unversioned_beside_versioned_is_refused_as_gymnasium_does():
    with pytest.raises(
        RegistrationError, match="Can't register the unversioned environment `CartPole` when the versioned"
    ):
        jaxenvs.register("CartPole", CartPole)
    jaxenvs.register("Plain", CartPole)
    with pytest.raises(
        RegistrationError, match="Can't register the versioned environment `Plain-v0` when the unversioned"
    ):
        jaxenvs.register("Plain-v0", CartPole)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("Bad id!", CartPole), "Malformed environment ID"),
        (("X-v007", CartPole), "plain digits: `X-v7`"),
        (("X-v0", "no_colon"), "'package.module:Class'"),
        (("X-v0", "a:b:c"), "'package.module:Class'"),
        (("X-v0", lambda: CartPole()), "subclass of jaxenvs.Env"),
        (("X-v0", int), "subclass of jaxenvs.Env"),
        (("X-v0", None), "subclass of jaxenvs.Env"),
    ],
)
def test_bad_registration(arguments, text):
    with pytest.raises(RegistrationError, match=text):
        jaxenvs.register(*arguments)
    assert arguments[0] not in registry


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "9"])
def test_bad_time_limit_in_a_spec(steps):
    with pytest.raises(RegistrationError, match="max_episode_steps must be a positive integer or None"):
        jaxenvs.register("X-v0", CartPole, max_episode_steps=steps)


def test_module_form_imports_the_module_first(tmp_path, monkeypatch):
    (tmp_path / "my_envs_module.py").write_text(
        "import jaxenvs\njaxenvs.register('Custom-v0', 'jaxenvs.envs.classic_control.cart_pole:CartPole')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert jaxenvs.make("my_envs_module:Custom-v0") == CartPole()
    finally:
        sys.modules.pop("my_envs_module", None)


def test_module_form_with_a_missing_module_says_what_gymnasium_says():
    with pytest.raises(ModuleNotFoundError) as ours:
        jaxenvs.make("nomod:Env-v0")
    with pytest.raises(ModuleNotFoundError) as theirs:
        gymnasium.make("nomod:Env-v0")
    assert str(ours.value) == str(theirs.value)


def test_registry_reads_like_a_dict_and_cannot_be_assigned_to():
    assert "CartPole-v1" in registry
    assert "CartPole-v9" not in registry
    assert len(registry) == len(list(registry)) >= len(CATALOG)  # more if a plug-in is installed
    assert registry["CartPole-v1"].max_episode_steps == 500
    with pytest.raises(KeyError):
        registry["CartPole-v9"]
    with pytest.raises(TypeError):
        registry["X-v0"] = registry["CartPole-v1"]


def test_pprint_registry(capsys):
    text = jaxenvs.pprint_registry(disable_print=True)
    assert "===== classic_control =====" in text
    assert all(spec.id in text.split() for spec in CATALOG)
    assert jaxenvs.pprint_registry() is None
    assert capsys.readouterr().out == text + "\n"
    two = jaxenvs.pprint_registry(num_cols=1, disable_print=True)
    assert "\nCartPole-v0\nCartPole-v1" in two
    assert "CartPole-v1" not in jaxenvs.pprint_registry(exclude_namespaces=["classic_control"], disable_print=True)


@pytest.mark.parametrize(
    "id", ["CartPole-v1", "ALE/Breakout-v5", "Plain", "a/b-c.d:e-v10", "Name-vx", "Under_score-v0"]
)
def test_parse_and_format_are_inverse_and_agree_with_gymnasium(id):
    assert format_id(*parse_id(id)) == id
    assert parse_id(id) == gymnasium.envs.registration.parse_env_id(id)


def test_ids_made_on_demand_are_found_but_neither_counted_nor_listed(monkeypatch):
    monkeypatch.setattr(registry, "_makers", [])
    asked = []

    def long_pole(id):
        asked.append(id)
        name, _, length = id.removesuffix("-v0").partition("Pole")
        if name != "Long" or not length.isdigit():
            return None
        return jaxenvs.EnvSpec(id, "jaxenvs.envs.classic_control.cart_pole:CartPole", {"half_length": float(length)})

    registry.on_missing(long_pole)
    registry.on_missing(long_pole)
    before = list(registry)
    assert jaxenvs.make("LongPole3-v0").half_length == 3
    assert asked == ["LongPole3-v0"] * len(asked)
    assert "LongPole4-v0" in registry and "LongPole-v0" not in registry
    assert asked.count("LongPole4-v0") == 1
    assert list(registry) == before
    with pytest.raises(NameNotFound):
        jaxenvs.make("LongPole-v0")


def test_a_maker_that_fails_is_reported_and_asked_no_more(monkeypatch):
    monkeypatch.setattr(registry, "_makers", [])

    def broken(id):
        raise RuntimeError(f"cannot read {id}")

    def other(id):
        return jaxenvs.EnvSpec(id, CartPole) if id == "Late-v0" else None

    registry.on_missing(broken)
    registry.on_missing(other)
    with pytest.warns(UserWarning, match=r"broken`.* failed at `Late-v0` .*RuntimeError: cannot read Late-v0"):
        assert jaxenvs.make("Late-v0") == CartPole()
    assert jaxenvs.make("Late-v0") == CartPole()


class Own(CartPole):
    """An environment of a user."""


@pytest.mark.parametrize(
    ("entry_point", "arguments", "message"),
    [
        (Own(), {}, "Register its class, and give the values that differ"),
        (lambda: Own(), {}, "Register the class, and give what the function passes"),
        (Own, {"kwargs": {"gravity": 5}}, "has no argument `kwargs`. Values for the environment's fields are `fields"),
        (Own, {"time_limit": 5}, "It is `max_episode_steps`"),
        (Own, {"max_episode_step": 5}, "Did you mean: `max_episode_steps`"),
        (Own, {"banana": 5}, "There are id, entry_point, fields"),
    ],
)
def test_registering_otherwise_is_answered_in_words(entry_point, arguments, message):
    with pytest.raises(RegistrationError, match=re.escape(message)):
        jaxenvs.register("Own-v0", entry_point, **arguments)
    assert "Own-v0" not in jaxenvs.registry


@pytest.mark.parametrize("given", [Own, Own()])
def test_making_what_is_an_environment_already_is_answered_in_words(given):
    with pytest.raises(RegistrationError, match=r"`Own\(...\)` is an environment as it is"):
        jaxenvs.make(given)
