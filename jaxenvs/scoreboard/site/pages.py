"""Pages: HTML of the database, for the server and for static files alike."""

import dataclasses
import datetime
import functools
import hashlib
import re
from importlib import resources
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jaxenvs import __version__
from jaxenvs.scoreboard.names import slug
from jaxenvs.scoreboard.site.boards import Ranking, leader, rankings, rankings_of, verified
from jaxenvs.scoreboard.site.charts import curve_chart, histogram_chart, number
from jaxenvs.scoreboard.site.environments import Environment, environments
from jaxenvs.scoreboard.site.links import Links
from jaxenvs.scoreboard.site.write_up import html_of
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.store.reviews import MOST_NOTE
from jaxenvs.scoreboard.store.tables import (
    QUEUED,
    REPRODUCED,
    VERIFIED,
    VERIFYING,
    Person,
    Submission,
)

ASSETS = {"style.css": "text/css", "site.js": "text/javascript", "icon.svg": "image/svg+xml"}

_RECENT = 6
_MOST_OF_A_PERSON = 200
_TITLES = {"learned": "Learned", "planned": "Planned", "hand-written": "Hand-written"}
_EXPLANATIONS = {
    ("control", "training"): "Trainings from their first episode on, played again from their keys and actions.",
    ("control", "evaluation"): "Finished agents on the episodes of a challenge, played again from their actions.",
    ("policy", "evaluation"): "Policies that the scoreboard itself played on keys that nobody knew before.",
}


@dataclasses.dataclass(frozen=True)
class _Table:
    """A ranking with its words."""

    ranking: Ranking

    @property
    def mode(self) -> str:
        return self.ranking.mode

    @property
    def rows(self) -> Any:
        return self.ranking.rows

    @property
    def anchor(self) -> str:
        return f"{self.ranking.board}-{self.ranking.kind}-{self.ranking.mode}"

    @property
    def title(self) -> str:
        one = self.ranking
        what = "policies" if one.board == "policy" else "trainings" if one.mode == "training" else "agents"
        return f"{_TITLES[one.kind]} {what}"

    @property
    def explanation(self) -> str:
        return _EXPLANATIONS[self.ranking.board, self.ranking.mode]


@dataclasses.dataclass(frozen=True)
class RefusedReview:
    """A review as it was filled in, without the key, and why it was refused."""

    problem: str = ""
    kind: str = ""
    evidence: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Pages:
    """The pages of a scoreboard.

    Attributes:
        files: where the pictures are.
        links: the addresses in the pages.
        site: the name of the site.
    """

    files: Files
    links: Links
    site: str = "jaxenvs scoreboard"

    def home(self, session: Session, query: str = "") -> str:
        """All environments with their leaders, or those whose ids contain the query."""
        by_env: dict[str, list[Submission]] = {}
        results = verified(session)
        for one in results:
            by_env.setdefault(one.env_id, []).append(one)
        wanted = query.casefold().strip()
        active, families = [], {}
        for environment in environments().values():
            if wanted not in environment.id.casefold():
                continue
            entries = by_env.get(environment.id, [])
            shown = self._shown(environment, leader=leader(rankings_of(entries)))
            if entries:
                active.append((max(one.id for one in entries), shown))
            else:
                families.setdefault(environment.family, []).append(shown)
        return self._page(
            "home.html",
            here="home",
            query=query,
            total=len(results),
            count=len(environments()),
            active=[shown for _, shown in sorted(active, key=lambda pair: -pair[0])],
            families=list(families.items()),
            recent=sorted(results, key=lambda one: -(one.finished or 0.0))[:_RECENT],
        )

    def board(self, session: Session, environment: Environment) -> str:
        """An environment's tables."""
        found = rankings(session, environment.id)
        return self._page(
            "board.html",
            environment=self._shown(environment, summary=environment.summary),
            tables=[_Table(one) for one in found],
            total=sum(row.entries for one in found for row in one.rows),
        )

    def entry(self, entry: Submission, refused: RefusedReview | None = None) -> str:
        """A submission, and what a review of it that was refused said."""
        result = entry.result or {}
        is_verified = entry.state == VERIFIED
        address = (
            f"{self.links.public}/archives/{entry.name}.zip" if self.links.public else f"archives/{entry.name}.zip"
        )
        report = result.get("report", {})
        return self._page(
            "entry.html",
            entry=entry,
            slug=slug(entry.env_id),
            kinds=sorted({review.kind for review in entry.reviews}),
            is_pending=entry.state in (QUEUED, VERIFYING),
            tiles=_tiles(entry) if is_verified else [],
            chart=_chart(result) if is_verified else "",
            chart_title="Learning curve" if entry.mode == "training" else "Returns",
            scores_title="All agents" if len(result.get("scores", ())) > 1 else "",
            replay=result.get("replay") if is_verified else None,
            write_up=html_of(entry.write_up),
            command=report.get("command", "jaxenvs verify ENTRY").replace("ENTRY", address),
            report=_report(entry),
            most_note=MOST_NOTE,
            has_form=is_verified and self.links.is_served,
            form=refused or RefusedReview(),
        )

    def person(self, session: Session, person: Person) -> str:
        """A person and their submissions."""
        query = select(Submission).where(Submission.person_id == person.id).order_by(Submission.id.desc())
        entries = session.scalars(query.limit(_MOST_OF_A_PERSON)).all()
        of_them = select(func.count()).select_from(Submission).where(Submission.person_id == person.id)
        done = [one for one in entries if one.state == VERIFIED]
        return self._page(
            "person.html",
            person=person,
            entries=entries,
            verified=session.scalar(of_them.where(Submission.state == VERIFIED)),
            environments=len({one.env_id for one in done}),
            reproduced=sum(any(review.kind == REPRODUCED for review in one.reviews) for one in done),
            is_cut=len(entries) == _MOST_OF_A_PERSON,
        )

    def about(self) -> str:
        """How it works."""
        return self._page("about.html", here="about")

    def api(self, description: dict[str, Any]) -> str:
        """The requests of an OpenAPI description."""
        requests = [
            (method.upper(), path, operation["description"].partition("\n")[0], "security" in operation)
            for path, operations in description["paths"].items()
            for method, operation in operations.items()
        ]
        return self._page("api.html", here="api", requests=requests)

    def message(self, title: str, text: str) -> str:
        """A page that says one thing."""
        return self._page("message.html", title=title, text=text)

    def _shown(self, environment: Environment, **more: Any) -> dict[str, Any]:
        values = {field.name: getattr(environment, field.name) for field in dataclasses.fields(environment)}
        return {
            **values,
            "initials": environment.initials,
            "has_picture": _has_picture(self.files, environment.slug),
            **more,
        }

    def _page(self, template: str, **values: Any) -> str:
        return _templates().get_template(template).render(links=self.links, site=self.site, **{"here": "", **values})


