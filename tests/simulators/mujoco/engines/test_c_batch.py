"""The host's part around C MuJoCo."""

from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.simulators.mujoco.engines import c_batch
from jaxenvs.simulators.mujoco.model import load_model
from jaxenvs.testing.trees import identical, to_host


@pytest.mark.parametrize("id", ["Ant-v5", "InvertedPendulum-v5"])
def test_calls_from_several_threads_at_once_do_not_meet(id):
    env = jaxenvs.unwrap(jaxenvs.make(id, engine="c"))
    step = jax.jit(jax.vmap(env.step))
    begin = jax.jit(jax.vmap(env.reset))
    states = [begin(jax.random.split(jaxenvs.random.key(seed), 3))[0] for seed in range(6)]
    action = np.full((3, *env.action_space.shape), 0.5, np.float32)
    expected = [to_host(step(state, action)) for state in states]
    with ThreadPoolExecutor(6) as threads:
        for _ in range(3):
            results = list(threads.map(lambda state: to_host(step(state, action)), states))
            assert all(identical(a, b) for a, b in zip(results, expected, strict=True))


@pytest.mark.parametrize(
    ("xml", "has_contacts"),
    [("inverted_pendulum.xml", False), ("reacher.xml", False), ("swimmer.xml", False), ("half_cheetah.xml", True)],
)
def test_contacts_are_not_looked_for_where_masks_forbid_them(xml, has_contacts):
    assert c_batch.has_contacts(load_model(xml).mj_model) == has_contacts


@pytest.mark.parametrize(
    ("masks", "pair", "has_contacts"),
    [
        ('contype="1" conaffinity="0"', "", False),
        ('contype="2" conaffinity="6"', "", True),
        ('contype="0" conaffinity="0"', '<contact><pair geom1="a" geom2="b"/></contact>', True),
    ],
)
def test_a_listed_pair_touches_whatever_the_masks(masks, pair, has_contacts):
    ball = '<body pos="0 0 {0}"><freejoint/><geom name="{1}" size="0.1" {2}/></body>'
    bodies = ball.format(0, "a", masks) + ball.format(0.1, "b", masks)
    model = c_batch.mujoco.MjModel.from_xml_string(f"<mujoco><worldbody>{bodies}</worldbody>{pair}</mujoco>")
    data = c_batch.mujoco.MjData(model)
    c_batch.mujoco.mj_forward(model, data)
    assert c_batch.has_contacts(model) == has_contacts == (data.ncon > 0)


def test_scratch_is_bounded(monkeypatch):
    monkeypatch.setattr(c_batch, "_KEPT_SCRATCH", 2)
    model = load_model("inverted_pendulum.xml")
    for lanes in range(1, 6):
        with c_batch.borrow(model, lanes, (), ()) as scratch:
            assert scratch.rows.shape[0] == lanes
    assert len(c_batch._scratch) <= 2


def test_an_error_in_between_costs_the_scratch_and_nothing_else():
    model = load_model("inverted_pendulum.xml")
    with pytest.raises(RuntimeError, match="half-way"), c_batch.borrow(model, 7, (), ()):
        raise RuntimeError("half-way")
    label = model, 7, (), ()
    assert not c_batch._scratch.get(label)
    with c_batch.borrow(model, 7, (), ()) as scratch:
        scratch.rows[:, 1:] = 0.0
        scratch.step(1)
    assert len(c_batch._scratch[label]) == 1
