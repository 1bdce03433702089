"""The pictures of the pages in the browser, play.png, watch.png and scoreboard.png in `docs`.

    python -m docs.generator.screenshots

They show a game, and a training of a few seconds, which is then submitted. Needs the extra `test`, and Chromium.
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
from jaxenvs.scoreboard import Author, submit
from jaxenvs.scoreboard.client import Client
from tests.browsers import chromium

DOCS = Path(__file__).parents[1]
VIEW = {"width": 1200, "height": 760}
COLORS = 128
"""Colours of a picture, which make it a quarter as large as all of them."""
GAME = "LunarLander-v3"
TRAINING = "CartPole-v1", "--steps", "1e5"


def main() -> None:
    """Writes the pictures."""
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        play(browser.new_page(viewport=VIEW))
        run = Path(folder) / "CartPole-v1-ppo"
        command("train", *TRAINING, "--output", run)
        watch(browser.new_page(viewport=VIEW), run)
        scoreboard(browser.new_page(viewport=VIEW), run, Path(folder) / "scoreboard")


def command(*arguments: Any) -> str:
    """Runs `jaxenvs`, and returns what it prints."""
    line = [sys.executable, "-m", "jaxenvs", *map(str, arguments)]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout


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


def watch(page: Any, run: Path) -> None:
    """The page of a training that has finished."""
    with Server(watch_app(run), port=0).in_background() as server:
        page.goto(server.url)
        page.locator(".chart .line").first.wait_for()
        page.locator("figure img").first.wait_for()
        save(page, "watch.png")


def scoreboard(page: Any, run: Path, folder: Path) -> None:
    """The page of an entry of a scoreboard: the trained agent, whose episodes the scoreboard has played again."""
    key = command("scoreboard", "key", "create", "ada", "--folder", folder).strip()
    serve = [sys.executable, "-m", "jaxenvs", "scoreboard", "serve", folder, "--port", "0", "--no-pictures"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            address = next(re.findall(r"http\S+", line) for line in server.stderr if "http" in line)[0].rstrip("/")
            author = Author("PPO", write_up="The preset of `jaxenvs train`.")
            name = submit(run, author, url=address, api_key=key)["name"]
            Client(address, key).wait(name)
            page.goto(f"{address}/entries/{name}")
            page.wait_for_load_state("networkidle")
            save(page, "scoreboard.png")
        finally:
            server.terminate()


def save(page: Any, name: str) -> None:
    """Writes what a page shows, with few colours."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    write_bytes(DOCS / name, file.getvalue())


if __name__ == "__main__":
    main()
