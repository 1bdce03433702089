"""The site as static files, and the report on one's own runs."""

import json
import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard import Submission
from jaxenvs.scoreboard.export import export
from jaxenvs.scoreboard.site.environments import environments


@pytest.fixture
def exported(store, entered, tmp_path, monkeypatch):
    few = {slug: environments()[slug] for slug in ("CartPole-v1", "MinAtar--Breakout-v1")}
    for module in ("jaxenvs.scoreboard.export", "jaxenvs.scoreboard.site.pages"):
        monkeypatch.setattr(f"{module}.environments", lambda: few)
    names = [
        entered("ada", "PPO", mode="training", mean=480.0, solved_after=9, write_up="Some *words*."),
        entered("bo", "DQN", seeds=5),
    ]
    for path, data in (
        ("CartPole-v1.png", b"picture"),
        (f"{names[0]}.mp4", b"film"),
        ("MinAtar--Breakout-v1.png", b""),
    ):
        store.files.picture(path).write_bytes(data)
    for path in (f"{names[0]}-poster.png", f"{names[0]}-sheet.png", f"{names[1]}.mp4"):
        store.files.picture(path).write_bytes(b"picture")
    for path in (f"{names[1]}-poster.png", f"{names[1]}-sheet.png"):
        store.files.picture(path).write_bytes(b"picture")
    folder = tmp_path / "public"
    export(store, folder)
    return folder, names


def test_every_link_in_the_files_leads_to_a_file(exported):
    folder, _ = exported
    pages = sorted(folder.rglob("*.html"))
    assert len(pages) == 8
    for page in pages:
        here = f"/{page.relative_to(folder)}"
        for link in re.findall(r'(?:href|src|poster)="([^"]+)"', page.read_text()):
            parts = urlsplit(urljoin(here, link))
            assert not link.startswith("/"), (here, link)
            if not parts.netloc and not link.startswith("#"):
                assert (folder / unquote(parts.path).lstrip("/")).is_file(), (here, link)
    text = "".join(page.read_text() for page in pages)
    assert "http-equiv" not in text and 'method="post"' not in text


def test_the_files_have_all_data_and_the_archives(exported):
    folder, (name, _) = exported
    everything = json.loads((folder / "data" / "everything.json").read_text())
    assert [one["algorithm"] for one in everything["submissions"]] == ["PPO", "DQN"]
    assert json.loads((folder / "data" / "boards" / "CartPole-v1.json").read_text())["tables"][0]["rows"]
    assert json.loads((folder / "data" / "people" / "ada.json").read_text())["submissions"][0]["name"] == name
    archive = Submission.read(folder / "archives" / f"{name}.zip")
    assert archive.author.algorithm == "PPO"
    assert f"jaxenvs verify archives/{name}.zip" in (folder / "entries" / f"{name}.html").read_text()


def test_what_has_not_changed_is_not_written_again(exported, store):
    folder, _ = exported
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    export(store, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_other_files_are_not_overwritten(store, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InvalidField, match="holds other files"):
        export(store, tmp_path)
