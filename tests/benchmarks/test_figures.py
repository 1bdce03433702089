"""The scripts that write figures for the pages."""

import json
import re
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import benchmarks
import jaxenvs
from benchmarks import auto_reset_methods, dieharder_results, recording, transfer
from docs.generator import figure_tables
from docs.generator.figure_tables import dieharder, recording_cost
from jaxenvs.training import PPO
from jaxenvs.training.ppo import PPOPolicy

PROGRAMS = Path(benchmarks.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
PRINTED = """#=============================================================================#
#            dieharder version 3.31.1 Copyright 2003 Robert G. Brown          #
#=============================================================================#
        test_name   |ntup| tsamples |psamples|  p-value |Assessment
#=============================================================================#
   diehard_birthdays|   0|       100|     100|0.59252614|  PASSED
          sts_serial|   7|    100000|     100|0.99950000|   WEAK
"""


def test_a_page_lists_every_program():
    files = [*PROGRAMS.glob("*.py"), *PROGRAMS.glob("*/__main__.py")]
    programs = [path for path in files if '__name__ == "__main__"' in path.read_text()]
    names = {path.parent.name if path.stem == "__main__" else path.stem for path in programs}
    assert names == set(re.findall(r"`benchmarks\.(\w+)`", PAGE.read_text()))


def test_what_dieharder_prints_becomes_a_file_of_figures(tmp_path):
    main, file = dieharder_results.main, tmp_path / "dieharder.json"
    main(["raw"], PRINTED.splitlines(), file)
    main(["split"], PRINTED.splitlines()[:-1], file)
    figures = json.loads(file.read_text())
    assert figures["versions"]["dieharder"] == "3.31.1" and figures["date"]
    assert figures["streams"]["raw"] == [["diehard_birthdays", 0, 0.59252614], ["sts_serial", 7, 0.9995]]
    assert "| sts_serial | 7 | 0.9995 WEAK |  |" in dieharder(figures)
    with pytest.raises(SystemExit, match="no result"):
        main(["raw"], ["nothing"], file)
    assert json.loads(file.read_text()) == figures


def test_the_methods_of_auto_reset_become_a_file_of_figures(tmp_path, monkeypatch):
    file = tmp_path / "methods.json"
    monkeypatch.setattr(auto_reset_methods, "BATCHES", (1,))
    monkeypatch.setattr(auto_reset_methods, "measure", lambda *_: {"select": 12.34, "cond": 7.0, "chunked": 1119.6})
    auto_reset_methods.main(["--json", str(file)])
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions"} < set(figures)
    assert "| cheap | 1 | 12.3 | **7** | 1,120 |" in figure_tables.auto_reset_methods(figures)


def test_a_policy_with_other_layers_chooses_what_these_do():
    env, learner = jaxenvs.make("CartPole-v1"), PPO(hidden_sizes=(6,), normalize_observations=True)
    generator = np.random.default_rng(0)
    agent = jax.eval_shape(learner.init, env, jaxenvs.random.key(0)).agent
    agent = jax.tree.map(lambda x: jnp.asarray(generator.normal(size=x.shape), x.dtype), agent)
    layers = [
        (generator.normal(size=sizes).astype(np.float32), generator.normal(size=sizes[1]).astype(np.float32))
        for sizes in ((4, 6), (6, 2))
    ]
    policy = transfer.with_layers(PPOPolicy(agent, env.observation_space, env.action_space, learner), layers)
    observations = generator.normal(size=(50, 4)).astype(np.float32)
    (first, shift), (last, bias) = layers
    expected = np.argmax(np.tanh(observations @ first + shift) @ last + bias, 1)
    chosen = jax.vmap(policy, (0, None))(observations, jaxenvs.random.key(0))
    np.testing.assert_array_equal(chosen, expected)
    assert len(set(expected)) > 1
    with pytest.raises(ValueError, match="sizes"):
        transfer.with_layers(policy, layers[:1])


def test_scores_of_policies_here_and_there_become_a_table(tmp_path, monkeypatch):
    learner = types.SimpleNamespace(steps_per_update=100)
    agent = types.SimpleNamespace(updates=10, learner=learner, policy="ours")
    monkeypatch.setattr(transfer.jaxenvs, "load", lambda run: agent)
    monkeypatch.setattr(transfer, "trained_there", lambda file, steps, like: ("theirs", steps))
    monkeypatch.setattr(transfer.metadata, "version", lambda package: "1.0")
    scores = {"ours": np.array([200.0, 220.0]), "theirs": np.array([240.0, 260.0])}
    monkeypatch.setattr(transfer, "returns_here", lambda policy, episodes: scores[policy])
    monkeypatch.setattr(transfer, "returns_there", lambda policy, episodes: scores[policy] + 15.0)
    file = tmp_path / "transfer.json"
    monkeypatch.setattr("sys.argv", ["transfer", "run", "model.zip", "--steps", "5000", "--json", str(file)])
    transfer.main()
    figures = json.loads(file.read_text())
    assert figures["rows"][0]["jaxenvs"] == {"mean": 210.0, "standard_error": 10.0, "solved": 1.0}
    assert figures["date"] and figures["versions"]["box2d"] == "1.0"
    rows = figure_tables.transfer(figures).splitlines()[2:]
    assert rows[0] == "| jaxenvs' PPO, here | 1,000 | 210.0 +- 10.0 | 225.0 +- 10.0 | -1.1 |"
    assert rows[1].startswith("| stable-baselines3's PPO, in Gymnasium | 5,000 | 250.0 +- 10.0 |")


def test_the_cost_of_recording_becomes_a_table(tmp_path, monkeypatch):
    clocks = iter([(1.0, 2.0), (1.1, 2.1), (1.0, 2.0), (1.25, 2.5), (1.0, 2.0), (1.5, 3.0), (1.0, 2.0), (2.0, 4.0)])
    monkeypatch.setattr(recording, "loop", lambda *_: lambda recorded: next(clocks))
    monkeypatch.setattr(
        "sys.argv", ["recording", "bare", "--rounds", "3", "--blocks", "1", "--json", str(tmp_path / "a")]
    )
    monkeypatch.setattr(recording, "STEPS", 10)
    monkeypatch.setattr(recording, "LANES", 10**6)
    recording.main()
    figures = json.loads((tmp_path / "a").read_text())
    assert figures["command"].startswith("python -m benchmarks.recording bare --rounds 3")
    row = "| random actions, nothing else | 100 | 150 | +50.0 % (+37.5 to +75.0) | +50.0 % (+37.5 to +75.0) |"
    assert row in recording_cost(figures)
