"""Feeds of the newest results, in the Atom format (RFC 4287)."""

from xml.etree import ElementTree as xml

from sqlalchemy import select
from sqlalchemy.orm import Session

from jaxenvs.scoreboard.names import slug
from jaxenvs.scoreboard.site.charts import number
from jaxenvs.scoreboard.site.links import Links
from jaxenvs.scoreboard.site.pages import Pages, moment
from jaxenvs.scoreboard.store.tables import VERIFIED, Submission

_MOST_ENTRIES = 50
_NAMESPACE = "http://www.w3.org/2005/Atom"


def atom_feed(session: Session, pages: Pages, env_id: str | None = None) -> bytes:
    """A feed of the newest verified submissions.

    Args:
        session: what reads them.
        pages: the pages that it links to.
        env_id: the environment that they are of; None for all.
    """
    query = select(Submission).where(Submission.state == VERIFIED)
    if env_id is not None:
        query = query.where(Submission.env_id == env_id)
    newest = query.order_by(Submission.finished.desc(), Submission.id.desc()).limit(_MOST_ENTRIES)
    entries = session.scalars(newest).unique().all()
    links = pages.links
    address = links.feed("" if env_id is None else slug(env_id))
    root = xml.Element("feed", xmlns=_NAMESPACE)
    _text(root, "title", pages.site if env_id is None else f"{env_id} · {pages.site}")
    _text(root, "id", _absolute(address, links))
    xml.SubElement(root, "link", rel="self", href=_absolute(address, links))
    xml.SubElement(root, "link", href=_absolute(links.home(), links))
    _text(root, "updated", moment(max((one.finished or 0.0 for one in entries), default=0.0)))
    for one in entries:
        entry = xml.SubElement(root, "entry")
        link = _absolute(links.entry(one.name), links)
        _text(entry, "title", f"{one.algorithm} on {one.env_id} by {one.person.name}")
        _text(entry, "id", f"urn:jaxenvs:submission:{one.name}:{one.sha256}")
        xml.SubElement(entry, "link", href=link)
        _text(entry, "updated", moment(one.finished or 0.0))
        _text(xml.SubElement(entry, "author"), "name", one.person.name)
        solved = "" if one.solved_after is None else f", solved after {number(one.solved_after)} episodes"
        mean = 0.0 if one.mean_return is None else one.mean_return
        _text(entry, "summary", f"{one.kind}, {one.board} board, {one.mode}: mean return {number(mean)}{solved}.")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(root, encoding="utf-8")


def _text(parent: xml.Element, name: str, text: str) -> None:
    xml.SubElement(parent, name).text = text


def _absolute(address: str, links: Links) -> str:
    return f"{links.public}{address}" if address.startswith("/") else address
