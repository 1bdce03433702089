"""Feeds of the newest results, in the Atom format (RFC 4287)."""

import datetime
from collections.abc import Sequence
from xml.etree import ElementTree as xml

from jaxenvs.scoreboard.site.charts import number
from jaxenvs.scoreboard.site.links import Links
from jaxenvs.scoreboard.store.tables import Submission

MOST_ENTRIES = 50
_NAMESPACE = "http://www.w3.org/2005/Atom"


def atom_feed(title: str, entries: Sequence[Submission], links: Links, address: str) -> bytes:
    """A feed.

    Args:
        title: its title.
        entries: verified submissions, the newest first.
        links: the addresses of pages.
        address: the address of the feed itself.
    """
    root = xml.Element("feed", xmlns=_NAMESPACE)
    _text(root, "title", title)
    _text(root, "id", _absolute(address, links))
    xml.SubElement(root, "link", rel="self", href=_absolute(address, links))
    xml.SubElement(root, "link", href=_absolute(links.home(), links))
    _text(root, "updated", _moment(max((one.finished or 0.0 for one in entries), default=0.0)))
    for one in entries:
        entry = xml.SubElement(root, "entry")
        link = _absolute(links.entry(one.name), links)
        _text(entry, "title", f"{one.algorithm} on {one.env_id} by {one.person.name}")
        _text(entry, "id", f"urn:jaxenvs:submission:{one.name}:{one.sha256}")
        xml.SubElement(entry, "link", href=link)
        _text(entry, "updated", _moment(one.finished or 0.0))
        _text(xml.SubElement(entry, "author"), "name", one.person.name)
        solved = "" if one.solved_after is None else f", solved after {number(one.solved_after)} episodes"
        mean = 0.0 if one.mean_return is None else one.mean_return
        _text(entry, "summary", f"{one.kind}, {one.board} board, {one.mode}: mean return {number(mean)}{solved}.")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(root, encoding="utf-8")


def _text(parent: xml.Element, name: str, text: str) -> None:
    xml.SubElement(parent, name).text = text


def _absolute(address: str, links: Links) -> str:
    return f"{links.public}{address}" if address.startswith("/") else address


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
