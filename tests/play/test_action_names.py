"""Names of actions, keys, and what happens while no key is down."""

import json

import pytest

import jaxenvs
from jaxenvs.cli.catalog_spaces import FILE
from jaxenvs.play.action_names import FAMILIES, Actions, actions_of, bindings_of, keys_of, names_of
from jaxenvs.spaces import Box, Discrete

SHIPPED = [spec for spec in jaxenvs.registry.loaded() if str(spec.entry_point).startswith("jaxenvs.envs.")]
NUMBERED = {
    "KellyCoinflip-v0",
    "rlenvs/MultiArmedBandit-v0",
    "bsuite/Bandit-v0",
    "bsuite/DeepSea-v0",  # its actions mean left or right depending on the cell
    "bsuite/DeepSeaStochastic-v0",
    "bsuite/MemoryChain-v0",
    "bsuite/MnistBandit-v0",
}
"""Ids whose discrete actions have no names but their numbers."""


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.id)
def test_every_discrete_action_of_the_catalog_has_a_name(spec):
    text = json.loads(FILE.read_text()).get(spec.id, {"action_space": "Discrete(10)"})["action_space"]
    family = FAMILIES.get(spec.entry_point.removeprefix("jaxenvs.envs."))
    if not text.startswith("Discrete"):
        assert family is None or not family.names or actions_of(jaxenvs.make(spec.id)).names == ()
        return
    if family is None:  # a board, which names its own actions
        env = jaxenvs.unwrap(jaxenvs.make(spec.id))
        assert len(set(env.action_meanings)) == env.action_space.n
        assert actions_of(env) == Actions((env.action_meanings,), idle="wait")
        return
    space = Discrete(int(text.removeprefix("Discrete(").rstrip(")")))
    names = names_of(space, family)
    is_numbered = names is None or names == [str(i) for i in range(space.n)]
    assert is_numbered == (spec.id in NUMBERED)
    if isinstance(family.idle, int):
        assert keys_of(names[family.idle]) == (), "the action of no key does nothing"


@pytest.mark.parametrize(
    "name, keys",
    [
        ("left", ("ArrowLeft",)),
        ("north", ("ArrowUp",)),
        ("FIRE", (" ",)),
        ("UPRIGHTFIRE", ("ArrowUp", "ArrowRight", " ")),
        ("down left", ("ArrowDown", "ArrowLeft")),
        ("NOOP", ()),
        ("coffee", ("c",)),
        ("upset", None),
        ("bet 3", None),
    ],
)
def test_keys_follow_from_names(name, keys):
    assert keys_of(name) == keys


def test_digits_stand_for_up_to_ten_actions():
    space = Discrete(3, start=2)
    bindings = bindings_of(space, Actions())
    assert bindings == [{"keys": [str(k)], "set": [[[], k]], "act": True} for k in (2, 3, 4)]
    assert bindings_of(Discrete(11), Actions()) == []


def test_no_two_actions_share_their_keys():
    for spec in SHIPPED:
        if spec.extra is None and spec.id != "bsuite/MnistBandit-v0":
            env = jaxenvs.make(spec)
            keys = [tuple(binding["keys"]) for binding in bindings_of(env.action_space, actions_of(env))]
            assert len(keys) == len(set(keys)), spec.id


@pytest.mark.parametrize("id", ["VoxelCraft-v0", "rlenvs/Minecraft-v0"])
def test_every_action_in_a_world_of_blocks_has_a_key_and_wasd_walk(id):
    env = jaxenvs.make(id)
    bindings = bindings_of(env.action_space, actions_of(env))
    assert {binding["set"][0][1] for binding in bindings} == set(range(env.action_space.n))
    keys = {binding["keys"][0] for binding in bindings}
    assert {"ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"} < keys and not keys & set("wasd")


def test_an_environment_of_another_package_may_name_its_actions():
    class Named(type(jaxenvs.unwrap(jaxenvs.make("FrozenLake-v1")))):
        @property
        def action_meanings(self):
            return ("NOOP", "LEFT", "RIGHT", "JUMP")

    env = Named()
    actions = actions_of(env)
    assert actions == Actions((("NOOP", "LEFT", "RIGHT", "JUMP"),), idle=0)
    assert names_of(env.action_space, actions) == ["noop", "left", "right", "jump"]


def test_symbols_choose_and_arrows_act_in_algorithmic_tasks():
    env = jaxenvs.make("Copy-v0")
    bindings = {tuple(b["keys"]): b for b in bindings_of(env.action_space, actions_of(env))}
    assert bindings["ArrowRight",] == {"keys": ["ArrowRight"], "set": [[[0], 1]], "act": True}
    assert bindings["d",] == {"keys": ["d"], "set": [[[1], 1], [[2], 3]], "act": False}
    assert bindings["Backspace",]["set"] == [[[1], 0]]


def test_arrows_move_a_continuous_action_to_its_bounds():
    bindings = {binding["keys"][0]: binding["set"] for binding in bindings_of(Box(-2, 3, (1,)), Actions())}
    assert bindings["ArrowLeft"] == [[[0], -2.0]]
    assert bindings["ArrowUp"] == [[[0], 3.0]]
    assert bindings_of(Box(-1e4, 1e4, (1,)), Actions()) == []
