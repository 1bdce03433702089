"""Transitions of Gymnasium's BipedalWalker-v3, with all hidden state before and after each.

    python -m tests.parity._bipedal_walker_reference     # writes the transitions that the fast tests replay

needs Gymnasium and Box2D, which no test of the fast set does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.simulators.box2d._hidden_state import polygon, snapshot_above

GOLDEN = Path(__file__).parent / "bipedal_walker_of_gymnasium_1_4_0.npz"
SLOTS = 16
BOXES = 40
_NOWHERE = np.array([[1e4, 0.0], [1e4 + 1, 1.0]], np.float32)
_JOINTS = (3, 2, 0, 1)
"""The order in which the island solves them."""


class Draws:
    """Stands in for `np_random` of an environment, and keeps what it gives, with the point of the terrain."""

    def __init__(self, env: Any, seed: int) -> None:
        self.env, self.rng = env, np.random.default_rng(seed)
        self.drawn: list[tuple[int, str, tuple[float, ...], float]] = []

    def _keep(self, kind: str, bounds: tuple[float, ...], value: float) -> Any:
        self.drawn.append((len(getattr(self.env, "terrain_x", [])) - 1, kind, bounds, float(value)))
        return value

    def uniform(self, low: float, high: float) -> float:
        return self._keep("uniform", (low, high), self.rng.uniform(low, high))

    def integers(self, low: int, high: int) -> int:
        return self._keep("integers", (low, high), int(self.rng.integers(low, high)))

    def random(self) -> float:
        return self._keep("random", (), self.rng.random())


Policy = Callable[[Any, np.ndarray, int, np.random.Generator], np.ndarray]


def _random(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    del env, observation, step
    return rng.uniform(-1.2, 1.2, 4).astype(np.float32)


def _idle(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    del env, observation, step, rng
    return np.zeros(4, np.float32)


def _heuristic(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    del step, rng
    return np.asarray(env.heuristics.step_heuristic(observation), np.float32)


def _stumbles(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    """The heuristic with noise that grows."""
    noise = rng.normal(0, 0.3 + 0.004 * step, 4)
    return (_heuristic(env, observation, step, rng) + noise).astype(np.float32)


def _held(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    """An action of extremes and zeros for 12 steps in turn."""
    del observation, rng
    return np.random.default_rng([env.seed_of_episode, step // 12]).integers(-1, 2, 4).astype(np.float32)


def _hops(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    """Both legs crouch and push off, with noise."""
    del env, observation
    knee = -1.0 if step % 24 < 14 else 1.0
    hip = 0.5 if step % 24 < 14 else -1.0
    return (np.array([hip, knee, hip, knee]) + rng.normal(0, 0.15, 4)).astype(np.float32)


POLICIES: dict[str, Policy] = {
    "random": _random,
    "idle": _idle,
    "heuristic": _heuristic,
    "stumbles": _stumbles,
    "held": _held,
    "hops": _hops,
}


def _statics(env: Any) -> list[Any]:
    """The static bodies, in the order of their creation."""
    return list(reversed(env.terrain))


def terrain_of(env: Any) -> tuple[np.ndarray, np.ndarray]:
    """Heights (200,) and rectangles (40, 2, 2) of the terrain."""
    boxes = np.repeat(_NOWHERE[None], BOXES, 0)
    statics = _statics(env)
    for number, body in enumerate(statics[: len(statics) - 199]):
        vertices = polygon(body)[0]
        boxes[number] = vertices.min(0), vertices.max(0)
    return np.array(env.terrain_y).astype(np.float32), boxes


def numbers_of(env: Any) -> dict[int, int]:
    """The numbers of fixtures: rectangles from 0 on; edges from 40 on, or from 0 if there are no obstacles."""
    statics = _statics(env)
    boxes, found = len(statics) - 199, {}
    for number, body in enumerate(statics):
        shift = BOXES - boxes if env.hardcore and number >= boxes else 0
        found[int(body.fixtures[0].this)] = number + shift
    return found


def state_of(env: Any, numbers: dict[int, int]) -> dict[str, np.ndarray]:
    """The hidden state of an environment."""
    joints = [env.joints[number] for number in _JOINTS]
    found = snapshot_above(env.world, [env.hull, *env.legs], joints, numbers, SLOTS)
    flags = [bool(leg.ground_contact) if number % 2 else False for number, leg in enumerate(env.legs)]
    found["touched"] = np.array([False, *flags])
    found["fallen"] = np.array(env.game_over)
    return found


def drop(env: Any, rng: np.random.Generator) -> None:
    """Moves the robot to some other place above the ground, in motion."""
    bodies = [env.hull, *env.legs]
    x = rng.uniform(4, 86)
    point = min(int(x / (14 / 30)), 198)
    dx = x - env.hull.position[0]
    dy = max(env.terrain_y[point : point + 3]) + rng.uniform(2.0, 3.5) - env.hull.position[1]
    speed = rng.normal(0, 2.5, 2)
    spin = rng.normal(0, 1.0)
    for body in bodies:
        body.position = (body.position[0] + dx, body.position[1] + dy)
        body.linearVelocity = (float(speed[0]), float(speed[1]))
        body.angularVelocity = float(spin)
    env.prev_shaping = 130 * env.hull.position[0] / 30 - 5.0 * abs(env.hull.angle)


def record(
    hardcore: bool, policy: str, episodes: int, steps: int = 300, *, dropped: bool = False, after_end: int = 3
) -> dict[str, np.ndarray]:
    """Plays, each episode in a new environment, and goes on for some steps after the end.

    Returns:
        Arrays with a row for each transition: `action` (4,), `heights` (200,), `boxes` (40, 2, 2), `observation` (24,),
        `reward`, `terminated`, and the state before and after, with prefixes `before.` and `after.`.
    """
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalker, BipedalWalkerHeuristics

    rows: dict[str, list[Any]] = {}
    for episode in range(episodes):
        env: Any = BipedalWalker(hardcore=hardcore)
        rng = np.random.default_rng(episode)
        # A new environment each time: a world that is used again numbers its boxes in another order.
        observation, _ = env.reset(seed=episode)
        env.seed_of_episode, env.heuristics = episode, BipedalWalkerHeuristics()
        heights, boxes = terrain_of(env)
        numbers = numbers_of(env)
        if dropped:
            drop(env, rng)
        left = after_end
        for step in range(steps):
            action = POLICIES[policy](env, observation, step, rng)
            before = state_of(env, numbers)
            observation, reward, terminated, _, _ = env.step(action)
            if dropped and step == 0:
                continue  # contacts that the drop left behind end in this step, however far away they are
            row = {"action": action, "heights": heights, "boxes": boxes, "observation": observation}
            row |= {"reward": reward, "terminated": terminated}
            row |= {f"before.{name}": value for name, value in before.items()}
            row |= {f"after.{name}": value for name, value in state_of(env, numbers).items()}
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
            left -= terminated
            if left < 0:
                break
    return {name: np.array(values) for name, values in rows.items()}


def chosen(rows: dict[str, np.ndarray], count: int, seed: int) -> dict[str, np.ndarray]:
    """Some of the transitions: most of those with an event, and others at random."""
    before, after = rows["before.points"], rows["after.points"]
    event = (before != after).any((1, 2)) | (rows["before.edge"] != rows["after.edge"]).any((1, 2))
    rare = rows["after.fallen"] & ~rows["before.fallen"]
    rng = np.random.default_rng(seed)
    weight = np.where(rare, 100.0, np.where(event, 4.0, 1.0))
    picked = np.sort(rng.choice(len(weight), min(count, len(weight)), replace=False, p=weight / weight.sum()))
    return {name: values[picked] for name, values in rows.items()}


EXACT = ("edge", "points", "feature", "touched", "fallen", "awake")
"""What must agree exactly after a transition, besides the end."""
_KEPT_SLOTS = 12


def main() -> None:
    """Writes the golden file."""
    kept: dict[str, np.ndarray] = {}
    for name, hardcore in (("plain", False), ("hardcore", True)):
        played = [record(hardcore, policy, episodes=2) for policy in ("random", "stumbles", "held", "hops")]
        played.append(record(hardcore, "held", episodes=6, dropped=True))
        played.append(record(hardcore, "heuristic", episodes=1, steps=500))
        rows = {column: np.concatenate([run[column] for run in played]) for column in played[0]}
        needed = [f"after.{column}" for column in (*EXACT, "sleep_time", "position", "angle")]
        some = chosen({column: rows[column] for column in rows if column[:6] != "after." or column in needed}, 160, 0)
        for column, values in some.items():
            if column.split(".")[-1] in ("edge", "points", "feature", "impulse"):
                values = values[:, :, :_KEPT_SLOTS]
            if column.endswith(("edge", "points")):
                values = values.astype(np.int16)
            elif values.dtype == np.float64:
                values = values.astype(np.float32)
            if hardcore or column != "boxes":
                kept[f"{name}/{column}"] = values
    np.savez_compressed(GOLDEN, **kept)


if __name__ == "__main__":
    main()
