"""What the pages say, and that they hold nothing of what strangers wrote but text."""

import html.parser
import re
import time

import pytest

from jaxenvs.scoreboard.site.charts import curve_chart, histogram_chart, number
from jaxenvs.scoreboard.site.links import safe_link
from jaxenvs.scoreboard.site.write_up import html_of
from tests.scoreboard.site.conftest import archive_of, hand_in

VOID = {"meta", "link", "img", "input", "br", "hr", "wbr", "source", "line", "rect", "polyline"}


class Checker(html.parser.HTMLParser):
    """Checks that elements are closed, and collects what readers and screen readers need."""

    def __init__(self, text):
        super().__init__()
        self.open, self.all, self.ids, self.headings = [], [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.all.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_at(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_pages_are_well_formed_and_can_be_heard(client, entered):
    name = entered("ada", mode="training", mean=480.0, solved_after=12, write_up="# One\n\n## Two")
    entered("bo", seeds=5)
    for path in ("/", "/?q=cart", "/boards/CartPole-v1", f"/entries/{name}", "/people/ada", "/about", "/api"):
        page = Checker(page_at(client, path))
        assert len(page.ids) == len(set(page.ids)), path
        assert page.headings.count(1) == 1 and page.headings[0] == 1, path
        assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:])), (
            path,
            page.headings,
        )
        tags = [tag for tag, _ in page.all]
        assert tags.count("main") == tags.count("header") == tags.count("title") == 1
        assert dict(page.all)["html"]["lang"] == "en"
        assert all("alt" in attrs for tag, attrs in page.all if tag == "img")
        assert all(attrs.get("scope") for tag, attrs in page.all if tag == "th")
        assert not [attrs for _, attrs in page.all if "style" in attrs or any(key.startswith("on") for key in attrs)]
        assert [attrs.get("src") for tag, attrs in page.all if tag == "script"] == [
            next(attrs["src"] for tag, attrs in page.all if tag == "script")
        ]
        labels = {attrs.get("aria-labelledby") for _, attrs in page.all} - {None}
        assert labels <= set(page.ids)


def test_the_first_page_shows_leaders_and_searches(client, entered):
    entered("ada", "DQN", mean=450.0)
    entered("bo", "PPO", mode="training", mean=480.0, solved_after=212)
    text = page_at(client, "/")
    assert "2 verified results on 1 of" in text and "solved after 212 episodes" in text
    assert "Acrobot-<wbr>v1" in text
    found = page_at(client, "/?q=ACRO")
    assert "Acrobot-<wbr>v1" in found and "CartPole" not in found.split("<main")[1]
    assert "No environment is called" in page_at(client, "/?q=%3Cscript%3E") and "<script>" not in page_at(
        client, "/?q=%3Cscript%3E"
    )


def test_an_evaluation_shows_its_score_and_how_to_get_it_again(client, entered):
    name = entered(
        "ada", mode="training", mean=480.0, solved_after=12, write_up="Some *words*.", code="https://a.example/"
    )
    text = page_at(client, f"/entries/{name}")
    assert f"jaxenvs verify http://testserver/archives/{name}.zip" in text
    assert "<em>words</em>" in text and 'href="https://a.example/"' in text
    assert "Learning curve" in text and "polyline" in text and f"/pictures/{name}.mp4" in text
    assert "episodes to solve" in text and "100 episodes played again." in text
    evaluation = page_at(client, f"/entries/{entered('bo', seeds=5)}")
    assert "interquartile mean" in evaluation and "Returns" in evaluation
    assert "interquartile mean" not in page_at(client, f"/entries/{entered('cy', seeds=4)}")


def test_a_waiting_submission_loads_again_by_itself(client, make_key):
    name = hand_in(client, make_key(), archive_of()).json()["name"]
    text = page_at(client, f"/entries/{name}")
    assert 'http-equiv="refresh"' in text and "Waits to be verified" in text
    assert name in page_at(client, "/people/ada")
    assert name not in page_at(client, "/boards/CartPole-v1"), "it is on no board yet"


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&#58;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<a href='javascript:alert(1)'>x</a>",
    "![x](https://evil.example/track.png)",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example></iframe>",
    '"><style>*{display:none}</style>',
    "<form action=https://evil.example><input name=key></form>",
    "[x]: javascript:alert(1)\n\n[x]",
    '<https://example.org/" onmouseover=alert(1)>',
    "`<script>`",
    "| a |\n|---|\n| <b onclick=x>y</b> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_write_up_holds_no_program_and_asks_no_other_server(text):
    page = Checker(str(html_of(text)))
    for tag, attrs in page.all:
        assert tag in {"p", "a", "code", "table", "thead", "tbody", "tr", "th", "td"}, tag
        assert attrs.keys() <= {"href", "rel"}
        assert attrs.get("href", "https://").startswith(("https://", "http://", "mailto:"))


def test_hostile_names_are_shown_as_text(client, entered):
    name = entered("ada", '"><script>alert(1)</script>', write_up="\n\n".join(HOSTILE))
    for path in ("/", "/boards/CartPole-v1", f"/entries/{name}", "/people/ada", "/feed.atom"):
        text = page_at(client, path)
        assert "<script>alert" not in text and "onerror=alert(1)>" not in text.replace("&gt;", "")
    for path in (f"/entries/{name}",):
        page = Checker(page_at(client, path))
        assert not [attrs for tag, attrs in page.all if tag in ("iframe", "style", "object", "base")]
        own = [attrs["action"] for tag, attrs in page.all if tag == "form"]
        assert own == [f"/entries/{name}/reviews"], "its own form, and none of the write-up"


def test_deeply_nested_and_long_write_ups_take_little_time():
    began = time.process_time()
    for text in (">" * 50_000, "[" * 10_000, "*" * 99_999, "- " * 50_000, "|" * 99_999, "`a" * 10_000):
        html_of(text)
    assert time.process_time() - began < 5.0


def test_charts_show_any_numbers():
    flat = {"episodes": [1], "env_steps": [1], "means": [0.0]}
    wide = {"episodes": [1, 2], "env_steps": [10, 10_000_000], "means": [-1e9, 1e12]}
    for curves, threshold in (([flat], None), ([flat], 0.0), ([wide, flat], -200.0)):
        text = str(curve_chart(curves, threshold))
        assert "nan" not in text and "inf" not in text and text.count("polyline") == len(curves)
    assert "rect" in histogram_chart([0, 3], [1.0, 1.0, 1.0]) and "nan" not in histogram_chart([1], [0.0, 0.0])
    assert [number(value) for value in (500.0, -0.123456, 12345.67, 1e9)] == [
        "500",
        "\N{MINUS SIGN}0.1235",
        "12,345.7",
        "1,000,000,000",
    ]


def test_links_are_of_the_web():
    assert safe_link("https://example.org/a") == "https://example.org/a"
    for link in (None, "", "javascript:alert(1)", "http://", "https://a b", "//example.org", "https://[", "ftp://a/b"):
        assert safe_link(link) == ""