def asset(name: str) -> bytes:
    """A file of the site itself."""
    return resources.files("jaxenvs.scoreboard.site").joinpath("assets", name).read_bytes()


@functools.cache
def assets_version() -> str:
    """A mark that changes with the files of the site."""
    return hashlib.sha256(b"".join(map(asset, ASSETS))).hexdigest()[:8]


def _tiles(entry: Submission) -> list[tuple[str, str, str]]:
    """The figures of a verified submission: name, value and a note."""
    result: Any = entry.result
    first, summary = result["scores"][0], result["summary"]
    tiles: list[tuple[str, str, str]] = []
    if entry.mode == "training":
        if result["threshold"] is not None:
            solved = entry.solved_after
            tiles.append(
                (
                    "episodes to solve",
                    "not solved" if solved is None else number(solved),
                    f"at {number(result['threshold'])}",
                )
            )
            if first["solved_steps"] is not None:
                tiles.append(("steps to solve", number(first["solved_steps"]), ""))
                tiles.append(("time to solve", duration(first["solved_seconds"]), "claimed"))
        tiles.append(("best 100-episode mean", number(first["best"]), f"± {number(first['best_error'])}"))
    else:
        spread = f"± {number(result['returns']['std'])} per episode"
        tiles.append(("mean return", number(summary["mean"]), spread))
        if summary["iqm"] is not None:
            interval = f"95 %: {number(summary['low'])} to {number(summary['high'])}"
            tiles.append(("interquartile mean", number(summary["iqm"]), interval))
        tiles.append(("seeds", str(summary["seeds"]), ""))
    tiles.append(("episodes", number(result["episodes"]), f"{number(result['env_steps'])} steps"))
    return tiles


def _chart(result: dict[str, Any]) -> Any:
    if result["is_training"]:
        return curve_chart(result["curves"], result["threshold"])
    return histogram_chart(result["histogram"]["counts"], result["histogram"]["edges"])


def _report(entry: Submission) -> list[tuple[str, str]]:
    """What an exact reader wants to know, name and value."""
    result = entry.result or {}
    report = result.get("report", {})
    challenge = result.get("challenge") or entry.manifest["challenge"]
    rows = [
        ("state", entry.state),
        ("SHA-256 of the archive", entry.sha256),
        ("challenge", f"{challenge['name']} {challenge['words']}"),
    ]
    if report:
        rows.append(("episodes verified between checkpoints", str(report["by_checkpoints"])))
        rows.append(("seconds of verification", number(report["seconds"])))
        rows += [(f"verified with: {name}", str(value)) for name, value in report["machine"].items()]
    rows += [(f"recorded with: {name}", str(value)[:200]) for name, value in entry.manifest["machine"].items()]
    return rows


def _has_picture(files: Files, name: str) -> bool:
    try:
        return files.picture(f"{name}.png").stat().st_size > 0
    except OSError:
        return False


def duration(seconds: float) -> str:
    """A time span for people."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def moment(seconds: float) -> str:
    """A time in UTC, to the second, in ISO 8601."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def _day(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%-d %b %Y")


def _breakable(id: str) -> Markup:
    """An id that may be broken between its words."""
    return Markup("<wbr>").join(re.findall(r"[A-Z]?[^A-Z/-]*[/-]?", id))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


@functools.cache
def _templates() -> Templates:
    templates = Templates(
        loader=PackageLoader("jaxenvs.scoreboard.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "duration": duration, "moment": moment, "day": _day, "size": _size}
    templates.filters |= {"slug": slug, "breakable": _breakable}
    templates.globals["version"] = __version__
    return templates
