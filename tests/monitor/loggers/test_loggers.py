"""Loggers: what they write, how they go on after an interruption, and that training survives their failure."""

import dataclasses
import math
import resource
import sys
import types
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, InvalidField, NotWritten
from jaxenvs.monitor import (
    CsvLogger,
    JsonLinesLogger,
    Logger,
    Run,
    Settings,
    TensorBoardLogger,
    WandbLogger,
    loggers,
    logging_callback,
    train,
)
from jaxenvs.monitor.loggers.figures import figures_of_rows
from tests.monitor.loggers.reading_logs import read_csv, read_json_lines, read_tensorboard
from tests.monitor.training.toy_learner import Walk

ENV = jaxenvs.make("CartPole-v1")
KEY = jaxenvs.random.key(0)


FILES = {"log.csv": (CsvLogger, read_csv), "log.jsonl": (JsonLinesLogger, read_json_lines)}


@pytest.fixture(params=FILES)
def log_file(request, tmp_path):
    """A path, the logger's class, and a function that reads its steps."""
    cls, read = FILES[request.param]
    path = tmp_path / "folder" / request.param
    return path, cls, lambda: [int(row["step"]) for row in read(path)]


def test_csv_has_a_column_for_each_figure_also_for_a_late_one(tmp_path):
    with CsvLogger(tmp_path / "log.csv") as logger:
        logger.log(1, {"a": 0.1, "b, c": np.float32(2.0)})
        logger.log(2, {"a": math.nan})
        logger.log(3, {"late": jnp.asarray(3), "a": -math.inf})
    assert (tmp_path / "log.csv").read_text() == 'step,a,"b, c",late\n1,0.1,2.0,\n2,nan,,\n3,-inf,,3\n'


def test_json_lines_are_valid_json_whatever_the_figures(tmp_path):
    with JsonLinesLogger(tmp_path / "log.jsonl") as logger:
        logger.log(np.int64(1), {"a": 0.1, "count": 3, "é": jnp.float32(1.5)})
        logger.log(2, {"a": math.nan, "b": math.inf})
    assert read_json_lines(tmp_path / "log.jsonl") == [
        {"step": 1, "a": 0.1, "count": 3, "é": 1.5},
        {"step": 2, "a": None, "b": None},
    ]


def test_what_is_not_a_number_is_refused(log_file):
    path, cls, _ = log_file
    for figures, message in (
        ({"a": np.zeros(3)}, r"`a` is an array of shape \(3,\)"),
        ({"a": "high"}, "`a` is 'high'"),
        ({"step": 1}, "name `step`"),
    ):
        with pytest.raises(InvalidField, match=message):
            cls(path).log(1, figures)
    assert not path.exists()


def test_a_log_is_continued_from_the_step_that_a_run_resumes_at(log_file):
    path, cls, steps = log_file
    for step in (10, 20, 30):
        cls(path).log(step, {"a": step})
    with path.open("a") as file:
        file.write("4")  # the process was killed while writing
    logger = cls(path)
    logger.start(15, {})
    logger.log(20, {"a": 1.0, "b": 2.0})
    logger.log(25, {"a": 3.0})
    assert steps() == [10, 20, 25]


def test_without_a_run_a_log_is_continued_at_the_first_step_that_is_logged(log_file):
    path, cls, steps = log_file
    for first in (1, 3, 0):
        logger = cls(path)
        for step in range(first, 5):
            logger.log(step, {"a": 0.0})
        assert steps() == [*range(1 if first else 0, 5)]


@pytest.mark.parametrize("content", [b"update,seed\n1,2\n", b"step,a\n1,2\nx,3\n", b'{"step": 1}\n{}\n', b"\xff\n"])
def test_a_file_of_something_else_is_left_alone(log_file, content):
    path, cls, _ = log_file
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InvalidField, match=r"(?i)log to another file"):
        cls(path).log(5, {"a": 1.0})
    assert path.read_bytes() == content


