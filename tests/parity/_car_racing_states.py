"""Recorded drives of CarRacing as states of this package."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.envs.box2d._car_racing_car import Car
from jaxenvs.envs.box2d._car_racing_track import CAPACITY, lay
from jaxenvs.envs.box2d.car_racing import CarRacing, CarRacingState
from tests.parity import _car_racing_reference as reference

COLORS = np.array([[102, 102, 102], [102, 204, 102], [102, 230, 102]], np.float32)


def golden(policy):
    with np.load(reference.GOLDEN) as file:
        rows = {name.split("/")[1]: file[name] for name in file.files if name.startswith(f"{policy}/")}
    for name in ("visited", "worn"):
        rows[name] = np.unpackbits(rows[name], axis=-1, count=len(rows["tiles"])).astype(bool)
    return rows


def pairs(values):
    """float64 as pairs of float32."""
    high = values.astype(np.float32)
    return high, (values - high).astype(np.float32)


laid = jax.jit(lambda draws: lay(draws[0], draws[1]))
laid_many = jax.jit(jax.vmap(lambda turns, radii: lay(turns, radii)))


def track_of(rows):
    """The track of a drive, from its draws."""
    return laid(tuple(pairs(rows["draws"][:, i]) for i in (0, 1)))


def _bits(rows, name):
    """(steps, CAPACITY) bool, before each step."""
    bits = np.concatenate([rows[f"first_{name}"][None], rows[name][:-1]]).astype(bool)
    return np.pad(bits, ((0, 0), (0, CAPACITY - bits.shape[1])))


def states_of(rows, track):
    """The states before the steps of a drive; the track is that of all of them."""
    steps = len(rows["action"])
    car = Car(**{f.name: rows[f"before.{f.name}"] for f in dataclasses.fields(Car)})
    visited = _bits(rows, "visited")
    paid = visited.sum(1).astype(np.int32)
    paid[0] = 0
    return CarRacingState(
        car=car,
        track=jax.tree.map(lambda x: jnp.broadcast_to(x, (steps, *x.shape)), track),
        visited=visited,
        worn=_bits(rows, "worn"),
        on_start=np.zeros((steps, 4), bool),
        finished=np.zeros(steps, bool),
        elapsed=np.arange(steps, dtype=np.int32),
        paid=paid,
        colors=np.broadcast_to(COLORS, (steps, 3, 3)),
    )


class Blind(CarRacing):
    """Without pictures, which take most of the time."""

    def observe(self, state):
        return jnp.zeros((96, 96, 3), jnp.uint8)


@jax.jit
@jax.vmap
def _observed(state):
    return CarRacing().observe(state)


@jax.jit
@jax.vmap
def _rendered(state):
    return CarRacing().render(state)


def states_after(rows, steps):
    """The states after some steps of a drive."""
    before = jax.tree.map(lambda x: x[steps], states_of(rows, track_of(rows)))
    car = Car(**{f.name: rows[f"after.{f.name}"][steps] for f in dataclasses.fields(Car)})
    bits = {}
    for name in ("visited", "worn"):
        after = rows[name][steps]
        bits[name] = np.pad(after, ((0, 0), (0, CAPACITY - after.shape[1])))
    return before.replace(car=car, elapsed=before.elapsed + 1, **bits)


def pictures_of(rows, steps):
    """(steps, 96, 96, 3) uint8: our pictures after some steps of a drive."""
    return np.asarray(_observed(states_after(rows, steps)))


def pictures_after(rows, first, last):
    """(last - first, 96, 96, 3) uint8: our pictures after the steps from one to before another."""
    return pictures_of(rows, np.arange(first, last))


def views_after(rows, steps):
    """(steps, 400, 600, 3) uint8: our pictures for people after some steps of a drive."""
    return np.asarray(_rendered(states_after(rows, np.array(steps))))
