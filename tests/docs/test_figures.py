"""The tables of figures in the pages are made from files that say where the figures come from."""

import copy
import datetime
import json
import re
from pathlib import Path

import pytest

from docs.generator import figures
from docs.generator.figure_tables import TABLES, dieharder, dieharder_summary, speed_and_processor_time
from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.figures import as_json
from jaxenvs.bench.provenance import provenance

FILES = sorted(figures.FIGURES.glob("*.json"))
PAGES = {path: path.read_text(encoding="utf-8") for path in figures.pages()}
KEYS = [key for text in PAGES.values() for key in figures.BLOCK.findall(text)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_says_where_its_figures_come_from(path):
    data = figures.read(path.stem)
    assert data["date"] is None or datetime.date.fromisoformat(data["date"])
    assert isinstance(data["versions"], dict) and all(isinstance(v, str) for v in data["versions"].values())
    assert set(provenance()) <= set(data), "as `jaxenvs bench --json` writes it"
    for key in ("command", "device"):
        assert data[key] is None or data[key].strip() == data[key] != ""


def test_every_table_and_every_file_is_on_a_page():
    assert sorted(KEYS) == sorted(TABLES)
    assert {name for names in TABLES.values() for name in names[:-1]} == {path.stem for path in FILES}


@pytest.mark.parametrize("page", [p for p, t in PAGES.items() if figures.BLOCK.search(t)], ids=lambda p: p.name)
def test_the_tables_of_a_page_are_those_of_the_files(page):
    assert figures.with_figures(page) == PAGES[page], "Run `python -m docs.generator.figures`."
    assert PAGES[page].count("<!-- figures:") == len(figures.BLOCK.findall(PAGES[page]))


def test_what_is_not_known_is_said():
    unknown = {"command": None, "date": None, "device": None, "versions": {}}
    assert "date not recorded; device not recorded; versions not recorded. [" in figures.origin("x", unknown)
    known = {
        "date": "2026-03-01",
        "device": "an abacus",
        "versions": {"jax": "0.10.2", "numpy": "2.0"},
        "note": "Once.",
    }
    text = figures.origin("x", known)
    assert text == "Measured: 1 March 2026; an abacus; JAX 0.10.2. Once. [Data](figures/x.json)"


def test_a_file_without_its_origin_is_refused(tmp_path, monkeypatch):
    (tmp_path / "x.json").write_text(json.dumps({"command": None, "date": None}))
    monkeypatch.setattr(figures, "FIGURES", tmp_path)
    with pytest.raises(KeyError, match="has no device, versions; write null"):
        figures.read("x")


def test_the_command_rewrites_only_what_is_between_the_markers(tmp_path, monkeypatch, capsys):
    page = "before\n<!-- figures: dieharder -->\nold\n<!-- end of figures -->\nafter\n"
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text(page)
    (docs / "b.md").write_text("no table")
    monkeypatch.setattr(figures, "PAGES", docs)
    figures.main()
    text = (docs / "a.md").read_text()
    assert text.startswith("before\n<!-- figures: dieharder -->\n| test |") and text.endswith("-->\nafter\n")
    assert capsys.readouterr().out.split() == ["Wrote", str(Path("docs/a.md"))]
    figures.main()
    assert capsys.readouterr().out == ""


def test_a_table_can_be_made_from_what_the_benchmark_writes():
    ours = Measurement("Hopper-v5", "jaxenvs", 8, rates=[3e6, 2e6, 4e6], cpu_nanoseconds=[10.0, 20.0, 30.0])
    peer = Measurement("Hopper-v5", "envpool", 8, rates=[1e6, 1e6, 1e6], cpu_nanoseconds=[15.0, 30.0, 60.0])
    lost = Measurement("Hopper-v5", "gymnasium-sync", 8, failure="ended")
    measurements = [json.loads(json.dumps(as_json(m, [ours, peer, lost]))) for m in (ours, peer, lost)]
    assert speed_and_processor_time({"measurements": measurements}).splitlines() == [
        "| id | lanes | steps/s | x EnvPool | in processor time |",
        "|---|--:|--:|--:|--:|",
        "| Hopper-v5 | 8 | 3,000,000 | 3.00 | 1.50 |",
    ]


def test_dieharders_results_are_assessed_and_those_of_equal_tests_stay_apart():
    streams = {"raw": [["runs", 0, 0.5], ["runs", 0, 0.004], ["sums", 1, 0.9999999]], "split": [["runs", 0, 0.25]]}
    rows = dieharder({"streams": streams}).splitlines()[2:]
    assert rows == [
        "| runs | 0 | 0.5000 | 0.2500 |",
        "| runs | 0 | 0.0040 WEAK |  |",
        "| sums | 1 | 1.0000 FAILED |  |",
    ]
    summary = dieharder_summary({"streams": copy.deepcopy(streams)}).splitlines()[2:]
    assert summary == ["| `raw` | 3 of 3 | 1 | runs 0 |", "| `split` | 1 of 3 | 0 |  |"]


def test_the_commands_of_the_files_are_on_their_pages():
    for path, text in PAGES.items():
        for key in figures.BLOCK.findall(text) if path.parent == figures.PAGES else ():  # the README links to them
            command = figures.read(TABLES[key][0])["command"]
            assert command is None or re.sub(r" (TESTS|ID|STREAM).*", "", command) in text.replace("`", "")
