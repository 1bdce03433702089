"""The pages in headless Chromium: light and dark, on a desk and on a phone, with and without scripts."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="needs playwright, which the extra test has")

from playwright.sync_api import expect

from jaxenvs.scoreboard.export import export
from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.site.server import SiteServer
from tests.browsers import NEEDS_CHROMIUM, SCREENSHOTS, chromium

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
    "no-scripts": {"viewport": {"width": 1280, "height": 900}, "java_script_enabled": False},
}

WRITE_UP = "# One\n\n`code`\n\n| a |\n|-|\n| b |"

CONTRAST = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const linear = (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => rgb.reduce((sum, c, i) => sum + linear(c / 255) * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const { rgb, a } = parse(getComputedStyle(node).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !node.checkVisibility() || node.closest("svg, .hidden, .skip")) continue;
    const color = parse(getComputedStyle(node).color).rgb;
    const [a, b] = [light(color), light(behind(node))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) weak.push([node.tagName, node.className, text.slice(0, 40), contrast]);
  }
  return weak;
}"""
"""Texts with less contrast than WCAG's level AA asks for."""

CUT_OFF = """() => [...document.querySelectorAll(".scroll")]
  .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth)
  .map((box) => [box.ariaLabel, box.scrollWidth, box.clientWidth])"""
"""Tables that are wider than the page, so that their last columns are not seen."""

LABELS = """() => [...document.querySelectorAll("svg.chart text")].filter((label) => {
  const chart = label.ownerSVGElement, { x, y, width, height } = label.getBBox(), box = chart.viewBox.baseVal;
  const pixels = parseFloat(getComputedStyle(label).fontSize) * chart.getBoundingClientRect().width / box.width;
  return pixels < 10 || x < 0 || y < 0 || x + width > box.width || y + height > box.height;
}).map((label) => label.textContent)"""
"""Labels of charts that are smaller than 10 pixels, or cut off."""

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(store, entered):
    """The address of a server, and the paths of its pages."""
    name = entered("ada", "PPO", mode="training", mean=480.0, solved_after=12, write_up=WRITE_UP)
    entered(
        "a-very-long-name-of-a-person.at-a-place", "An algorithm whose name is long and goes on", seeds=5, mean=-1234.5
    )
    entered("bo", "Search", kind="planned", mean=0.12345)
    paths = ["/", "/boards/CartPole-v1", f"/entries/{name}", "/people/ada", "/about", "/api", "/nothing"]
    with SiteServer(site_app(store), port=0).in_background() as server:
        yield f"http://127.0.0.1:{server.port}", paths


@pytest.mark.parametrize(
    "look", [pytest.param(look, marks=[pytest.mark.slow] * (look in ("light", "no-scripts"))) for look in LOOKS]
)
def test_pages_fit_can_be_read_and_break_no_rule(browser, site, look):
    address, paths = site
    context, errors = browser.new_context(**LOOKS[look]), []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    for path in paths:
        page.goto(address + path)
        if SCREENSHOTS:
            picture = f"{path.strip('/').replace('/', '-') or 'home'}-{look}.png"
            page.screenshot(path=Path(SCREENSHOTS) / picture, full_page=True)
        if look != "no-scripts":
            assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"], path
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate(CUT_OFF) == [], path
            assert page.evaluate(LABELS) == [], path
        expect(page.locator("h1")).to_be_visible()
    context.close()
    missing = [text for text in errors if "404" in text]  # pictures that no worker has drawn, and the last page
    assert [text for text in errors if text not in missing] == []


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_static_files_name_the_address_that_they_are_read_from(browser, store, entered, tmp_path):
    name = entered("ada", "PPO")
    export(store, tmp_path / "public")
    handler = functools.partial(_Quiet, directory=tmp_path / "public")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address, page = f"http://127.0.0.1:{server.server_port}", browser.new_page()
        page.goto(f"{address}/entries/{name}.html")
        expect(page.locator("pre code")).to_have_text(f"jaxenvs verify {address}/archives/{name}.zip")
        page.close()
        server.shutdown()


def test_the_site_is_used_with_the_keyboard_alone(browser, site):
    address, _ = site
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search environments")).to_be_focused()
    page.keyboard.type("minatar/asterix-v1")
    expect(page.locator(".card:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/?q=minatar%2Fasterix-v1")
    page.get_by_role("link", name="MinAtar/Asterix-v1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("MinAtar/Asterix-v1")
    page.close()


def test_without_scripts_searching_works_as_well(browser, site):
    address, _ = site
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("searchbox").fill("cartpole-v1")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Acrobot-v1")).to_have_count(0)
    page.locator(".large .card").click()
    page.get_by_role("link", name="PPO", exact=True).click()
    expect(page.get_by_role("img", name="Learning curve")).to_be_visible()
    context.close()


def test_without_scripts_a_reviewer_marks_a_result(browser, site, make_key):
    address, paths = site
    context = browser.new_context(**LOOKS["phone"], java_script_enabled=False)
    page = context.new_page()
    page.goto(address + paths[2])
    page.get_by_text("Mark this result").click()
    page.get_by_label("Mark", exact=True).select_option("reviewed")
    page.get_by_label("Note").fill("I read it.")
    page.get_by_label("Your key").fill("jxs_wrong")
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / "review.png", full_page=True)
    page.get_by_role("button", name="Mark it").click()
    expect(page.get_by_role("alert")).to_have_text("The key is unknown or revoked.")
    expect(page.get_by_label("Note")).to_have_value("I read it.")
    expect(page.get_by_label("Your key")).to_have_value("")
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / "review-refused.png", full_page=True)
    page.get_by_label("Your key").fill(make_key("rev", reviewer=True))
    page.get_by_role("button", name="Mark it").click()
    expect(page.get_by_text("✓ reviewed").first).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="I read it.")).to_be_visible()
    context.close()
