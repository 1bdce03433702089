"""Go: the rules in `rules`, on a board laid out as in `board`, with `repetition` and `scoring` as parts of them."""

from jaxenvs.games.go.rules import Go as Go
from jaxenvs.games.go.rules import GoPosition as GoPosition
