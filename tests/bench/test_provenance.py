"""The origin of figures: command, date, machine and versions."""

import datetime
import sys

import pytest

from jaxenvs.bench import provenance as module
from jaxenvs.bench.provenance import processor, provenance


def test_it_names_the_command_the_date_and_the_cores(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/bin/anything", "bench", "--plot", "a b.png"])
    before = datetime.datetime.now(datetime.UTC).date()
    origin = provenance()
    assert origin["command"] == "jaxenvs bench --plot 'a b.png'"
    assert before <= datetime.date.fromisoformat(origin["date"]) <= datetime.datetime.now(datetime.UTC).date()
    assert origin["device"] == f"{processor()}, {origin['cpu_cores']} CPU cores"
    assert provenance("python -m something")["command"] == "python -m something"


def test_it_names_each_accelerator_once():
    devices = ["NVIDIA H100 (gpu)", "", "x86_64, 2 threads", "NVIDIA H100 (gpu)", "cpu (cpu)"]
    assert provenance(devices=devices)["device"].startswith(f"NVIDIA H100 (gpu), {processor()}, ")


def test_the_versions_of_the_first_interpreter_count():
    versions = provenance(versions=[{"gymnasium": "1.4.0", "python": "3.9"}, {"gymnasium": "1.1.1", "gymnax": "1.0.1"}])
    assert versions["versions"]["gymnasium"] == "1.4.0" and versions["versions"]["gymnax"] == "1.0.1"
    assert versions["versions"]["python"] == sys.version.split()[0]


@pytest.mark.parametrize(
    ("text", "name"), [("vendor\t: x\nmodel name\t: Fast One\nmodel name\t: Fast One\n", "Fast One"), ("", None)]
)
def test_the_processor_has_a_name_on_every_system(tmp_path, monkeypatch, text, name):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(module, "_CPU_INFO", tmp_path / "cpuinfo")
    assert processor() == name if name else processor() not in ("", "Fast One")
