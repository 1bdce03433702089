"""Drives of Gymnasium's CarRacing-v3, with all hidden state before and after each step.

    python -m tests.parity._car_racing_reference     # writes the drives that the fast tests replay

needs Gymnasium and Box2D, which no test of the fast set does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity._recorded_draws import Draws
from tests.simulators.box2d._hidden_state import motion

GOLDEN = Path(__file__).parent / "car_racing_of_gymnasium_1_4_0.npz"


def _random(env: Any, step: int, rng: np.random.Generator) -> np.ndarray:
    """Actions that last for a few steps, or for one."""
    if step % 8 == 0 or rng.random() < 0.2:
        env.held = rng.uniform([-1.0, 0.0, 0.0], [1.0, 1.0, 1.0]) * (rng.random(3) < [1.0, 0.8, 0.3])
    return env.held.astype(np.float32)


def _driver(env: Any, step: int, rng: np.random.Generator) -> np.ndarray:
    """Follows the road at up to about 60 km/h."""
    del step, rng
    hull, track = env.car.hull, np.array([point[2:4] for point in env.track])
    place = np.array([hull.position.x, hull.position.y])
    nearest = int(np.argmin(np.square(track - place).sum(1)))
    ahead = track[(nearest + 4) % len(track)] - place
    # The car's nose points along (-sin, cos) of its angle.
    angle = np.arctan2(-ahead[0], ahead[1]) - hull.angle
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    speed = hull.linearVelocity.length
    wanted = 38.0 - 40.0 * min(abs(angle), 0.6)
    steering = np.clip(-2.0 * angle, -1, 1)
    return np.array([steering, 0.6 * (speed < wanted), 0.3 * (speed > wanted + 8)], np.float32)


def _wild(env: Any, step: int, rng: np.random.Generator) -> np.ndarray:
    """Full gas, full lock and blocked brakes, and actions beyond the bounds: spins, and leaves the road."""
    if step % 25 == 0:
        env.held = np.array([rng.choice([-1.0, -0.4, 0.0, 0.4, 1.0, 1.5]), rng.choice([0.0, 1.0, 2.0]), 0.0])
        env.held[2] = rng.choice([0.0, 0.0, 0.0, 0.5, 0.9, 1.0])
    return env.held.astype(np.float32)


POLICIES: dict[str, Callable[..., np.ndarray]] = {"random": _random, "driver": _driver, "wild": _wild}


def car_of(env: Any) -> dict[str, np.ndarray]:
    """The fields of `Car`."""
    car = env.car
    found = motion([car.hull, *car.wheels], [wheel.joint for wheel in reversed(car.wheels)])
    for ours, theirs in (("spin", "omega"), ("phase", "phase")):
        found[ours] = np.array([getattr(wheel, theirs) for wheel in car.wheels], np.float32)
    found["gas"] = np.float32(car.wheels[2].gas)
    found["on_road"] = np.array([bool(wheel.tiles) for wheel in car.wheels])
    return found


def tiles_of(env: Any) -> np.ndarray:
    """(tiles, 4, 2) float32: the corners of the tiles as Box2D got them."""
    tiles = [polygon for polygon, color in env.road_poly if not isinstance(color, tuple)]
    return np.array(tiles, np.float32)


def layout(seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Draws (12, 2) of one layout, and the tiles, None if it does not close."""
    from gymnasium.envs.box2d.car_racing import CarRacing

    env: Any = CarRacing()
    env._np_random = draws = Draws(np.random.default_rng(seed))
    env.road_poly = []
    closes = env._create_track()
    return np.array(draws.drawn).reshape(12, 2), tiles_of(env) if closes else None


def bits_of(env: Any) -> dict[str, np.ndarray]:
    """Which tiles wheels have touched, and which have lost their own shade."""
    return {
        "visited": np.array([tile.road_visited for tile in env.road]),
        "worn": np.array([tile.idx % 3 > 0 and tile.color[0] == env.road_color[0] for tile in env.road]),
    }


def drive(
    policy: str, seed: int, steps: int, pictures: bool = False, shown: tuple[int, ...] = ()
) -> dict[str, np.ndarray]:
    """Drives on one track.

    Returns:
        `draws` (12, 2), the draws of the layout that was used; `tiles`; `first_visited` and `first_worn` (tiles,) after
        `reset`; and arrays with a row for each step: `action`, `reward`, `terminated`, the car before and after it,
        with prefixes `before.` and `after.`, and `visited` and `worn` after it. With `pictures`, also `observation`.
        `shown` is the picture for people after each of the steps in the argument of that name.
    """
    from gymnasium.envs.box2d.car_racing import CarRacing

    env: Any = CarRacing()
    if not pictures and not shown:
        env._render = lambda mode: None  # most of the time of a step
    env.np_random  # noqa: B018 (makes the generator)
    env._np_random = draws = Draws(np.random.default_rng(seed))
    env.reset()
    env._np_random = draws.rng
    rng = np.random.default_rng(seed)
    once = {"draws": np.array(draws.drawn[-24:]).reshape(12, 2), "tiles": tiles_of(env)}
    once |= {f"first_{name}": value for name, value in bits_of(env).items()}
    rows: dict[str, list[Any]] = {}
    before, seen = car_of(env), []
    for step in range(steps):
        action = POLICIES[policy](env, step, rng)
        observation, reward, terminated, _, _ = env.step(action)
        after = car_of(env)
        row = {"action": action, "reward": reward, "terminated": terminated, **bits_of(env)}
        row |= {f"before.{name}": value for name, value in before.items()}
        row |= {f"after.{name}": value for name, value in after.items()}
        if pictures:
            row["observation"] = observation.copy()
        if step in shown:
            seen.append(env._render("rgb_array"))
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
        before = after
    if shown:
        once["shown"] = np.stack(seen)
    return once | {name: np.array(values) for name, values in rows.items()}


def main() -> None:
    """Writes the golden file."""
    kept: dict[str, np.ndarray] = {}
    for number, (policy, steps) in enumerate((("driver", 120), ("wild", 80), ("random", 60))):
        played = drive(policy, seed=number, steps=steps)
        for name, values in played.items():
            small = values.astype(np.float32) if values.dtype == np.float64 and name != "draws" else values
            kept[f"{policy}/{name}"] = np.packbits(small, axis=-1) if name in ("visited", "worn") else small
    np.savez_compressed(GOLDEN, **kept)


if __name__ == "__main__":
    main()
