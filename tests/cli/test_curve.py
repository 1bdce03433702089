"""`jaxenvs curve`, and `jaxenvs rollout --overlay`."""

from PIL import Image

from jaxenvs.monitor import Run, Settings


def make_run(path, algorithm="ppo", seed=0):
    run = Run.create(Settings("CartPole-v1", {}, None, algorithm, {"total_steps": 300}, seed), path)
    figures = {"seed": 0, "mean_return": 20.0 + seed, "loss": 1.0}
    run.append_progress([{"update": i, "env_steps": 100 * i, "seconds": 0.1 * i, **figures} for i in (1, 2, 3)])
    return path


def test_runs_become_one_picture(jaxenvs_command, tmp_path):
    runs = [make_run(tmp_path / f"run{seed}", seed=seed) for seed in range(3)]
    runs.append(make_run(tmp_path / "other", "dqn"))
    picture = tmp_path / "pictures" / "curves.svg"
    result = jaxenvs_command("curve", *runs, runs[0], "--statistic", "iqm", "--x", "seconds", "-o", picture)
    assert result.code == 0, result.err
    assert result.err == f"PPO: 3 seeds\nDQN: 1 seed\nWrote {picture}\n"
    assert "<svg" in picture.read_text()
    result = jaxenvs_command("curve", runs[0], "--column", "loss", "-o", tmp_path / "loss.png")
    assert result.code == 0, result.err
    with Image.open(tmp_path / "loss.png") as image:
        assert image.size == (1350, 750)


def test_what_cannot_be_drawn_is_refused(jaxenvs_command, tmp_path):
    run = make_run(tmp_path / "run")
    for arguments, message in (
        ([run, "-o", tmp_path / "a.pdf"], ".png or .svg"),
        ([run, "--column", "los", "-o", tmp_path / "a.png"], "Did you mean: `loss`?"),
        ([tmp_path], "is not a run folder"),
        ([], "Missing argument"),
    ):
        result = jaxenvs_command("curve", *arguments)
        assert result.code and message in result.err and "Traceback" not in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_rollout_writes_an_overlay_under_each_picture(jaxenvs_command, counter_env, tmp_path):
    arguments = ("rollout", counter_env, "-a", "1", "-a", "2", "-o", tmp_path / "a.png")
    assert jaxenvs_command(*arguments, "--overlay").code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 3 * 240 and image.height > 120
    result = jaxenvs_command("rollout", counter_env, "--overlay")
    assert result.code == 2 and "name a file: --output" in result.err
