"""Challenge: the key from which the keys of a submission's episodes follow."""

import dataclasses
import hashlib
import re
import secrets
from typing import Any

import numpy as np

from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.registration import spec

EPISODES = 100
"""The episodes that each agent plays, as OpenAI Gym's scores were means over 100."""

IMPLEMENTATION = "jaxenvs"
"""The implementation of every challenge's key, which gives the same bits on every backend and version of JAX."""

_WORDS = 2
_NAME = re.compile(r"[a-z]+:[A-Za-z0-9_-]{1,100}")


@dataclasses.dataclass(frozen=True)
class Challenge:
    """What an evaluation must play: episode `i` begins with `fold_in(key, i)`, for every `i` from 0.

    Attributes:
        name: what it is called. `public:SEED` follows from a seed that everybody knows, `server:ID` was handed out by a
            server, and `secret:ID` was drawn by a verifier.
        words: the two words of the key, each an integer from 0 to 2**32 - 1.
        episodes: how many episodes each agent plays.
    """

    name: str
    words: tuple[int, int]
    episodes: int = EPISODES

    def __post_init__(self) -> None:
        words = self.words
        if not _NAME.fullmatch(self.name):
            raise InvalidField(f"A challenge is called `public:SEED`, `server:ID` or `secret:ID`, got {self.name!r}.")
        if len(words) != _WORDS or not all(type(word) is int and 0 <= word < 2**32 for word in words):
            raise InvalidField(f"The key of a challenge has {_WORDS} words from 0 to 2**32 - 1, got {words!r}.")
        if type(self.episodes) is not int or self.episodes < 1:
            raise InvalidField(f"A challenge has at least 1 episode, got {self.episodes!r}.")

    @property
    def key(self) -> Key:
        """() key, the root of the episodes' keys."""
        import jax
        import jax.numpy as jnp

        return jax.random.wrap_key_data(jnp.asarray(np.array(self.words, np.uint32)), impl=IMPLEMENTATION)

    def __str__(self) -> str:
        return f"{self.name}/{self.words[0]}/{self.words[1]}/{self.episodes}"

    @staticmethod
    def from_text(text: str) -> "Challenge":
        """Reads what `str` gives, for a command line.

        Raises:
            InvalidField: it is not a challenge.
        """
        match = re.fullmatch(r"([^/]+)/(\d{1,10})/(\d{1,10})/(\d{1,10})", text)
        if match is None:
            raise InvalidField(f"A challenge is written NAME/WORD/WORD/EPISODES, got {text!r}.")
        name, *numbers = match.groups()
        first, second, episodes = map(int, numbers)
        return Challenge(name, (first, second), episodes)

    def to_json(self) -> dict[str, Any]:
        """The challenge as JSON."""
        return {"name": self.name, "words": list(self.words), "episodes": self.episodes}

    @staticmethod
    def from_json(value: Any) -> "Challenge":
        """Reads what `to_json` wrote.

        Raises:
            InvalidField: it is not a challenge.
        """
        try:
            name, words, episodes = value["name"], tuple(value["words"]), value["episodes"]
        except (KeyError, TypeError) as error:
            raise InvalidField("A challenge is a JSON object with `name`, `words` and `episodes`.") from error
        if not isinstance(name, str):
            raise InvalidField(f"The name of a challenge is a string, got {name!r}.")
        return Challenge(name, words, episodes)


def public_challenge(env_id: str, seed: int = 0, *, episodes: int = EPISODES) -> Challenge:
    """The challenge of a board without a server: anybody can derive it from the id and a seed.

    Args:
        env_id: the id of the environment.
        seed: the seed of the board.
        episodes: how many episodes each agent plays.

    Raises:
        UnregisteredEnv, DeprecatedEnv, RegistrationError: there is no such id.
    """
    env_id = spec(env_id).id
    digest = hashlib.sha256(f"jaxenvs scoreboard\n{env_id}\n{int(seed)}".encode()).digest()
    return Challenge(f"public:{int(seed)}", _words(digest), episodes)


def check_challenge(challenge: object) -> None:
    """Raises `InvalidField` if something is not a challenge."""
    if not isinstance(challenge, Challenge):
        raise InvalidField(
            "`challenge` is what `jaxenvs.scoreboard.public_challenge(env_id)` returns, or `Challenge.from_text(text)`,"
            f" got {challenge!r}."
        )


def secret_challenge(*, kind: str = "secret", episodes: int = EPISODES) -> Challenge:
    """A new challenge from the randomness of the system, which nobody can know beforehand.

    Args:
        kind: `"secret"`, or `"server"` for one that a server hands out.
        episodes: how many episodes each agent plays.
    """
    return Challenge(f"{kind}:{secrets.token_hex(8)}", _words(secrets.token_bytes(4 * _WORDS)), episodes)


def _words(data: bytes) -> tuple[int, int]:
    first, second = np.frombuffer(data[: 4 * _WORDS], "<u4").tolist()
    return first, second
