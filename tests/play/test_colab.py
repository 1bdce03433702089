"""The page as a notebook in Colab shows it: in a frame of another site, through a proxy without WebSockets."""

import shutil
import sys
import types

import pytest

pytest.importorskip("playwright", reason="needs playwright, which the extra test has")
pytest.importorskip("IPython", reason="needs IPython, which the extra test has")

from playwright.sync_api import expect

import jaxenvs
from tests.browsers import NEEDS_CHROMIUM, chromium
from tests.play.notebook_proxy import NOTEBOOK, proxied
from tests.play.test_browser import SLOW_MS

pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl: `apt-get install openssl`"),
]

COLAB = "abc123-8765-colab.googleusercontent.com"


@pytest.fixture
def shown(monkeypatch):
    """What `show` asked Colab to show: the server, and the port."""
    shown = []
    output = types.SimpleNamespace(serve_kernel_port_as_iframe=lambda port, **_: shown.append(port))
    for name, module in (("google", {}), ("google.colab", {"output": output})):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**module, __path__=[]))
    server = jaxenvs.play.show("CartPole-v1", port=0)
    assert shown == [server.port]
    yield server
    server.stop()


@pytest.mark.parametrize(("path", "keeps_host"), [("/", True), ("/proxy/8765/", False)], ids=["colab", "path"])
def test_the_page_is_played_in_a_frame_of_another_site(shown, tmp_path, path, keeps_host):
    with proxied(tmp_path, shown.port, COLAB, path=path, keeps_host=keeps_host) as (port, upgrades):
        rules = ",".join(f"MAP {host}:443 127.0.0.1:{port}" for host in (COLAB, NOTEBOOK))
        with chromium(f"--host-resolver-rules={rules}", "--test-third-party-cookie-phaseout") as browser:
            page = browser.new_context(ignore_https_errors=True).new_page()
            page.set_default_timeout(SLOW_MS)
            errors = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"https://{NOTEBOOK}/")
            frame = page.frame_locator("iframe")
            expect(frame.locator("#overlay")).to_contain_text("Ready", timeout=SLOW_MS)
            picture = frame.locator("#picture").get_attribute("src")
            frame.locator("#stage").click()
            page.keyboard.down("ArrowRight")
            expect(frame.locator("#last")).to_contain_text("terminated", timeout=SLOW_MS)
            page.keyboard.up("ArrowRight")
            assert frame.locator("#picture").get_attribute("src") != picture
            expect(frame.locator("#episode")).to_have_text("1", timeout=SLOW_MS)
            page.screenshot(path=tmp_path / "colab.png")
    assert upgrades == [f"{path}socket"]
    assert errors == []
