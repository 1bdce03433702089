"""The conversation with a page: over a WebSocket, and in requests that poll."""

import io
import json
import time
from contextlib import ExitStack

import jax
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

import jaxenvs
from jaxenvs.play import games
from jaxenvs.play.app import MOST_PLAYERS
from jaxenvs.play.server import MOST_MESSAGE_BYTES
from tests.play.conftest import Page


def replayed(env, seed, episode, actions):
    """The observations of an episode, by the environment itself."""
    state, timestep = env.reset(jax.random.fold_in(jaxenvs.random.key(seed), episode))
    out = [timestep]
    for action in actions:
        state, timestep = env.step(state, jax.numpy.asarray(action, "int32"))
        out.append(timestep)
    return out


def test_a_page_plays_episodes_that_the_environment_repeats(page):
    introduction, first = page.open("CartPole-v1", seed=3)
    assert introduction["controls"]["names"] == ["left", "right"]
    assert introduction["frames_per_second"] == 50
    assert Image.open(io.BytesIO(first["picture"])).size == (600, 400)
    actions = [1, 0, 1]
    for count, action in enumerate(actions, 1):
        page.send("step", action=action)
        update = page.update(step=count)
    assert update["paused"]
    assert update["return"] == 3
    expected = replayed(jaxenvs.make("CartPole-v1"), 3, 0, actions)[-1]
    np.testing.assert_allclose(update["observation"][0][1], np.asarray(expected.observation), rtol=1e-4)
    page.send("reset")
    second = page.update(step=0, episode=1)
    expected = replayed(jaxenvs.make("CartPole-v1"), 3, 1, [])[0]
    np.testing.assert_allclose(second["observation"][0][1], np.asarray(expected.observation), rtol=1e-4)


def test_compiling_is_announced_before_it_begins(page):
    page.send("open", id="CartPole-v1")
    assert page.next() == {"type": "status", "status": "compiling", "id": "CartPole-v1"}


def test_a_game_runs_while_a_key_is_down_and_restarts_after_the_end(page):
    page.open("CartPole-v1")
    page.send("speed", speed=8)
    page.send("hold", action=1)
    end = page.update(terminated=True)
    assert end["return"] == end["step"] == end["last"]["length"]
    assert page.update(episode=1, terminated=False)["last"]["length"] == end["step"]
    page.send("hold", action=None)
    page.send("pause", paused=True)
    stopped = page.update(paused=True)["step"]
    time.sleep(0.1)
    page.send("pause", paused=True)
    assert page.update(paused=True)["step"] == stopped


def test_without_restarts_the_end_stays_until_a_reset(page):
    page.open("CartPole-v1")
    page.send("restarts", restarts=False)
    page.send("speed", speed=8)
    page.send("hold", action=0)
    page.update(terminated=True)
    page.send("step", action=0)
    page.send("reset", seed=5)
    fresh = page.until(lambda v: v["type"] == "update" and not v["terminated"])
    assert (fresh["seed"], fresh["episode"], fresh["step"]) == (5, 0, 0)


def test_a_turn_based_game_takes_one_step_for_each_short_press(page):
    introduction, first = page.open("FrozenLake-v1")
    assert introduction["idle"] == "wait"
    assert not first["started"]
    for count in (1, 2):
        page.send("hold", action=1)
        page.send("hold", action=None)
        page.update(step=count)
    time.sleep(0.4)
    page.send("pause", paused=True)
    assert page.update(paused=True)["step"] == 2


def test_a_held_key_repeats_in_a_turn_based_game(page):
    page.open("FrozenLake-v1")
    page.send("speed", speed=8)
    page.send("hold", action=0)
    page.update(step=1)
    page.until(lambda v: v["type"] == "update" and v["step"] >= 3)


def test_actions_are_taken_in_turn_where_none_does_nothing(page):
    page.open("CartPole-v1")
    taken = []
    for count in range(1, 5):
        page.send("step")
        taken.append(page.update(step=count)["action"][0][1][0])
    assert taken == [0, 1, 0, 1]


def test_an_environment_without_a_picture_shows_its_numbers(page):
    introduction, first = page.open("Counter")
    assert not introduction["can_render"]
    assert first["picture"] == b""
    assert introduction["controls"]["items"]["pair"]["items"][0]["start"] == 1
    page.send("hold", action={"amount": [2, 1], "switches": [0, 1], "pair": [3, [0.5, -2]]})
    page.send("hold", action=None)
    update = page.update(step=1)
    assert update["observation"] == [["", [6]]]
    assert dict(map(tuple, ((name, tuple(v)) for name, v in update["action"])))["pair.1"] == (0.5, -1.0)


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "must be JSON"),
        ("[" * 50_000, "must be JSON"),
        ("[1]", "with a `type`"),
        ('{"type": 3}', "with a `type`"),
        ('{"type": "fly"}', "type must be one of open, hold"),
        ('{"type": "hold"}', "wrong parts"),
        ('{"type": "pause", "paused": true, "self": 1}', "wrong parts"),
        ('{"type": "reset", "seed": -1}', "A seed must be"),
        ('{"type": "reset", "seed": 1e400}', "A seed must be"),
        ('{"type": "speed", "speed": 1e9}', "`speed` must be"),
        ('{"type": "speed", "speed": NaN}', "`speed` must be"),
        ('{"type": "idle", "idle": [1]}', "While no key is down"),
        ('{"type": "step", "action": 7}', "whole number from 0 to 1"),
        ('{"type": "step", "action": {"a": []}}', "whole number from 0 to 1"),
        ('{"type": "open", "id": "CartPole-v999"}', "CartPole"),
        ('{"type": "open", "id": "os:CartPole-v1"}', "no environment"),
        ('{"type": "open", "id": ["CartPole-v1"]}', "must be a text"),
        ('{"type": "open", "id": "CartPole-v1", "seed": "1"}', "A seed must be"),
        ("x" * (MOST_MESSAGE_BYTES + 1), "at most"),
        (b"\x00\x01", "must be text"),
    ],
    ids=str,
)
def test_a_malformed_message_gets_an_error_and_loses_nothing(page, text, message):
    page.open("CartPole-v1")
    page.send("step", action=1)
    page.update(step=1)
    page.socket.send(text)
    assert message in page.error()
    page.send("step", action=1)
    assert page.update(step=2)["return"] == 2