def test_a_full_disk_leaves_whole_lines(log_file):
    path, cls, steps = log_file
    logger = cls(path)
    logger.log(1, {"a": 1.0})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 3, limits[1]))
    try:
        with pytest.raises(NotWritten, match=r"cannot be written: File too large\. Free some space"):
            logger.log(2, {"a": 123456789.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert steps() == [1]
    logger.log(3, {"a": 1.0})
    assert steps() == [1, 3]


def test_tensorboard_reads_figures_settings_and_pictures(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (6, 9, 3), np.uint8)
    with TensorBoardLogger(tmp_path / "tb") as logger:
        logger.start(0, {"algorithm": "ppo", "fields": {"gravity": 9.8}})
        logger.log(10, {"group/a": 0.5, "nan": math.nan, "inf": math.inf})
        logger.log(2**40, {"group/a": 1.5})
        logger.picture(20, "agent", picture)
    figures, events = read_tensorboard(tmp_path / "tb")
    assert figures["group/a"] == [(10, 0.5), (2**40, 1.5)]
    assert math.isnan(figures["nan"][0][1]) and figures["inf"][0][1] == math.inf
    (image,) = events.Images("agent")
    assert (image.step, image.height, image.width) == (20, 6, 9) and image.encoded_image_string[:4] == b"\x89PNG"
    (text,) = events.Tensors("settings")
    assert b'| fields | `{"gravity": 9.8}` |' in text.tensor_proto.string_val[0]


def test_tensorboard_shows_no_step_twice_after_two_interruptions(tmp_path):
    for resumed_at, last in ((0, 5), (3, 6), (6, 8)):
        logger = TensorBoardLogger(tmp_path)
        logger.start(resumed_at, {})
        for step in range(resumed_at + 1, last + 1):
            logger.log(step, {"a": 10.0 * resumed_at + step})
    figures, _ = read_tensorboard(tmp_path)
    assert figures["a"] == [(1, 1), (2, 2), (3, 3), (4, 34), (5, 35), (6, 36), (7, 67), (8, 68)]
    with TensorBoardLogger(tmp_path) as logger:  # without a run, the first step that is logged counts
        logger.log(5, {"a": -1.0})
    assert read_tensorboard(tmp_path)[0]["a"][-2:] == [(4, 34), (5, -1)]


class FakeRun:
    """The part of `wandb.Run` that is used, with the rules that its documentation states."""

    def __init__(self, history):
        self.history = history
        self.resumed = bool(history)
        self.step = max(history, default=-1) + 1
        self.finished = False

    def log(self, data, step=None):
        assert not self.finished and isinstance(data, dict)
        if step >= self.step:  # wandb drops others, with a warning
            self.step = step
            self.history.setdefault(step, {}).update(data)
        else:
            warnings.warn(f"step {step} < {self.step}", stacklevel=2)

    def finish(self):
        self.finished = True


@pytest.fixture
def fake_wandb(monkeypatch):
    """Stands in for the package; its `runs` are what was begun, `histories` what they logged."""
    module = types.ModuleType("wandb")
    histories, runs, settings = {}, [], []

    def init(*, project=None, id=None, name=None, dir=None, config=None, allow_val_change=None, resume=None):
        assert resume in (None, "allow") and (resume is None) == (id is None)
        settings.append({"project": project, "id": id, "name": name, "dir": dir, "config": config})
        runs.append(FakeRun(histories.setdefault(id or f"new {len(runs)}", {})))
        return runs[-1]

    module.init, module.Image = init, lambda picture: ("image", picture.shape)
    module.histories, module.runs, module.settings = histories, runs, settings
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def test_wandb_gets_figures_pictures_and_settings(fake_wandb, tmp_path):
    with WandbLogger("p", id="abc", name="n", folder=tmp_path / "w") as logger:
        assert not fake_wandb.runs, "nothing begins before there is something to log"
        logger.start(0, {"seed": 3})
        logger.log(10, {"a": jnp.float32(1.5)})
        logger.picture(10, "agent", np.zeros((2, 3, 3), np.uint8))
    assert fake_wandb.settings == [
        {"project": "p", "id": "abc", "name": "n", "dir": str(tmp_path / "w"), "config": {"seed": 3}}
    ]
    assert fake_wandb.histories == {"abc": {10: {"a": 1.5, "agent": ("image", (2, 3, 3))}}}
    assert fake_wandb.runs[0].finished and (tmp_path / "w").is_dir()
    with WandbLogger(id="abc") as logger:
        for step in (5, 10, 15):
            logger.log(step, {"a": -1.0})
    assert {step: row["a"] for step, row in fake_wandb.histories["abc"].items()} == {10: 1.5, 15: -1.0}


@pytest.mark.parametrize(
    ("package", "make", "line"),
    [
        ("wandb", WandbLogger, "pip install wandb"),
        ("tensorboard", lambda: TensorBoardLogger("x"), r'pip install "jaxenvs\[tensorboard\]"'),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, make, line):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delattr(loggers, "_tensorboard", raising=False)
    for name in [name for name in sys.modules if name.startswith((f"{package}.", "jaxenvs.monitor.loggers._tensor"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(DependencyNotInstalled, match=line):
        make()


@dataclasses.dataclass
class Listing(Logger):
    """Keeps what it is given; fails from a step on."""

    fails_from: float = math.inf
    rows: list = dataclasses.field(default_factory=list)

    def log(self, step, figures):
        if step >= self.fails_from:
            raise ConnectionError("the network is down")
        self.rows.append({"step": step, **figures})

    def close(self):
        self.rows.append("closed")


def make_run(path, num_seeds=1):
    return Run.create(Settings("CartPole-v1", {}, None, "walk", {}, seed=0, num_seeds=num_seeds), path)


def test_a_logger_that_fails_warns_once_and_training_goes_on(tmp_path):
    good, bad = Listing(), Listing(fails_from=100)
    with pytest.warns(RuntimeWarning, match="Listing has stopped, and training goes on without it: the network") as w:
        _, report = train(make_run(tmp_path / "run"), ENV, Walk(), KEY, loggers=[bad, good])
    assert len(w) == 1 and report.updates == 40
    assert [row["step"] for row in good.rows] == [*range(10, 401, 10)]
    assert bad.rows[-1] == "closed" and len(bad.rows) == 10


def test_loggers_get_the_rows_of_the_run(tmp_path):
    run, log = make_run(tmp_path / "run"), Listing()
    train(run, ENV, Walk(), KEY, loggers=[log])
    rows = [{"step": row.pop("env_steps"), **row} for row in run.read_progress()]
    assert all(row.pop("seed") == 0 for row in rows)
    for row, logged in zip(rows, log.rows, strict=True):
        assert row == pytest.approx(logged, nan_ok=True, rel=1e-6)


def test_several_seeds_are_logged_by_mean_and_spread():
    clock = {"update": 1, "env_steps": 64, "seconds": 0.5}
    rows = [{**clock, "seed": i, "mean_return": r, "loss": i} for i, r in enumerate([1.0, 4.0, math.nan])]
    rows += [{**clock, "env_steps": 128, "seed": 0, "mean_return": 7.0, "loss": 0.0}]
    (step, figures), (_, alone) = figures_of_rows(rows)
    assert step == 64 and {"update", "seconds"} <= figures.keys()
    assert (figures["mean_return"], figures["loss"]) == (2.5, 1.0)
    assert figures["mean_return/std"] == pytest.approx(np.std([1, 4], ddof=1)) and figures["loss/std"] == 1.0
    assert alone == {"update": 1, "seconds": 0.5, "mean_return": 7.0, "loss": 0.0}


def test_a_resumed_run_continues_every_log_without_a_step_twice(tmp_path, fake_wandb):
    run = make_run(tmp_path / "run", num_seeds=2)

    def new_loggers():
        return [
            CsvLogger(run.path / "log.csv"),
            JsonLinesLogger(run.path / "log.jsonl"),
            TensorBoardLogger(run.path / "tensorboard"),
            WandbLogger(id="run"),
        ]

    first = new_loggers()
    train(run, ENV, Walk(), KEY, loggers=first, should_stop=lambda: True)
    done = int(run.read_progress()[-1]["env_steps"])
    for logger in first:
        logger.log(done + 10, {"mean_return": -1.0})  # logged after the last checkpoint, and then killed
    train(run, ENV, Walk(), KEY, resume=True, loggers=new_loggers())

    steps = [*range(10, 401, 10)]
    assert [row["step"] for row in read_csv(run.path / "log.csv")] == steps
    lines = read_json_lines(run.path / "log.jsonl")
    assert [row["step"] for row in lines] == steps
    assert [row["mean_return"] for row in lines[:4]] == [0.0, 1.0, None, 3.0]
    assert {row["mean_return/std"] for row in lines} == {0.0, None}
    figures, _ = read_tensorboard(run.path / "tensorboard")
    assert [step for step, _ in figures["mean_return"]] == steps and figures["mean_return"][1][1] == 1.0
    assert list(fake_wandb.histories["run"]) == steps


@dataclasses.dataclass
class Metrics:
    """As a learner's: with a leading axis of updates."""

    env_steps: np.ndarray
    episodes: np.ndarray
    return_sum: np.ndarray

    def figures(self):
        return {"mean_return": (self.return_sum, self.episodes), "episodes": (self.episodes, None)}


def test_callback_logs_the_updates_since_the_last_call():
    log = Listing()
    callback = logging_callback(log, Listing(fails_from=0))
    with pytest.warns(RuntimeWarning, match="the network is down"):
        stops = callback(None, Metrics(np.array([64.0, 128.0]), np.array([1, 3]), np.array([10.0, 50.0])))
    assert not stops, "a callback that returns something true ends the training"
    callback(None, Metrics(np.array([192.0]), np.array([0]), np.array([0.0])))
    assert log.rows[0] == {"step": 128, "mean_return": 15.0, "episodes": 4.0}
    assert log.rows[1]["step"] == 192 and math.isnan(log.rows[1]["mean_return"]) and log.rows[1]["episodes"] == 0
