"""Serving: ports, URLs, the end by a signal, and what the package contains."""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.play import Server, open_browser
from jaxenvs.play.app import _PAGE as PLAY_PAGE
from jaxenvs.play.pages import page_file
from jaxenvs.play.server import DEFAULT_PORT
from jaxenvs.play.watch import _PAGE as WATCH_PAGE
from tests.play.conftest import Client

PAGE = Path(jaxenvs.__file__).parent / "play" / "page"


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"inside"})


def test_a_port_in_use_is_an_error_and_the_default_moves_on():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidField, match=f"Port {port} is in use; choose another with --port"):
            Server(application, port=port)
    with Server(application).in_background() as first, Server(application).in_background() as second:
        assert DEFAULT_PORT <= first.port < second.port


@pytest.mark.parametrize(
    "host, port, message",
    [
        ("127.0.0.1", 70_000, "from 0 to 65535"),
        ("no.such.host.invalid", 0, "no host"),
        ("192.0.2.1", 0, "cannot be served"),
    ],
)
def test_hosts_and_ports_that_cannot_be_served(host, port, message):
    with pytest.raises(InvalidField, match=message):
        Server(application, host, port)


def test_only_other_machines_need_a_token():
    with Server(application, port=0).in_background() as server:
        assert server.url == f"http://127.0.0.1:{server.port}/"
        assert Client(server).request("GET", "/")[2] == b"inside"
    with Server(application, "0.0.0.0", 0).in_background() as server:
        address, _, token = server.url.partition("?token=")
        assert address.endswith(f":{server.port}/")
        assert "0.0.0.0" not in address, "another machine can reach it"
        assert Client(server).request("GET", "/")[0] == 403
        host = address.removeprefix("http://").rstrip("/")
        assert Client(server).request("GET", f"/?token={token}", host=host)[0] == 303
        status, headers, _ = Client(server).request("GET", f"/?token={token}")
        assert status == 303
        cookie = headers["set-cookie"].partition(";")[0]
        assert Client(server).request("GET", "/", cookie=cookie)[2] == b"inside"


def test_no_browser_is_opened_without_a_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert open_browser("http://127.0.0.1:1/") is False


def test_serve_tells_its_url_and_ends_by_a_signal():
    code = """
from jaxenvs.play import serve
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})
serve(application, port=0)
print("ended", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
    )
    try:
        assert select.select([process.stdout], [], [], 60)[0], "the URL stays in the buffer"
        url = process.stdout.readline()
        assert url.startswith("http://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", int(url.strip().strip("/").rpartition(":")[2])), 30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"inside" in b"".join(iter(lambda: connection.recv(4096), b""))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "ended\n", "")
    finally:
        process.kill()


def test_a_server_leaves_the_logging_of_the_process_as_it_is():
    closed = []
    handler = logging.Handler()
    handler.close = lambda: closed.append(handler)
    with contextlib.closing(Server(application, port=0)):
        assert closed == []


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    monkeypatch.delitem(sys.modules, "jaxenvs.play.watch", raising=False)
    with pytest.raises(DependencyNotInstalled, match=r'`starlette`.*`pip install "jaxenvs\[play\]"`'):
        jaxenvs.play.watch_app  # noqa: B018  # the lookup is what is tested
    with pytest.raises(AttributeError, match="no attribute 'ply'"):
        jaxenvs.play.ply  # noqa: B018


def test_pages_need_nothing_from_elsewhere():
    """They work without a network: no address but those of this server, and SVG's name of itself."""
    assert {*PLAY_PAGE, *WATCH_PAGE} == {path.name for path in PAGE.iterdir()}
    for path in PAGE.iterdir():
        text = page_file(path.name).decode().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "//cdn" not in text


def test_every_module_that_a_page_imports_is_served_with_it():
    for page in (PLAY_PAGE, WATCH_PAGE):
        for name in page:
            if name.endswith(".js"):
                for line in page_file(name).decode().splitlines():
                    if line.startswith("import "):
                        assert line.rpartition('"./')[2].rstrip('";') in page


@pytest.mark.slow
def test_the_wheel_contains_the_pages(tmp_path):
    pytest.importorskip("hatchling", reason="needs hatchling")
    import zipfile

    root = Path(jaxenvs.__file__).parents[1]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"jaxenvs/play/page/{path.name}" for path in PAGE.iterdir()} <= names
