"""Every Python program in the README and the docs runs when it is pasted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CHECKS = {
    "README.md": ("", "assert evaluation.returns.shape == (128,)"),
    "docs/guide.md": (
        "assert trajectory.reward.shape == (100, 64)",
        "assert timesteps.observation.shape == (8, 4)",
        'assert env.reward_range == (-1, 1) and jaxenvs.evaluation(env) == jaxenvs.make("Taxi-v4")',
        "assert trajectory.timesteps.reward.shape == (100, 64) and evaluation.returns.shape == (16,)",
        "assert by_number.gravity != 0 and by_torque.shape == (50, 1) and (by_torque != 0).any()",
        "assert timestep.reward.shape == (64,) and error.get() is None",
    ),
    "docs/recording.md": (
        "assert episodes['length'].tolist() == [23, 500] and episodes['writer'].tolist() == ['training'] * 2",
        "assert monitor.Replayer(run).play(17).differences == () and Path('17.gif').read_bytes()[:6] == b'GIF89a'",
    ),
    "docs/randomness.md": ("assert counts.shape == (5,)",),
    "docs/bsuite.md": (
        'assert len(bsuite_ids()) == 468 and sea == make_bsuite("deep_sea/10") and env.env.noise_scale == 0.1',
    ),
    "docs/old_runs.md": (
        'assert run.env_id == "CartPole-v0" and run.episodes["seconds"].tolist() == [2.0]',
        'assert run.episodes["env_steps"].tolist() == [21, 30]',
    ),
    "docs/board_games.md": (
        "assert game.action_named('swap') == 25 and game.legal_actions(position).sum() == 23",
        "assert ko == 'positional' and not game.legal_actions(position)[game.action_named('b1')]",
        "assert rewards.shape == (100, 64) and (rewards >= 0).all() and ((players == 0) & (rewards == 1)).sum() > 64",
        "assert state.position.own is not None and int(timestep.reward) == 0",
        "assert outcomes.shape == (200,) and isinstance(env.chosen_opponent, Central)",
        "assert Image.open('go.png').size == (609, 609) and 'O' in jaxenvs.unwrap(env).render_text(state)",
        "assert metrics.episodes.shape == (2,) and worst >= -1 and opponent.chosen_opponent is player",
    ),
    "docs/box2d.md": (
        'assert float(jaxenvs.unwrap(env).gravity) == -8 and jaxenvs.unwrap(exact).solver == "exact"',
        "assert not world.awake and not world.overflow and 0 < path[-1, 0] < 3 and abs(path[-1, 1] - 0.3) < 0.02",
    ),
    "docs/bipedal_walker.md": (
        "assert hull.shape == (4,) and lidar.shape == (10,) and 0 < lidar.min() < lidar.max() <= 1",
    ),
    "docs/car_racing.md": ("assert not jaxenvs.unwrap(env).continuous and jaxenvs.unwrap(meant).finish_at_start",),
    "docs/voxels.md": (
        "assert timestep.observation.shape == (42, 42, 3) and 0 < timestep.observation.mean() < 1",
        "",
        "assert timestep.observation.shape == env.observation_space.shape",
        "assert 7.5 < body.position[2] < 9.5 and body.on_ground",
    ),
    "docs/fusion.md": (
        "assert trajectory.reward.shape == (64, 4096) and env.explain().fused",
        "assert total.shape == (1024,) and total.min() == 500",
    ),
    "docs/mujoco.md": (
        "assert trajectory.reward.shape == (3, 2)",
        "assert float(timestep.observation[0]) == 1.5 and env.reset(jaxenvs.random.key(0))",
    ),
    "docs/fetch.md": (
        "assert rewards.shape == (3, 2) and set(rewards.ravel().tolist()) <= {-1.0, 0.0}",
        "assert abs(observation['desired_goal'] - [1.4, 0.9, 0.425]).max() < 1e-6",
        "assert abs(observation['desired_goal'] - [-2.5, 2.5]).max() <= 0.25",
        "assert evaluation.returns.shape == (128,)",
        "assert model.num_timesteps == 1_200",
    ),
    "docs/scoreboard.md": (
        'assert verdict.state == "verified" and len(verdict.returns) == 100\n'
        'assert open("push.zip", "rb").read(2) == b"PK"',
    ),
    "docs/play.md": ('assert server.url == f"http://127.0.0.1:{server.port}/"',),
    "docs/atari.md": (
        "assert trajectory.observation.shape == (3, 2, 210, 160)",
        "assert env.observation_space.shape == game.observation_space.shape == (4, 84, 84)",
    ),
    "docs/logging.md": (
        "rows = open('log.csv').read().splitlines(); assert rows[0].startswith('step,') and len(rows) > 1",
        "assert open('log.jsonl').read().splitlines()[-1].startswith('{\"step\": 4000, \"loss\": 0.018')",
    ),
    "docs/pictures.md": (
        "assert 212 < low < over_runs(scores, 'iqm') < high < 500",
        "assert len(frames) == episode.length + 1 and Path('cartpole.gif').exists()",
        "assert sheet.shape[1] > 4 * 600 and Path('lanes.gif').exists()",
    ),
    "docs/adapters.md": (
        "assert picture.shape == (400, 600, 3) and observations.shape == (256, 4)",
        "assert model.num_timesteps == 2048",
        "assert env.agents == [] and env.render().count('\\n') >= 5",
        "assert timesteps.terminated[:, -1].mean() > 0.9 and abs(timesteps.reward).max() == 1",
    ),
    "docs/game_records.md": (
        "assert text.endswith('DT[2026-11-28]\\n;B[cg];W[gc];B[gg];W[cc];B[ee])\\n') and game == go and len(tags) == 4",
        "assert text.count(';') == 31 and 'RE[' in text",
        "assert text == 'd3 c5 f6 f5 e6 e3'",
    ),
    "docs/recording_loops.md": (
        'assert len(episodes["length"]) > 400 and (episodes["episode_return"] == episodes["length"]).all()',
        'assert len(jaxenvs.monitor.read_episodes("runs/evaluated")["length"]) == 48',
        'from jaxenvs.monitor import read_episodes; assert len(read_episodes("runs/gymnasium")["length"]) == 3',
    ),
}
"""By page, what each of its programs has to have done."""

ELSEWHERE = {"docs/scaling.md": "test_scaling.py", "docs/writing_environments.md": "test_writing_environments.py"}
"""Pages whose programs continue each other, and the tests that run them."""

TOGETHER = [
    (
        "README.md",
        "docs/guide.md",
        "docs/randomness.md",
        "docs/bsuite.md",
        "docs/old_runs.md",
        "docs/recording.md",
        "docs/play.md",
        "docs/scoreboard.md",
        "docs/bipedal_walker.md",
        "docs/car_racing.md",
        "docs/voxels.md",
        "docs/fusion.md",
    ),
    ("docs/mujoco.md", "docs/atari.md"),
    ("docs/fetch.md",),
    ("docs/box2d.md",),
    ("docs/adapters.md", "docs/game_records.md", "docs/recording_loops.md"),
    ("docs/logging.md", "docs/pictures.md", "docs/board_games.md"),
]
"""Pages that share a process, since starting one costs more than most programs."""

SLOW = {"docs/fetch.md", "docs/box2d.md"}
"""Pages whose programs take long, however short they are: two agents learn on robots, which takes a minute of processor
time, and a step of Box2D's engine is compiled."""

