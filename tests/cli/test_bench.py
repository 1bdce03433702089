"""`jaxenvs bench`."""

import json

import pytest


def test_bench_measures_every_size_and_writes_json(jaxenvs_command, tmp_path):
    file = tmp_path / "figures.json"
    result = jaxenvs_command(
        "bench", "CartPole-v1", "--num-envs", "1,8", "--steps", "20", "--repeats", "3", "--json", file
    )
    assert result.code == 0 and "CartPole-v1" in result.out
    figures = json.loads(file.read_text())
    assert [m["num_envs"] for m in figures["measurements"]] == [1, 8]
    for m in figures["measurements"]:
        assert 0 < m["slowest"] <= m["steps_per_second"] <= m["fastest"]
        assert (m["env_id"], m["peer"], m["steps"], m["repeats"]) == ("CartPole-v1", "jaxenvs", 20, 3)
    assert "cpu" in figures["device"] or "gpu" in figures["device"] or "tpu" in figures["device"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-envs", "1,x"], "positive whole numbers"),
        (["--num-envs", "0"], "positive whole"),
        (["Cart-v1"], "CartPole"),
    ],
)
def test_bench_refuses_what_cannot_be_measured(jaxenvs_command, arguments, message):
    result = jaxenvs_command("bench", *arguments)
    assert result.code == 2 and message in result.err
