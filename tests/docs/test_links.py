"""The check of links that lead out of the repository. It is tested on a server in this process, not on the network."""

import http.server
import threading

import pytest

from docs.generator import links

ANSWERS = {"/works": 200, "/gone": 404, "/refuses": 403, "/broken": 503}


@pytest.fixture(scope="module")
def server():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/moved":
                self.send_response(301)
                self.send_header("Location", "/works")
            else:
                self.send_response(ANSWERS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()
        thread.join()


def test_links_are_found_without_the_punctuation_around_them():
    text = """See [a](https://a.org/b_(c)) and https://b.org/x. (https://c.org/y), <https://d.org/z#part>,
    "https://e.org" https://example.org/no http://localhost:8000 https://f.org/{name}
    as in github.com/a/b, arXiv:1234.56789. git+https://github.com/c/d.git"""
    assert links.links_of(text) == {
        "https://a.org/b_(c)",
        "https://b.org/x",
        "https://c.org/y",
        "https://d.org/z",
        "https://e.org",
        "https://github.com/a/b",
        "https://arxiv.org/abs/1234.56789",
        "https://github.com/c/d.git",
    }


def test_all_kinds_of_files_are_read():
    files = links.collect()
    names = {name for each in files.values() for name in each}
    assert {"README.md", "docs/randomness.md", "jaxenvs/training/dqn.py", "notebooks/01_first_steps.ipynb"} & names
    assert any(name.startswith("docs/") for name in names) and any(name.endswith(".py") for name in names)
    assert all(link.startswith("http") for link in files)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/works", None),
        ("/moved", None),
        ("/gone", "404 Not Found"),
        ("/refuses", "not checked: 403 Forbidden"),
        ("/broken", "503 Service Unavailable"),
    ],
)
def test_a_problem_is_told_in_words(server, path, said):
    assert links.problem(server[0] + path) == said


def test_a_server_that_fails_is_asked_again(server):
    address, asked = server
    asked.clear()
    links.problem(address + "/broken")
    links.problem(address + "/gone")
    assert asked == ["/broken"] * links.TRIES + ["/gone"]


def test_an_address_that_nobody_has_is_broken():
    assert "refused" in str(links.problem("http://127.0.0.1:9/"))


def test_broken_links_are_printed_with_their_files(server, capsys):
    address, _ = server
    files = {f"{address}/works": ["a.md"], f"{address}/gone": ["b.md", "c.py"], f"{address}/refuses": ["d.md"]}
    assert links.check(files) == 1
    out = capsys.readouterr().out
    assert f"{address}/gone\n    404 Not Found\n    in b.md, c.py\n" in out and "/works" not in out
    assert out.endswith("3 links: 1 broken, 1 not checked, 1 work.\n")
