"""Who may use a server: hosts, origins and tokens."""

import asyncio
import hmac

import pytest

from jaxenvs.play import guard as guard_module
from jaxenvs.play.guard import Guard, is_loopback, new_token

TOKEN = "a-secret-token"


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def ask(guard, method="GET", path="/", query="", **headers):
    """What the guard answers: the status (`"accept"` or `"close"` for a WebSocket) and the headers."""
    scope = {
        "type": "websocket" if method == "WS" else "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        **({} if method == "WS" else {"method": method}),
    }
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    found = {name.decode().lower(): value.decode() for name, value in sent[0].get("headers", [])}
    return sent[0].get("status", sent[0]["type"].rpartition(".")[2]), found


LOCAL = Guard(application)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:9000", "[::1]:8765", "LOCALHOST", "localhost.:1"])
def test_this_machine_is_served_through_any_port(host):
    """Any port, since a tunnel may have another one at its other end."""
    assert ask(LOCAL, host=host)[0] == 200
    assert ask(LOCAL, "WS", host=host, origin=f"http://{host}")[0] == "accept"


@pytest.mark.parametrize("host", ["", "evil.example:8765", "localhost.evil.example", "192.168.1.2:8765", "[bad", "a b"])
def test_other_names_are_refused(host):
    """A page can make its own name resolve to 127.0.0.1, but not change the name that the browser sends."""
    assert ask(LOCAL, host=host)[0] == 403
    assert ask(LOCAL, "WS", host=host, origin=f"http://{host}")[0] == "close"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1234", "null", "file://", "http://[bad"])
@pytest.mark.parametrize("method", ["WS", "POST", "DELETE"])
def test_foreign_origins_are_refused(method, origin):
    assert ask(LOCAL, method, host="localhost:8765", origin=origin)[0] in (403, "close")
    assert ask(LOCAL, method, host="localhost:8765", origin="http://localhost:8765")[0] in (200, "accept")


def test_pages_of_other_sites_may_link_here_and_nothing_else():
    cross = {"host": "localhost:1", "sec_fetch_site": "cross-site"}
    assert ask(LOCAL, sec_fetch_mode="navigate", **cross)[0] == 200
    assert ask(LOCAL, sec_fetch_mode="no-cors", **cross)[0] == 403
    assert ask(LOCAL, host="localhost:1", sec_fetch_site="same-origin", sec_fetch_mode="cors")[0] == 200


def test_answers_carry_a_policy():
    headers = ask(LOCAL, host="localhost:1")[1]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    embedded = ask(Guard(application, embeddable=True), host="localhost:1")[1]
    assert "frame-ancestors *" in embedded["content-security-policy"]


OPEN = Guard(application, hosts=["0.0.0.0"], token=TOKEN)
ADDRESS = {"host": "192.168.1.2:8765"}


def test_without_its_token_an_open_server_refuses_everything():
    assert ask(OPEN, **ADDRESS)[0] == 403
    assert ask(OPEN, query="token=wrong", **ADDRESS)[0] == 403
    assert ask(OPEN, query="token=", **ADDRESS)[0] == 403
    assert ask(OPEN, cookie="jaxenvs-8765=wrong", **ADDRESS)[0] == 403
    assert ask(OPEN, cookie=f"jaxenvs-1={TOKEN}", **ADDRESS)[0] == 403
    assert ask(OPEN, "WS", origin="http://192.168.1.2:8765", **ADDRESS)[0] == "close"
    assert ask(OPEN, host="localhost:8765")[0] == 403


def test_the_token_moves_from_the_url_into_a_cookie():
    status, headers = ask(OPEN, path="/", query=f"poll=1&token={TOKEN}", **ADDRESS)
    assert (status, headers["location"]) == (303, "/?poll=1")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    pair = cookie.partition(";")[0]
    assert ask(OPEN, cookie=f"other=1; {pair}", **ADDRESS)[0] == 200
    assert ask(OPEN, "WS", cookie=pair, origin="http://192.168.1.2:8765", **ADDRESS)[0] == "accept"
    assert ask(OPEN, "WS", cookie=pair, origin="http://evil.example", **ADDRESS)[0] == "close"


def test_a_redirect_stays_on_this_server():
    assert ask(OPEN, path="//evil.example/", query=f"token={TOKEN}", **ADDRESS)[1]["location"] == "/"


def test_an_open_server_refuses_names_that_are_not_its_own():
    pair = f"jaxenvs-8765={TOKEN}"
    assert ask(OPEN, host="evil.example:8765", cookie=pair)[0] == 403
    assert ask(OPEN, host="[fe80::1]:8765", cookie=pair)[0] == 200


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared, original = [], hmac.compare_digest

    def compare(one, other):
        compared.append((one, other))
        return original(one, other)

    monkeypatch.setattr(guard_module.hmac, "compare_digest", compare, raising=True)
    guard_module._same("wrong", TOKEN)
    assert compared == [(b"wrong", TOKEN.encode())]


def test_the_proxy_of_a_notebook_is_served():
    guard = Guard(application, hosts=[".colab.example"], embeddable=True)
    origin = "https://x-8765.colab.example"
    assert ask(guard, host="x-8765.colab.example")[0] == 200
    assert ask(guard, "POST", host="localhost:8765", origin=origin)[0] == 200
    assert ask(guard, "POST", host="localhost:8765", origin="https://colab.example.evil.example")[0] == 403


def test_tokens_differ_and_are_long():
    assert new_token() != new_token()
    assert len(new_token()) >= 32


@pytest.mark.parametrize(
    "host, expected",
    [("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_loopback_is_recognised(host, expected):
    assert is_loopback(host) is expected
