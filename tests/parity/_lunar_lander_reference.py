"""Transitions of Gymnasium's LunarLander-v3, with all hidden state before and after each.

    python -m tests.parity._lunar_lander_reference     # writes the transitions that the fast tests replay

needs Gymnasium and Box2D, which no test of the fast set does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity._recorded_draws import Draws
from tests.simulators.box2d._hidden_state import edges, snapshot

GOLDEN = Path(__file__).parent / "lunar_lander_of_gymnasium_1_4_0.npz"
SLOTS = 5

VARIANTS: dict[str, dict[str, Any]] = {
    "discrete": {},
    "continuous": {"continuous": True},
    "windy": {"enable_wind": True},
    "gale": {"enable_wind": True, "wind_power": 20.0, "turbulence_power": 2.0, "gravity": -5.0, "continuous": True},
}
"""Names of settings, and the arguments of Gymnasium's class."""

_FULL, _OFF = 1.0, -1.0


def _as_continuous(action: int) -> np.ndarray:
    """The continuous action that fires the same engines."""
    return np.array([_FULL if action == 2 else _OFF, {1: -1.0, 3: 1.0}.get(action, 0.0)], np.float32)


def _random(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> Any:
    del observation, step
    return rng.uniform(-1.2, 1.2, 2).astype(np.float32) if env.continuous else int(rng.integers(4))


def _heuristic(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> Any:
    from gymnasium.envs.box2d.lunar_lander import heuristic

    del step, rng
    return heuristic(env, observation)


def _idle(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> Any:
    del observation, step, rng
    return _as_continuous(0) if env.continuous else 0


def _held(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> Any:
    """An action for 15 steps in turn: spins and dives."""
    del observation
    action = int(np.random.default_rng([env.seed_of_episode, step // 15]).integers(4))
    del rng
    return _as_continuous(action) if env.continuous else action


def _hops(env: Any, observation: np.ndarray, step: int, rng: np.random.Generator) -> Any:
    """The heuristic in the air, and random engines on the ground: legs scrape, leave the ground and come back."""
    if observation[6] or observation[7]:
        return _random(env, observation, step, rng)
    return _heuristic(env, observation, step, rng)


POLICIES: dict[str, Callable[..., Any]] = {
    "random": _random,
    "heuristic": _heuristic,
    "idle": _idle,
    "held": _held,
    "hops": _hops,
}


def record(variant: str, policy: str, episodes: int, steps: int = 600, after_end: int = 10) -> dict[str, np.ndarray]:
    """Plays, and goes on for some steps after a crash.

    Returns:
        Arrays with a row for each transition: `action`, `draws` (2,), `terrain` (11,), `observation` (8,), `reward`,
        `terminated`, and the state before and after, with prefixes `before.` and `after.`.
    """
    from gymnasium.envs.box2d.lunar_lander import LunarLander

    env: Any = LunarLander(**VARIANTS[variant])
    rows: dict[str, list[Any]] = {}
    for episode in range(episodes):
        rng = np.random.default_rng(episode)
        observation, _ = env.reset(seed=episode)
        env.seed_of_episode = episode
        ground = edges(env.moon)
        terrain = np.concatenate([ground[1:, 0, 1], ground[-1:, 1, 1]])
        env._np_random = draws = Draws(env._np_random)
        left = after_end
        for step in range(steps):
            action = POLICIES[policy](env, observation, step, rng)
            before = _state(env)
            draws.drawn.clear()
            observation, reward, terminated, _, _ = env.step(action)
            row = {"action": action, "draws": draws.drawn[:2], "terrain": terrain, "observation": observation}
            row |= {"reward": reward, "terminated": terminated}
            row |= {f"before.{name}": value for name, value in before.items()}
            row |= {f"after.{name}": value for name, value in _state(env).items()}
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
            left -= terminated
            if left < 0:
                break
        env._np_random = draws.rng
    return {name: np.array(values) for name, values in rows.items()}


def _state(env: Any) -> dict[str, np.ndarray]:
    """The hidden state of an environment."""
    joints = [leg.joint for leg in reversed(env.legs)]
    found = snapshot(env.world, [env.lander, *env.legs], joints, env.moon, SLOTS)
    found["touched"] = np.array([env.game_over, *(bool(leg.ground_contact) for leg in env.legs)])
    found["crashed"] = np.array(env.game_over)
    found["shaping"] = np.float32(env.prev_shaping)
    found["wind_index"] = np.array([env.wind_idx, env.torque_idx] if env.enable_wind else [0, 0], np.int32)
    return found


EXACT = ("edge", "points", "feature", "touched", "crashed", "awake")
"""What must agree exactly after a transition, besides the end."""
_CLOSE = ("sleep_time", "angle", "angular_velocity", "position", "velocity", "joint_impulse", "impulse", "fat_box")


def chosen(rows: dict[str, np.ndarray], count: int, seed: int) -> dict[str, np.ndarray]:
    """Some of the transitions: most of those with an event, and others at random."""
    before, after = rows["before.points"], rows["after.points"]
    event = (before != after).any((1, 2)) | (rows["before.edge"] != rows["after.edge"]).any((1, 2))
    rare = (rows["before.awake"] & ~rows["after.awake"]) | (rows["after.crashed"] & ~rows["before.crashed"])
    rng = np.random.default_rng(seed)
    weight = np.where(rare, 1000.0, np.where(event, 20.0, np.where((after > 0).any((1, 2)), 3.0, 1.0)))
    count = min(count, len(weight))
    picked = np.sort(rng.choice(len(weight), count, replace=False, p=weight / weight.sum()))
    return {name: values[picked] for name, values in rows.items()}


def main() -> None:
    """Writes the golden file."""
    kept: dict[str, np.ndarray] = {}
    for variant in VARIANTS:
        played = [
            record(variant, policy, episodes=6)
            for policy in (
                ("random", "heuristic", "idle", "held", "hops") if variant == "discrete" else ("random", "hops")
            )
        ]
        if variant == "continuous":
            played.append(record(variant, "heuristic", episodes=2))
        rows = {name: np.concatenate([run[name] for run in played]) for name in played[0]}
        needed = [f"after.{name}" for name in (*EXACT, "sleep_time")] + [name for name in rows if name[:6] != "after."]
        some = chosen({name: rows[name] for name in [*needed, "after.points", "after.edge"]}, 160, seed=0)
        for name, values in some.items():
            small = values.astype(np.float32) if values.dtype == np.float64 else values
            kept[f"{variant}/{name}"] = small.astype(np.int8) if name.endswith(("edge", "points")) else small
    np.savez_compressed(GOLDEN, **kept)


if __name__ == "__main__":
    main()
