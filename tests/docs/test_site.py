"""The documentation site: its generated pages, and a strict build of all of it, which checks every link."""

import hashlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import jaxenvs
from docs.generator import environments
from docs.generator.docstrings import docstring
from docs.generator.environments import environment, measured_differences
from docs.generator.notebooks import notebook
from docs.generator.pictures import MAX_BYTES, SIZE, picture
from tests.learning import measured

ROOT = Path(__file__).parents[2]


def test_the_page_of_an_id_says_what_is_known_of_it():
    (drawn_to, drawn), (name, page) = environment(jaxenvs.spec("CartPole-v1"))
    assert (drawn_to, name) == ("environments/CartPole-v1.png", "environments/CartPole-v1.md")
    assert drawn.startswith(b"\x89PNG") and "![CartPole-v1](CartPole-v1.png)" in page
    titles = "Observation Action Reward Start Episode_end Parameters Source Fields Fidelity Training Version_history"
    assert [title for title in titles.split() if f"\n## {title.replace('_', ' ')}\n" not in page] == []
    assert "- **Termination**: the cart" in page and "| 0     | position of the cart" in page
    assert "gymnasium 1.4.0 CartPole-v1" in page and "| `gravity` | `9.8` | leaf |" in page
    assert f"| Greatest difference seen | {measured_differences()['differences']['CartPole-v1']:g}, " in page
    returns = ", ".join(f"{value:g}" for value in measured("ppo preset: CartPole-v1").returns)
    assert returns and f"for the seeds from 0 on: {returns}." in page


def test_an_id_that_was_not_measured_says_so(monkeypatch):
    monkeypatch.setattr(environments, "measured_differences", lambda: {"differences": {}})
    assert "| Greatest difference seen | not measured yet |" in environments.fidelity("CartPole-v1")
    assert environments.fidelity("ALE/Pong-v5") == ""


def test_a_picture_moves_only_if_asked_for(monkeypatch):
    env = jaxenvs.make("bsuite/Catch-v0")
    for variable in ("DOCS_PICTURES", "DOCS_ANIMATIONS"):
        monkeypatch.delenv(variable, raising=False)
    suffix, still = picture(env, "bsuite/Catch-v0")
    assert suffix == ".png" and not getattr(Image.open(io.BytesIO(still)), "is_animated", False)
    monkeypatch.setenv("DOCS_ANIMATIONS", "^bsuite/")
    suffix, moving = picture(env, "bsuite/Catch-v0")
    frames = Image.open(io.BytesIO(moving))
    assert suffix == ".webp" and 20 <= frames.n_frames <= 150 and max(frames.size) <= SIZE
    assert len(moving) <= MAX_BYTES
    assert len({hashlib.sha256(frame.convert("RGB").tobytes()).digest() for frame in frames_of(frames)}) > 5
    monkeypatch.setenv("DOCS_PICTURES", "^CartPole")
    assert picture(env, "bsuite/Catch-v0") is None


def frames_of(animation):
    for number in range(animation.n_frames):
        animation.seek(number)
        yield animation


API = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "api").glob("*.md")))
PACKAGES = "adapters", "fusion", "games", "monitor", "play", "preprocessing", "scoreboard", "spaces", "testing"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_api(package):
    module = importlib.import_module(f"jaxenvs.{package}")
    imported = [name for name, value in vars(module).items() if isinstance(value, type) or callable(value)]
    names = getattr(module, "__all__", [name for name in imported if not name.startswith("_")])
    documented = set(re.findall(r"^::: (\S+)", API, re.MULTILINE))
    assert {f"{module.__name__}.{name}" for name in names} <= documented


@pytest.mark.parametrize("id", ["Taxi-v4", "MinAtar/Breakout-v1"])
def test_the_docstring_is_found_without_importing_the_class(id):
    spec = jaxenvs.spec(id)
    assert docstring(spec, None) == docstring(spec, jaxenvs.make(spec))


def test_a_notebook_becomes_a_page_with_its_pictures():
    files = dict(notebook(ROOT / "notebooks" / "01_first_steps.ipynb"))
    page = files.pop("notebooks/01_first_steps.md")
    assert page.startswith("# First steps") and "````python\nimport jax" in page
    assert "Installs jaxenvs" not in page
    assert files and all(f"({name.removeprefix('notebooks/')})" in page for name in files)


def test_an_animation_in_a_notebook_stays_one(tmp_path):
    html = '<div id="jaxenvs-0">a picture</div>\n<script>play()</script>\n'
    outputs = [{"data": {"text/html": [html], "text/plain": ["<HtmlAnimation>"]}}, {"text": ["said\n"]}]
    cell = {"cell_type": "code", "source": ["show()"], "outputs": outputs}
    path = tmp_path / "shown.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    ((name, page),) = notebook(path)
    assert name == "notebooks/shown.md"
    assert page.split("\n\n")[1:] == [html.strip(), "````text\nsaid\n````"]


def test_a_table_of_ids_has_a_few_of_their_pictures():
    pytest.importorskip("mkdocs", reason="MkDocs is not installed; it comes with the extra `docs`")
    from docs.generator import hook

    names = [f"Task-v{number}" for number in range(20)]
    rows = "".join(f"| [`{name}`](environments/{name}.md) | Discrete(2) |\n" for name in names)
    files = {"environments/Other-v0.png", *(f"environments/{name}.webp" for name in names[1:])}
    shown = hook.pictures(rows, SimpleNamespace(src_uris=files)).split(" [")
    assert shown[0] == "[![Task-v1](environments/Task-v1.webp){ .small loading=lazy }](environments/Task-v1.md)"
    assert 4 <= len(shown) <= 8
    assert hook.pictures(rows, SimpleNamespace(src_uris=set())) == ""


@pytest.mark.slow  # `.ci/run` builds the site with a few pictures
def test_the_site_builds_with_every_picture(tmp_path):
    pytest.importorskip("mkdocs", reason="MkDocs is not installed; it comes with the extra `docs`")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3000)
    assert result.returncode == 0, result.stderr
    for id in jaxenvs.registry:
        assert (tmp_path / "environments" / id.replace("/", "-") / "index.html").exists()
