"""The pages in headless Chromium."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", reason="needs playwright, which the extra test has")

from playwright.sync_api import expect

from jaxenvs.play import Server, watch_app
from tests.browsers import NEEDS_CHROMIUM, SCREENSHOTS, chromium
from tests.play.test_watch import add_episodes, append, make_run

SLOW_MS = 60_000

expect.set_options(timeout=20_000)

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser, client, request):
    """Opens the page of an environment, and checks at the end that it reported no error."""
    contexts, errors = [], []

    def open_page(id="CartPole-v1", query="", shows=("#overlay", "Ready"), **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SLOW_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(f"{client.origin}/{query}#{id}")
        expect(page.locator(shows[0])).to_contain_text(shows[1], timeout=SLOW_MS)
        return page

    yield open_page
    if SCREENSHOTS:
        for number, context in enumerate(contexts):
            context.pages[0].screenshot(path=Path(SCREENSHOTS) / f"{request.node.name}-{number}.png", full_page=True)
    for context in contexts:
        context.close()
    assert errors == []


def number(page, id):
    return float(page.locator(f"#{id}").inner_text())


def reading(page, name):
    """The numbers of a line of the readings."""
    text = page.locator("#readings tr").filter(has_text=name).locator("td").inner_text()
    return [float(value) for value in text.split()]


def test_keys_move_the_cart_and_an_episode_ends_and_restarts(open_page):
    page = open_page()
    start = page.locator("#picture").get_attribute("src")
    page.locator("#speed").evaluate("slider => { slider.value = 3; slider.dispatchEvent(new Event('input')); }")
    page.get_by_label("Restart by itself").uncheck()  # until the end has been looked at
    page.keyboard.down("ArrowRight")
    expect(page.locator("#overlay")).to_contain_text("Terminated", timeout=SLOW_MS)
    assert reading(page, "observation")[1] > 0.5, "the cart moves to the right"
    assert page.locator("#picture").get_attribute("src") != start
    assert number(page, "return") == number(page, "step-count") > 5
    expect(page.locator("#last")).to_contain_text("terminated")
    page.get_by_label("Restart by itself").check()
    expect(page.locator("#episode")).to_have_text("1", timeout=SLOW_MS)
    page.keyboard.up("ArrowRight")
    assert page.title() == "CartPole-v1 · jaxenvs"


def test_pause_step_reset_and_seed(open_page):
    page = open_page()
    page.get_by_role("button", name="Step").click()
    expect(page.locator("#step-count")).to_have_text("1")
    expect(page.locator("#overlay")).to_contain_text("Paused")
    page.keyboard.press("Shift+P")
    expect(page.locator("#overlay")).not_to_contain_text("Paused")
    page.keyboard.press("Shift+P")
    expect(page.locator("#pause")).to_have_text("Go on")
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#step-count")).to_have_text("0")
    expect(page.locator("#episode")).to_have_text("1")
    first = reading(page, "observation")
    page.locator("#seed").fill("7")
    page.locator("#seed").press("Enter")
    expect(page.locator("#episode")).to_have_text("0")
    assert reading(page, "observation") != first


def test_the_list_opens_another_environment(open_page):
    page = open_page()
    page.keyboard.down("ArrowRight")
    expect(page.locator("#last")).to_contain_text("terminated", timeout=SLOW_MS)
    page.keyboard.up("ArrowRight")
    page.keyboard.press("?")
    page.get_by_role("searchbox").fill("counter")
    expect(page.locator(".card:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("Counter", timeout=SLOW_MS)
    expect(page.locator("#last")).to_have_text("None has ended yet.")
    expect(page.locator("#table")).to_be_visible()
    page.get_by_role("group", name="amount").get_by_role("slider").first.fill("2")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Act").click()
    expect(page.locator("#table tbody tr")).to_have_count(2)
    expect(page.locator("#table tbody tr").first).to_contain_text("3")


@pytest.mark.slow
def test_a_world_of_blocks_is_played_with_the_keys_that_the_page_shows(open_page):
    page = open_page("VoxelCraft-v0")
    for key, label, name in (("PageDown", "PgDn", "look down"), ("e", "E", "dig"), ("s", "↓", "walk back")):
        expect(page.locator("#keys tr").filter(has_text=name)).to_contain_text(label)
        page.keyboard.press(key)
        expect(page.locator(".action.taken")).to_contain_text(name)
    expect(page.locator("#return")).to_have_text("1")  # for the dirt


def test_sliders_keys_and_the_mouse_move_a_continuous_action(open_page):
    page = open_page("Pendulum-v1")
    page.keyboard.down("ArrowRight")
    expect(page.locator("#readings tr").filter(has_text="action")).to_contain_text("2")
    page.keyboard.up("ArrowRight")
    expect(page.locator("#readings tr").filter(has_text="action").locator("td")).to_have_text("0")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 50)
    page.mouse.down()
    expect(page.locator("#readings tr").filter(has_text="action").locator("td")).to_contain_text("-1.9")
    page.mouse.up()
    expect(page.locator("#play input[type=number]")).to_have_value("0")


def test_a_phone_plays_by_touch_without_scrolling_sideways(open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    page = open_page("CartPole-v1", **phone)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    button = page.locator(".action", has_text="right")
    assert button.bounding_box()["height"] >= 44
    assert button.bounding_box()["y"] < 844, "it is in sight"
    finger = page.context.new_cdp_session(page)
    box = button.bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    expect(page.locator(".action.taken")).to_contain_text("right")
    # The finger stays until the pole falls.
    expect(page.locator("#last")).to_contain_text("terminated", timeout=SLOW_MS)
    expect(page.locator("#episode")).to_have_text("1", timeout=SLOW_MS)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("() => [scrollX, scrollY, String(getSelection())]") == [0, 0, ""]


def test_a_finger_on_the_picture_moves_a_continuous_action(open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page("Pendulum-v1", **phone)
    finger = page.context.new_cdp_session(page)
    box, action = page.locator("#picture").bounding_box(), page.locator("#readings tr").filter(has_text="action")
    for kind, x, shown in (("touchStart", box["width"] - 12, "1.8"), ("touchMove", 12, "-1.8")):
        place = {"x": box["x"] + x, "y": box["y"] + 60}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        expect(action.locator("td")).to_contain_text(shown)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#play input[type=number]")).to_have_value("0")
    assert page.evaluate("() => [scrollX, scrollY]") == [0, 0]


def place_of(page, x, y):
    """(x, y) on the page of a place in the picture, given in fractions of its width and height."""
    box = page.locator("#picture").bounding_box()
    width, height = page.locator("#picture").evaluate("picture => [picture.naturalWidth, picture.naturalHeight]")
    scale = min(box["width"] / width, box["height"] / height)
    left, top = box["x"] + (box["width"] - scale * width) / 2, box["y"] + (box["height"] - scale * height) / 2
    return left + x * scale * width, top + y * scale * height


def test_two_people_play_on_a_board_by_clicking_and_typing(open_page):
    page = open_page("two_player/TicTacToe-v0", shows=("#turn", "X to move"))
    start = page.locator("#picture").get_attribute("src")
    page.mouse.move(*place_of(page, 0.5, 0.51))
    expect(page.locator("#place")).to_have_text("b2")
    expect(page.locator("#ghost")).to_be_visible()
    page.mouse.click(*place_of(page, 0.5, 0.5))
    expect(page.locator("#turn")).to_have_text("O to move")
    assert page.locator("#picture").get_attribute("src") != start
    page.mouse.move(*place_of(page, 0.52, 0.5))
    expect(page.locator("#place")).to_have_text("b2")
    expect(page.locator("#ghost")).to_be_hidden()
    page.mouse.click(*place_of(page, 0.5, 0.5))
    expect(page.locator("#message")).to_contain_text("b2 is not a legal move here.")
    assert number(page, "step-count") == 1
    page.keyboard.type("A3")
    page.keyboard.press("Enter")
    expect(page.locator("#turn")).to_have_text("X to move")
    page.keyboard.type("z9")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text('No move is called "z9". They go from a3 to c1.')
    for move in ("a2", "b3", "c2"):
        page.keyboard.type(move)
        page.keyboard.press("Enter")
    expect(page.locator("#turn")).to_have_text("X won")
    expect(page.locator("#step-count")).to_have_text("5")
    page.get_by_role("button", name="New game").click()
    expect(page.locator("#turn")).to_have_text("X to move")
    expect(page.locator("#step-count")).to_have_text("0")


def test_who_begins_is_chosen_on_the_page(open_page):
    page = open_page("TicTacToe-v0", shows=("#turn", "Your move, as X"))
    page.get_by_label("agent moves first").select_option("no")
    expect(page.locator("#turn")).to_have_text("Your move, as O", timeout=SLOW_MS)
    expect(page.get_by_label("agent moves first")).to_have_value("false")
    expect(page.get_by_label("opponent")).to_have_value('"random"')


def test_on_a_small_board_a_finger_selects_and_then_plays(open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    page = open_page("two_player/Hex9x9-v0", shows=("#turn", "Red to move"), **phone)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.touchscreen.tap(*place_of(page, 0.5, 0.5))
    button = page.get_by_role("button", name=re.compile("^Play e5$"))
    expect(button).to_be_visible()
    expect(page.locator("#ghost")).to_be_visible()
    assert number(page, "step-count") == 0
    button.tap()
    expect(page.locator("#turn")).to_have_text("Blue to move")
    for _ in range(2):  # the same place twice
        page.touchscreen.tap(*place_of(page, 0.3, 0.3))
    expect(page.locator("#turn")).to_have_text("Red to move")


def test_a_page_without_websockets_polls(open_page):
    page = open_page(query="?poll")
    page.get_by_role("button", name="Step").click()
    expect(page.locator("#step-count")).to_have_text("1")


def test_every_control_shows_the_focus(open_page):
    page = open_page()
    for _ in range(6):
        page.keyboard.press("Tab")
        focused = page.locator(":focus-visible")
        expect(focused).to_have_count(1)
        assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"


@pytest.mark.parametrize("alone", [False, True], ids=["in a folder of runs", "alone"])
def test_a_training_run_grows_while_it_is_watched(browser, tmp_path, alone):
    run = make_run(tmp_path / "CartPole-v1-ppo")
    with Server(watch_app(run.path if alone else tmp_path), port=0).in_background() as server:
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.url)
        expect(page.locator(".chart .line")).to_have_count(2)
        expect(page.locator("#title")).to_have_text("CartPole-v1")
        expect(page.locator("#tiles")).to_contain_text("400.5")
        append(run, range(41, 61))
        expect(page.locator("#tiles")).to_contain_text("600.5", timeout=10_000)
        run.mark("finished")
        expect(page.locator("#status")).to_have_text("finished", timeout=10_000)
        ends = {"terminated": np.array([True, False, False]), "truncated": np.array([False, True, False])}
        add_episodes(run, [1, 2, 3], **ends)
        for row, text in enumerate(["cut short", "truncated", "terminated"]):  # the newest first
            expect(page.locator("#episodes tbody tr").nth(row)).to_contain_text(text, timeout=10_000)
        page.locator("#column").select_option("loss")
        expect(page.locator(".chart")).to_have_attribute("aria-label", re.compile("^loss: 0.01"))
        expect(page.locator("figure img")).to_have_attribute("alt", "agent.gif")
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / "watch.png", full_page=True)
        page.close()
    assert errors == []
