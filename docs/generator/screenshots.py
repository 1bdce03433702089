"""The pictures of the pages in the browser, docs/play.png and docs/watch.png: `python -m docs.generator.screenshots`.

They show a game, and a training of a few seconds. Needs the extra `test`, and Chromium.
"""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.play import Games, Server, Worker, play_app, watch_app
from tests.browsers import chromium

DOCS = Path(__file__).parents[1]
VIEW = {"width": 1200, "height": 760}
COLORS = 128
"""Colours of a picture, which make it a quarter as large as all of them."""
GAME = "LunarLander-v3"
TRAINING = "CartPole-v1", "--steps", "1e5"


def main() -> None:
    """Writes the pictures."""
    with chromium() as browser:
        play(browser.new_page(viewport=VIEW))
        watch(browser.new_page(viewport=VIEW))


def play(page: Any) -> None:
    """The page of a game that is being played."""
    with Server(play_app(Games(GAME), worker=Worker()), port=0).in_background() as server:
        page.goto(f"{server.url}#{GAME}")
        page.locator("#overlay").filter(has_text="Ready").wait_for(timeout=300_000)
        page.keyboard.press("ArrowLeft")
        page.locator("#step-count").filter(has_text=re.compile(r"^[23]\d$")).wait_for(timeout=120_000)
        page.keyboard.down("Space")
        page.wait_for_timeout(500)
        save(page, "play.png")


def watch(page: Any) -> None:
    """The page of a training that has finished."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "CartPole-v1-ppo"
        subprocess.run([sys.executable, "-m", "jaxenvs", "train", *TRAINING, "--output", run], check=True)
        with Server(watch_app(run), port=0).in_background() as server:
            page.goto(server.url)
            page.locator(".chart .line").first.wait_for()
            page.locator("figure img").first.wait_for()
            save(page, "watch.png")


def save(page: Any, name: str) -> None:
    """Writes what a page shows, with few colours."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    write_bytes(DOCS / name, file.getvalue())


if __name__ == "__main__":
    main()
