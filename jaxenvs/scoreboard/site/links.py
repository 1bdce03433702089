"""Links: the addresses in the pages, of a server or of static files, and which links of others they may show."""

import dataclasses
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True)
class Links:
    """Where the pages and files are.

    Attributes:
        root: what comes before every address: `/` on a server, `../` or nothing in static files.
        suffix: what comes after those of pages: nothing, or `.html`.
        public: the address of the server that others use, without a slash at its end; empty for static files.
        version: a mark of the style sheet and the script, so that browsers keep no old ones.
    """

    root: str = "/"
    suffix: str = ""
    public: str = ""
    version: str = ""

    @property
    def is_served(self) -> bool:
        """Whether a server answers searches and forms."""
        return not self.suffix

    @property
    def api(self) -> str:
        """The description of the API, if there is one."""
        return "" if self.suffix else f"{self.root}api"

    def home(self) -> str:
        """The first page."""
        return f"{self.root}index.html" if self.suffix else self.root

    def about(self) -> str:
        """The page that explains."""
        return f"{self.root}about{self.suffix}"

    def board(self, slug: str) -> str:
        """An environment."""
        return f"{self.root}boards/{slug}{self.suffix}"

    def entry(self, name: str) -> str:
        """A submission."""
        return f"{self.root}entries/{name}{self.suffix}"

    def reviews(self, name: str) -> str:
        """Where the form goes that marks a submission."""
        return f"{self.root}entries/{name}/reviews"

    def person(self, name: str) -> str:
        """A person."""
        return f"{self.root}people/{name}{self.suffix}"

    def asset(self, name: str) -> str:
        """A file of the site itself."""
        return f"{self.root}assets/{name}" + (f"?{self.version}" if self.version else "")

    def picture(self, name: str) -> str:
        """A picture that a worker drew."""
        return f"{self.root}pictures/{name}"

    def archive(self, name: str, part: str = "") -> str:
        """The archive of a submission, or what its policy played."""
        return f"{self.root}archives/{name}{'-' + part if part else ''}.zip"

    def data(self, kind: str, name: str) -> str:
        """The data of a page as JSON."""
        return f"{self.root}data/{kind}/{name}.json" if self.suffix else f"{self.root}api/v1/{kind}/{name}"

    def everything(self) -> str:
        """All data as JSON."""
        return f"{self.root}data/everything.json" if self.suffix else f"{self.root}api/v1/export"

    def feed(self, slug: str = "") -> str:
        """The newest results, of all environments or of one."""
        return f"{self.root}feeds/{slug}.atom" if slug else f"{self.root}feed.atom"


def safe_link(link: str | None) -> str:
    """The link if it is one of the web, else nothing."""
    if not link or len(link) > 500 or not link.isprintable() or " " in link:
        return ""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return link if parts.scheme in ("http", "https") and parts.hostname else ""
