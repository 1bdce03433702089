"""`python -m benchmarks.fusion` at a small size."""

import shutil

import pytest

import jaxenvs
from benchmarks.fusion.__main__ import IDS, cart_pole_in_c, measure
from docs.generator.figure_tables import fusion_speed
from tests.fusion.tolerances import NOT_FUSED

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")


def test_the_figures_become_a_table():
    figures = measure(["CartPole-v1", "Taxi-v4"], 0.05, size=(512, 4))
    first, second = figures["rows"]
    assert all(first[name] > 0 for name in ("fused", "scan"))
    assert "C" not in second
    lines = fusion_speed(figures).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| CartPole-v1 | 512 x 4 |")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the loop in C is compiled by gcc")
def test_the_loop_in_c_plays_cart_pole():
    run = cart_pole_in_c(512, 300)
    assert run is not None
    state, count, _, observation, reward, terminated, truncated, action = run()
    assert reward.min() == 1 and 0.4 < action.mean() < 0.6 and not truncated.any()
    # Random play lasts for 22 steps in the mean.
    assert 1 / 30 < terminated.mean() < 1 / 16
    assert abs(observation[..., 0]).max() <= 2.4 and abs(state[:, 2]).max() <= 0.2095
    assert count.max() < 200


def test_every_id_that_can_be_fused_is_measured():
    assert set(IDS) == {id for id in jaxenvs.registry if not NOT_FUSED.match(id)}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the loop in C is compiled by gcc")
@pytest.mark.parametrize("new_arrays", [False, True])
def test_the_loop_in_c_reuses_its_arrays_or_not(new_arrays):
    run = cart_pole_in_c(512, 3, new_arrays=new_arrays)
    assert run is not None
    assert (run()[3] is run()[3]) == (not new_arrays)
