"""Learning curves of several runs: which runs belong together, what tells them apart, and what is drawn."""

import math
import xml.etree.ElementTree

import numpy as np
import pytest
from PIL import Image

from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Curve, Run, Settings, curves_of_runs, draw_learning_curves
from jaxenvs.monitor.pictures.learning_curve import _shared_grid


def rows(seed, returns, spacing=100):
    return [
        {"update": i, "env_steps": spacing * i, "seed": seed, "seconds": 0.5 * i, "mean_return": float(value)}
        for i, value in enumerate(returns)
    ]


@pytest.fixture
def make_run(tmp_path):
    """Makes a run folder of `length` reports for each of its seeds."""

    def make(env_id="CartPole-v1", algorithm="ppo", seed=0, num_seeds=1, length=4, **parameters):
        settings = Settings(env_id, {}, None, algorithm, {"total_steps": 100 * length, **parameters}, seed, num_seeds)
        run = Run.create(settings, tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        for i in range(length):
            run.append_progress([rows(index, range(length))[i] for index in range(num_seeds)])
        return run

    return make


def seeds_of(curve):
    return [sum(row["seed"] == seed for row in curve.rows) for seed in sorted({row["seed"] for row in curve.rows})]


def test_runs_that_differ_in_their_seeds_are_one_curve(make_run):
    runs = [make_run(seed=0, num_seeds=2), make_run(seed=1, length=6), make_run(seed=2)]
    (curve,) = curves_of_runs(runs)
    assert curve.label == "PPO" and seeds_of(curve) == [4, 4, 6, 4]


def test_runs_may_be_paths(make_run):
    runs = [make_run(seed=0), make_run(seed=1)]
    (curve,) = curves_of_runs([str(run.path) for run in runs])
    assert seeds_of(curve) == [4, 4]
    assert [seeds_of(curve) for curve in curves_of_runs(runs[0].path)] == [[4]]


def test_an_agent_that_was_trained_twice_counts_once(make_run):
    (curve,) = curves_of_runs([make_run(length=3), make_run(length=7), make_run(length=5), make_run(length=0)])
    assert seeds_of(curve) == [7]


def test_labels_say_what_tells_curves_apart(make_run):
    runs = [
        make_run(gamma=0.9, clip=0.2),
        make_run(gamma=0.99, clip=0.2),
        make_run(algorithm="dqn", gamma=0.5),
    ]
    assert [curve.label for curve in curves_of_runs(runs)] == ["PPO · gamma=0.9", "PPO · gamma=0.99", "DQN"]
    several = curves_of_runs([runs[0], make_run(env_id="Pendulum-v1")])
    assert [curve.label for curve in several] == ["CartPole-v1 · PPO", "Pendulum-v1 · PPO"]


def test_an_unknown_column_is_refused(make_run):
    with pytest.raises(InvalidField, match=r"no column `mean_retrun`\. Did you mean: `mean_return`\?"):
        curves_of_runs([make_run()], "mean_retrun")


def test_the_curve_covers_what_all_seeds_have_reached():
    seeds = [(np.array([1.0, 4.0, 9.0]), np.zeros(3)), (np.array([2.0, 5.0, 6.0]), np.zeros(3))]
    assert _shared_grid(seeds).tolist() == [2, 4, 5, 6]
    assert len(_shared_grid([(np.arange(5000.0), np.zeros(5000))])) == 500
    assert len(_shared_grid([(np.arange(3.0), np.zeros(3)), (np.arange(5.0, 8.0), np.zeros(3))])) == 0


CURVES = [
    Curve("A", rows(0, range(20)) + rows(1, range(3, 30))),
    Curve("B, of one seed, with a gap", rows(0, [1.0, math.nan, 3.0, math.inf, 2.0])),
    Curve("C, without a report", []),
]


@pytest.mark.parametrize(("statistic", "x"), [("mean", "seconds"), ("iqm", "steps")])
def test_curves_are_drawn_as_svg_in_which_nothing_depends_on_the_moment(tmp_path, statistic, x):
    texts = []
    for name in ("a.svg", "b.svg"):
        draw_learning_curves(tmp_path / name, CURVES, title="T", threshold=5.0, statistic=statistic, x=x)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    drawn = xml.etree.ElementTree.fromstring(texts[0])
    ids = {element.get("id", "") for element in drawn.iter()}
    assert "legend_1" in ids and "http" not in texts[0].split("</metadata>")[1].replace("http://www.w3.org", "")


def test_curves_are_drawn_as_png_with_the_legend_below(tmp_path):
    draw_learning_curves(tmp_path / "a.png", CURVES, title="T", subtitle="S")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 1350 and image.height > 750
        colors = {color for _, color in image.convert("RGB").getcolors(2**20)}
    assert {(0, 114, 178), (213, 94, 0), (255, 255, 255)} <= colors


def test_seeds_that_share_no_step_are_drawn_alone(tmp_path):
    apart = rows(0, range(3)) + [{**row, "env_steps": row["env_steps"] + 1000} for row in rows(1, range(3))]
    draw_learning_curves(tmp_path / "a.png", [Curve("A", apart)], title="T")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InvalidField, match=r"must end in \.png or \.svg"):
        draw_learning_curves(tmp_path / "a.pdf", CURVES, title="T")
    with pytest.raises(InvalidField, match="'mean' or 'iqm'"):
        draw_learning_curves(tmp_path / "a.png", CURVES, title="T", statistic="median")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
