"""Write-ups: Markdown of strangers as HTML that holds nothing but text, links, lists, tables and code."""

import functools

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "em", "strong", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a"),
}
_MOST_NESTING = 20
_HEADINGS_DOWN = 2
"""The page has its own first and second headings."""

_KEPT = 256

_markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": _MOST_NESTING}).enable(["table", "strikethrough"])
_markdown.disable("image")  # would ask another server for the picture, and tell it who reads


@functools.lru_cache(_KEPT)
def html_of(write_up: str) -> Markup:
    """A write-up as HTML. A long one takes up to a second, so it is kept."""
    tokens = _markdown.parse(write_up)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _HEADINGS_DOWN)}"
    text = _markdown.renderer.render(tokens, _markdown.options, {})
    safe = nh3.clean(
        text,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
    )
    return Markup(safe)
