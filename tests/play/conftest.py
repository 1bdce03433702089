"""Shared fixtures for the tests of the pages: a server, what a page does, and a toy."""

import http.client
import json
import time
from typing import Any

import jax.numpy as jnp
import pytest

pytest.importorskip("starlette", reason="needs the extra play")
pytest.importorskip("uvicorn", reason="needs the extra play")
pytest.importorskip("websockets", reason="needs the extra play")

from websockets.sync.client import connect

import jaxenvs
from jaxenvs import spaces
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.play import Games, Server, Worker, play_app


class CounterState(PyTreeNode):
    count: Any


class Counter(jaxenvs.Env[CounterState, Any]):
    """Adds up `steps`; it has no picture, and its action has parts of every kind."""

    @property
    def observation_space(self):
        return spaces.Box(0, 1000, (), jnp.int32)

    @property
    def action_space(self):
        parts = {
            "amount": spaces.MultiDiscrete([3, 4]),
            "switches": spaces.MultiBinary(2),
            "pair": spaces.Tuple((spaces.Discrete(3, start=1), spaces.Box(-1, 1, (2,)))),
        }
        return spaces.Dict(parts)

    def reset(self, key):
        del key
        state = CounterState(jnp.zeros((), jnp.int32))
        return state, jaxenvs.restart(state.count)

    def step(self, state, action):
        count = state.count + action["amount"].sum().astype(jnp.int32) + action["pair"][0].astype(jnp.int32)
        return CounterState(count), jaxenvs.transition(count, 1.0, count > 20)


class Page:
    """What a page does, over a WebSocket: it sends messages, and acknowledges updates."""

    def __init__(self, socket):
        self.socket = socket
        self.seen = []

    def send(self, type, **values):
        self.socket.send(json.dumps({"type": type, **values}))

    def next(self):
        """The next message, with its picture if it is an update."""
        data = self.socket.recv(timeout=60)
        if isinstance(data, str):
            values = json.loads(data)
        else:
            length = int.from_bytes(data[:4], "little")
            values = {"type": "update", **json.loads(data[4 : 4 + length]), "picture": data[4 + length :]}
            self.send("received")
        self.seen.append(values)
        return values

    def until(self, wanted):
        """The next message for which `wanted` holds."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            values = self.next()
            if wanted(values):
                return values
        raise AssertionError(f"not seen: {self.seen[-3:]}")

    def update(self, **expected):
        """The next update with these values."""
        return self.until(lambda v: v["type"] == "update" and all(v[name] == x for name, x in expected.items()))

    def error(self):
        return self.until(lambda values: values["type"] == "error")["message"]

    def open(self, id, seed=0):
        """Opens an environment; returns what the page is told about it, and the first update."""
        self.send("open", id=id, seed=seed)
        introduction = self.until(lambda values: values["type"] == "env")
        return introduction, self.update(step=0)


class Client:
    """Requests to a server, and WebSockets."""

    def __init__(self, server):
        self.port = server.port
        self.origin = f"http://127.0.0.1:{server.port}"

    def request(self, method, path, content=None, **headers):
        """The status, the headers and the content of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, content, names)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def json(self, path):
        status, _, content = self.request("GET", path)
        assert status == 200, content
        return json.loads(content)

    def socket(self):
        return connect(f"ws://127.0.0.1:{self.port}/socket", origin=self.origin, max_size=None)


@pytest.fixture(scope="package")
def worker():
    worker = Worker()
    yield worker
    assert worker.close(60)


@pytest.fixture(scope="package")
def client(worker):
    games = Games("CartPole-v1", {"CartPole-v1": jaxenvs.make("CartPole-v1"), "Counter": Counter()})
    with Server(play_app(games, worker=worker), port=0).in_background() as server:
        yield Client(server)


@pytest.fixture
def page(client):
    with client.socket() as socket:
        yield Page(socket)
