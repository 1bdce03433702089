"""The table of peers and their tasks."""

import ale_py
import gymnasium
import jax
import pytest

import jaxenvs
from jaxenvs.bench.learning import JAXENVS_PPO, LEARNERS
from jaxenvs.bench.tasks import JAXENVS, PEER_FOLDER, PEERS
from jaxenvs.registration import registry
from jaxenvs_ale_bridge import make_atari

ROWS = {peer.name: peer for peer in PEERS}


def test_every_peer_has_a_file_and_every_file_a_peer():
    files = {peer.path for peer in (JAXENVS, *PEERS, JAXENVS_PPO, *LEARNERS)}
    assert files == set(PEER_FOLDER.glob("*_peer.py"))
    assert len(ROWS) == len(PEERS) and JAXENVS.name not in ROWS
    assert all(peer.install for peer in PEERS)


def test_tasks_are_ids_of_ours():
    assert {id for peer in PEERS for id in peer.tasks} <= set(registry)


@pytest.mark.parametrize("name", ["gymnasium-sync", "gymnasium-vector"])
def test_tasks_of_gymnasium_are_its_ids_with_our_time_limits(name):
    for id, task in ROWS[name].tasks.items():
        theirs = gymnasium.spec(task.name)
        assert theirs.max_episode_steps == registry[id].max_episode_steps
        assert name == "gymnasium-sync" or theirs.vector_entry_point is not None


def test_tasks_of_ale_vector_are_ales_games_with_our_actions():
    for id, task in ROWS["ale-vector"].tasks.items():
        theirs = ale_py.AtariVectorEnv(task.name, 1, **task.options)
        assert theirs.single_action_space.n == jaxenvs.unwrap(make_atari(id)).action_space.n
        assert theirs.single_observation_space.shape == make_atari(id).observation_space.shape
        assert JAXENVS.tasks[id].options["maker"] == "jaxenvs_ale_bridge:make_atari"


@pytest.mark.neighbours
def test_tasks_of_gymnax_have_our_spaces_and_time_limits():
    import gymnax

    for id, task in ROWS["gymnax"].tasks.items():
        limit = task.options.get("max_steps_in_episode")
        options = {name: value for name, value in task.options.items() if name != "max_steps_in_episode"}
        env, params = gymnax.make(task.name, **options)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # of its MinAtar
            observation, _ = jax.eval_shape(env.reset, jax.random.key(0), params)
        space = jaxenvs.make(id).action_space
        assert observation.shape == jaxenvs.make(id).observation_space.shape
        assert env.action_space(params).shape == space.shape
        assert getattr(env.action_space(params), "n", None) == getattr(space, "n", None)
        if limit is None:
            assert params.max_steps_in_episode == registry[id].max_episode_steps
        else:  # with no other end than the game's own
            assert registry[id].max_episode_steps is None and limit == (2501 if "Freeway" in id else 2**31 - 1)


def test_tasks_of_gymnax_include_every_game_of_minatar():
    games = {id for id in registry if id.startswith("MinAtar/") and id.endswith("-v1")}
    assert len(games) == 5 and games == {id for id in ROWS["gymnax"].tasks if id.startswith("MinAtar/")}
