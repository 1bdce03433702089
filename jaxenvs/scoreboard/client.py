"""Client: hands submissions in to a scoreboard's server, in pieces, so that what was interrupted goes on.

It uses the standard library alone, since whoever submits has the extra `train`, which brings no package for HTTP.
"""

import dataclasses
import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jaxenvs.errors import InvalidField, SubmissionRefused
from jaxenvs.scoreboard.challenge import Challenge

PIECE_BYTES = 1 << 20
"""Of an upload."""

_API = "/api/v1"
_TRIES = 8
_TRIES_OF_A_CHALLENGE = 3
"""Nothing has been played yet, so nothing is lost if the address is wrong."""
_LONGEST_PAUSE = 30.0
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_MOST_ANSWER = 16 * 1024 * 1024
_LOCAL = ("localhost", "127.0.0.1", "::1")

OnProgress = Callable[[int, int], None]
"""`on_progress(done, total)`: how many bytes the server has."""


@dataclasses.dataclass(frozen=True)
class Client:
    """A scoreboard's server, and the key of a person.

    Attributes:
        url: the address of the site, such as `https://scores.example.org`.
        api_key: the key.
        pause: the first pause before a request is repeated, s; it doubles each time.
        on_wait: called with a sentence when the server does not answer, and is asked again for about a minute.
    """

    url: str
    api_key: str = dataclasses.field(repr=False)
    pause: float = 0.5
    on_wait: Callable[[str], object] = lambda text: None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidField(f"The address of a scoreboard begins with https:// or http://, got {self.url!r}.")
        if parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise InvalidField(
                f"{self.url} would send your key unencrypted; use https://, or http:// on this machine alone."
            )
        if not self.api_key.isascii() or not self.api_key.isprintable() or not self.api_key:
            raise InvalidField("The API key has characters that no key has; copy it again.")

    def challenge(self, env_id: str) -> Challenge:
        """Asks for a challenge, whose episodes an evaluation then plays.

        Raises:
            SubmissionRefused: the server refuses.
            OSError: the server cannot be reached.
        """
        return Challenge.from_json(self._ask("POST", "/challenges", {"env_id": env_id}, tries=_TRIES_OF_A_CHALLENGE))

    def submit(self, archive: bytes, *, on_progress: OnProgress = lambda done, total: None) -> dict[str, Any]:
        """Hands in an archive. If it was interrupted, calling it again goes on where it was.

        Args:
            archive: what `Submission.to_bytes` gave.
            on_progress: called after each piece.

        Returns:
            The submission as the server has it: `name`, `url`, `state` and more. It is on the server's disk then.

        Raises:
            SubmissionRefused: the server refuses it; the message says why.
            OSError: the server cannot be reached.
        """
        total = len(archive)
        begun = {"sha256": hashlib.sha256(archive).hexdigest(), "size": total}
        for last in (False, True):
            answer = self._ask("POST", "/uploads", begun)
            if answer["submission"] is not None:
                on_progress(total, total)
                return answer["submission"]
            path, received = f"/uploads/{answer['name']}", answer["received"]
            on_progress(received, total)
            try:
                while received < total:
                    piece = archive[received : received + PIECE_BYTES]
                    received = self._ask("PATCH", f"{path}?{urlencode({'offset': received})}", piece)["received"]
                    on_progress(received, total)
                return self._ask("POST", f"{path}/complete", {})
            except SubmissionRefused as error:
                if error.status != 404 or last:  # 404 if the answer to an earlier request was lost, or a day has passed
                    raise
        raise AssertionError

    def submission(self, name: str) -> dict[str, Any]:
        """A submission as the server has it now.

        Raises:
            SubmissionRefused: there is none of this name.
        """
        return self._ask("GET", f"/submissions/{quote(name, safe='')}")

    def wait(self, name: str, seconds: float = 600.0) -> dict[str, Any]:
        """The submission, once it is verified, rejected or given up, or after so many seconds as it is then."""
        end = time.monotonic() + seconds
        while True:
            found = self.submission(name)
            if found["state"] not in ("queued", "verifying") or time.monotonic() > end:
                return found
            time.sleep(min(2.0, max(0.1, self.pause)))

    def _ask(
        self, method: str, path: str, content: dict[str, Any] | bytes | None = None, *, tries: int = _TRIES
    ) -> Any:
        """The JSON of an answer. A request that fails for the moment is repeated; all of them may be."""
        pause = self.pause
        for tries_left in reversed(range(tries)):
            try:
                return self._ask_once(method, path, content)
            except SubmissionRefused as error:
                if error.status not in _TEMPORARY or not tries_left:
                    raise
                time.sleep(min(_LONGEST_PAUSE, max(pause, error.retry_after)))
            except (OSError, http.client.HTTPException) as error:
                text = f"No scoreboard answers at {self.url}: {cause(error)}"
                if not tries_left:
                    raise OSError(text) from error
                if tries_left == _TRIES - 1:
                    self.on_wait(f"{text}. It is asked again for about a minute.")
                time.sleep(min(_LONGEST_PAUSE, pause))
            pause *= 2
        raise AssertionError

    def _ask_once(self, method: str, path: str, content: dict[str, Any] | bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self.api_key}", "Accept": "application/json", "User-Agent": "jaxenvs"}
        data = json.dumps(content).encode() if isinstance(content, dict) else content
        if data is not None:
            headers["Content-Type"] = "application/json" if isinstance(content, dict) else "application/octet-stream"
        request = urllib.request.Request(self.url.rstrip("/") + _API + path, data, headers, method=method)
        try:
            with _opener.open(request, timeout=60) as response:
                return json.loads(response.read(_MOST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise SubmissionRefused(
                    _reason(error), error.code, _seconds(error.headers.get("Retry-After"))
                ) from error
        except ValueError as error:
            raise OSError("the answer is not JSON") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would send the key to another server."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Refuses."""


_opener = urllib.request.build_opener(_NoRedirect)


def cause(error: Exception) -> str:
    """What kept a request from being answered."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(error).__name__


def _reason(error: urllib.error.HTTPError) -> str:
    """What the server says, or its status, without characters that could change a terminal."""
    try:
        detail = json.loads(error.read(100_000))["detail"]
    except (ValueError, KeyError, TypeError, OSError):
        detail = None
    if not isinstance(detail, str) or detail == error.reason:  # no words of a scoreboard
        detail = (
            f"{error.url} answered {error.code} {error.reason}. Is the address that of the scoreboard's first page?"
            if error.code in (301, 302, 307, 308, 404, 405, 501)
            else f"The server answered {error.code} {error.reason}."
        )
    text = detail
    return "".join(c if c.isprintable() else " " for c in text)[:2000]


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0