def test_nothing_but_opening_is_possible_before_opening(page):
    page.send("step", action=1)
    assert page.error() == "Open an environment first."


def test_frames_do_not_queue_up_for_a_page_that_is_slow(client):
    with client.socket() as socket:
        page = Page(socket)
        page.open("CartPole-v1")
        page.send("speed", speed=8)
        page.send = lambda *_, **__: None  # from now on, it acknowledges nothing
        socket.send('{"type": "hold", "action": null}')
        step = '{"type": "step", "action": null}'
        for _ in range(60):
            socket.send(step)
        page.update()  # perhaps that of all these steps
        socket.send(step)
        page.update()
        for _ in range(60):
            socket.send(step)
        socket.send('{"type": "nonsense"}')
        assert page.next()["type"] == "error", "no third update was on its way"
        socket.send('{"type": "received"}')
        newest = page.update()
        assert newest["step"] > 2 or newest["episode"] > 0


def test_too_many_pages_are_refused(client):
    with ExitStack() as stack:
        for _ in range(MOST_PLAYERS):
            stack.enter_context(client.socket())
        with client.socket() as last, pytest.raises(ConnectionClosed, match="Too many"):
            last.recv(timeout=10)


def test_each_page_has_a_game_of_its_own(client):
    with client.socket() as one, client.socket() as other:
        first, second = Page(one), Page(other)
        first.open("CartPole-v1")
        second.open("CartPole-v1")
        first.send("step", action=1)
        assert first.update(step=1)["return"] == 1
        second.send("step", action=0)
        assert second.update(step=1)["action"] == [["", [0]]]


def parts_of(content):
    """The messages in an answer to a page that polls."""
    messages = []
    while content:
        is_update, length = content[0], int.from_bytes(content[1:5], "little")
        part, content = content[5 : 5 + length], content[5 + length :]
        messages.append(json.loads(part[4 : 4 + int.from_bytes(part[:4], "little")] if is_update else part))
    return messages


def test_a_page_behind_a_proxy_without_websockets_polls(client):
    path = "/poll/0123456789abcdef"

    def post(*messages, wait=""):
        texts = json.dumps([json.dumps(message) for message in messages])
        status, _, content = client.request("POST", path + wait, texts, origin=client.origin)
        assert status == 200
        return parts_of(content)

    assert post({"type": "open", "id": "CartPole-v1"}) == []
    seen = []
    while not any(message.get("step") == 0 for message in seen):
        seen += post(wait="?wait")
    assert [message["type"] for message in seen[:2]] == ["status", "env"]
    post({"type": "received"}, {"type": "step", "action": 1})
    while not any(message.get("step") == 1 for message in seen):
        seen += post(wait="?wait")


@pytest.mark.parametrize("content, status", [(b"{", 400), (b"[1]", 400), (b"[" + b" " * 2**17 + b"]", 413)])
def test_a_malformed_request_is_refused(client, content, status):
    assert client.request("POST", "/poll/0123456789abcdef", content)[0] == status
    assert client.request("POST", "/poll/short", b"[]")[0] == 400


def test_the_list_names_every_id_and_what_is_missing(client, monkeypatch):
    monkeypatch.setattr(games, "is_installed", lambda extra: extra != "mujoco")
    settings = client.json("/settings")
    rows = {row["id"]: row for row in settings["environments"]}
    assert settings["first"] == "CartPole-v1"
    assert rows.keys() >= set(jaxenvs.registry)
    assert rows["Counter"]["family"] == "this session"
    assert rows["Ant-v5"]["needs"] == 'pip install "jaxenvs[mujoco]"'
    assert rows["CartPole-v1"]["needs"] is None


def test_thumbnails_are_small_pictures(client):
    status, headers, content = client.request("GET", "/thumbnails/CartPole-v1")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert max(Image.open(io.BytesIO(content)).size) == 240
    for name, expected in (("Counter", 204), ("os:CartPole-v1", 404), ("Nothing-v0", 404)):
        assert client.request("GET", f"/thumbnails/{name}")[0] == expected