SHORTER = {
    "docs/mujoco.md": {"(100, 64, 3)": "(3, 2, 3)", ", 64)": ", 2)"},
    "docs/fetch.md": {
        "(100, 64, 4)": "(3, 2, 4)",
        ", 64)": ", 2)",
        "total_steps=20_000": "total_steps=1_200",
        "12_500": "1_200",
    },
    "docs/atari.md": {"(100, 32)": "(3, 2)", ", 32)": ", 2)"},
    "docs/adapters.md": {"200_000": "2_048"},
    "README.md": {"100_000": "4_096"},
    "docs/logging.md": {"100_000": "8_192"},
    "docs/board_games.md": {
        '"alphazero")': '"alphazero", total_steps=1_280)',
        "num_simulations=64": "num_simulations=2",
    },
    "docs/pictures.md": {"max_steps=100": "max_steps=10", "(0), 20,": "(0), 4,"},
}
"""What is done less often here."""

RUN = """
import json, sys
for name, program in json.load(open(sys.argv[1])):
    print("#", name, flush=True)
    exec(compile(program, name, "exec"), {"__name__": "__main__"})
"""


def programs_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_every_program_has_its_check():
    pages = ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
    counts = {page: len(programs_of(page)) for page in pages}
    assert {page for page, count in counts.items() if count} == {*CHECKS, *ELSEWHERE}
    assert {page: counts[page] for page in CHECKS} == {page: len(checks) for page, checks in CHECKS.items()}
    assert sorted(page for pages in TOGETHER for page in pages) == sorted(CHECKS)
    assert all((Path(__file__).parent / test).exists() for test in ELSEWHERE.values())


def shortened(page, program):
    for long, short in SHORTER.get(page, {}).items():
        program = program.replace(long, short)
    return program


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(pages, id=" ".join(pages), marks=pytest.mark.slow if SLOW & set(pages) else ())
        for pages in TOGETHER
    ],
)
def test_programs_run_as_they_are_pasted(pages, tmp_path):
    """Each program has only its own names, and runs in a separate process."""
    programs = [
        (f"{page}, program {number}", f"{shortened(page, program)}\n{check}\n")
        for page in pages
        for number, (program, check) in enumerate(zip(programs_of(page), CHECKS[page]), 1)
    ]
    (tmp_path / "programs.json").write_text(json.dumps(programs))
    result = subprocess.run(
        [sys.executable, "-c", RUN, "programs.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout[-500:] + result.stderr
    if "README.md" in pages:
        assert float(result.stdout.splitlines()[1]) == 200 * 4096  # CartPole pays 1 a step
