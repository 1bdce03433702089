"""CarRacing: drive a lap of a random track, seen from above."""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.box2d._car_racing_car import FPS, Car, drive, origins, parked
from jaxenvs.envs.box2d._car_racing_contacts import touched
from jaxenvs.envs.box2d._car_racing_picture import Scene, picture
from jaxenvs.envs.box2d._car_racing_track import CAPACITY, Track, random_track
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.box2d import Solver
from jaxenvs.spaces import Box, Discrete

FIELD = 2000 / 6
"""Half the width of the field, m."""
_DISCRETE_STEERING, _DISCRETE_GAS, _DISCRETE_BRAKE = 0.6, 0.2, 0.8
_COST_OF_TIME, _REWARD_OF_TRACK, _REWARD_OUTSIDE = 0.1, 1000.0, -100.0
_COLORS = ((102, 102, 102), (102, 204, 102), (102, 230, 102))
_GREATEST_COLOR, _GRASS_CONTRAST = 210.0, 20.0


class CarRacingState(PyTreeNode):
    """State of `CarRacing`.

    Attributes:
        car: the car.
        track: the road.
        visited: (448,) bool, which tiles a wheel has touched.
        worn: (448,) bool, which tiles the car has touched; they are drawn in the plain colour of the road.
        on_start: (4,) bool, whether each wheel touched the first tile at the start of the last step.
        finished: () bool, whether the lap has been completed.
        elapsed: () int32, number of steps.
        paid: () int32, number of tiles that have been rewarded.
        colors: (3, 3) float32 from 0 to 255: of the road, of the ground, and of patches of grass on it.
    """

    car: Car
    track: Track
    visited: Array
    worn: Array
    on_start: Array
    finished: Array
    elapsed: Array
    paid: Array
    colors: Array


class CarRacing(Env[CarRacingState, Array]):
    """A powerful car with rear-wheel drive stands on a random, closed track; drive one lap without leaving it.

    Observation: (96, 96, 3) uint8, the surroundings of the car from above. The car stays at the same place and points
        upwards. In the first second, the picture zooms in from the whole field. A bar at the bottom shows the return,
        speed, the spin of the four wheels, the angle of the front wheels and the angular velocity, from left to right.

    Action: (3,) float32.

        | index | meaning                                | min | max | unit |
        |-------|----------------------------------------|-----|-----|------|
        | 0     | steering, -1 is left                   | -1  | 1   |      |
        | 1     | gas                                    | 0   | 1   |      |
        | 2     | brake; above 0.9, it blocks the wheels | 0   | 1   |      |

        Without `continuous`, () int32: 0 does nothing, 1 steers right, 2 steers left (0.6 each), 3 gives gas (0.2),
        4 brakes (0.8).

    Reward: -0.1 a step, and 1000 / N for each of the N tiles of the track that a wheel touches for the first time; the
        first step also gives those that the car starts on. -100 for a step that ends outside of the field.

    Start: at rest in the middle of the road. The track runs through twelve checkpoints around the middle of the field,
        each with a random angle in its twelfth of the circle and, but for two, a random distance of 50 to 150 m.
        Layouts that do not close, or have more than 448 tiles, are drawn again. Most have between 240 and 380 tiles.

    Episode end:
        Termination: all tiles have been visited (`info["lap_finished"]` is True), or the car is outside of the field,
            333 m from the middle in either direction.
        Truncation: none here; `make` adds a time limit of 1000 steps.

    Info: `lap_finished`, () bool: whether the lap is complete. In Gymnasium the key exists only at the end.

    Parameters:
        lap_complete_percent: share of the tiles, from 0 to 1, that must have been visited when the first tile is
            touched for a lap to be complete; see `finish_at_start`.
        domain_randomize: whether `reset` draws the colours of road and grass.
        continuous: whether actions are numbers.
        randomize: whether `reset` does so in this episode; the reset option of the same name. If it is false, the
            episode has the colours in `colors`.
        colors: (3, 3) from 0 to 255, the colours of the road, the ground and patches of grass, when they are not drawn;
            None for Gymnasium's.
        finish_at_start: whether a wheel that comes back to the first tile completes the lap, if more than
            `lap_complete_percent` of the tiles have been visited. Gymnasium means to do so, but tests it only when a
            tile is touched for the first time, which for the first tile is in `reset`; so in effect only all tiles
            complete a lap there, and without this field here.
        solver: "exact" makes all 180 passes over the velocities, as Box2D does, unless one changes nothing at all;
            "converged" ends them when they change by no more than about one rounding.

    Differences from the reference: float32 where Gymnasium computes tyres and rewards in float64; the track is laid in
        float64. The picture is drawn by the areas that shapes cover of each pixel, where Gymnasium scales a larger
        picture down. With the option `randomize=False`, Gymnasium keeps the colours of the episode before. `render`
        leaves out the marks of skidding wheels, which observations do not have in Gymnasium either.

    Source: O. Klimov; Gymnasium 1.4.0, `CarRacing-v3`, on Box2D 2.3.

    Version history:
        v3: the environment steps of Gymnasium 1.0.
        v2: finishing the lap terminates.
        v1: random colours, and the share of tiles that completes a lap.
    """

    frames_per_second: ClassVar[int] = FPS
    reset_is_costly: ClassVar[bool] = True
    reset_options: ClassVar[Mapping[str, str]] = {"randomize": "randomize"}

    lap_complete_percent: ArrayLike = 0.95
    domain_randomize: bool = static(default=False)
    continuous: bool = static(default=True)
    randomize: ArrayLike = True
    colors: ArrayLike | None = None
    finish_at_start: bool = static(default=False)
    solver: Solver = static(default="exact")

    def check_fields(self) -> None:
        """Checks share, colours and solver."""
        check_range(self, "lap_complete_percent", self.lap_complete_percent, 0.0, 1.0)
        check_choice(self, "solver", self.solver, ("exact", "converged"))
        if self.colors is not None and np.shape(self.colors)[-2:] != (3, 3):
            raise InvalidField(
                "CarRacing: `colors` must be red, green and blue of the road, the ground and patches of grass, of shape"
                f" (3, 3), got shape {np.shape(self.colors)}."
            )
        if self.colors is not None:
            check_range(self, "colors", self.colors, 0.0, 255.0)

    @property
    def observation_space(self) -> Box:
        return Box(0, 255, (96, 96, 3), jnp.uint8)

    @property
    def action_space(self) -> Box | Discrete:
        """Steering, gas and brake; or nothing (0), right (1), left (2), gas (3) or brake (4)."""
        if not self.continuous:
            return Discrete(5)
        return Box(np.array([-1.0, 0.0, 0.0], np.float32), np.array([1.0, 1.0, 1.0], np.float32))

    def reset(self, key: Key) -> tuple[CarRacingState, TimeStep[Array]]:
        """Lays a track and takes a step without an action."""
        track_key, color_key = jax.random.split(check_key(key))
        state = self.begin(random_track(track_key), self._draw_colors(color_key))
        return state, restart(self.observe(state), {"lap_finished": jnp.zeros((), bool)})

    def begin(self, track: Track, colors: Array) -> CarRacingState:
        """The state in which an episode on a track begins, with colours as in the state."""
        still = jnp.zeros((), jnp.float32)
        state = CarRacingState(
            car=parked(track.start[0], track.start[1:]),
            track=track,
            visited=jnp.zeros(CAPACITY, bool),
            worn=jnp.zeros(CAPACITY, bool),
            on_start=jnp.zeros(4, bool),
            finished=jnp.zeros((), bool),
            elapsed=jnp.zeros((), jnp.int32),
            paid=jnp.zeros((), jnp.int32),
            colors=colors,
        )
        return self._drive(state, still, still, still)

    def step(self, state: CarRacingState, action: Array) -> tuple[CarRacingState, TimeStep[Array]]:
        """Lets 1/50 s pass."""
        steering, gas, brake = self._controls(self.action_space.validate(action))
        state = self._drive(state, steering, gas, brake).replace(elapsed=state.elapsed + 1)
        visited = jnp.sum(state.visited, dtype=jnp.int32)
        count = state.track.count
        reward = (visited - state.paid).astype(jnp.float32) * (_REWARD_OF_TRACK / _number(count)) - _COST_OF_TIME
        outside = jnp.any(jnp.abs(origins(state.car)[0]) > FIELD)
        finished = state.finished | (visited == count)
        reward = jnp.where(outside, _REWARD_OUTSIDE, reward).astype(jnp.float32)
        state = state.replace(paid=visited)
        info = {"lap_finished": finished & ~outside}
        return state, transition(self.observe(state), reward, finished | outside, info)

    def observe(self, state: CarRacingState) -> Array:
        """(96, 96, 3) uint8: the car and its surroundings from above."""
        # Gymnasium draws a step's picture before it takes the step's cost.
        return picture(_scene(state, jnp.maximum(state.elapsed - 1, 0)), 96, 96)

    def render(self, state: CarRacingState) -> Array:
        """(400, 600, 3) uint8: the same picture, sharper and wider."""
        return picture(_scene(state, state.elapsed), 400, 600)

    def _drive(self, state: CarRacingState, steering: Array, gas: Array, brake: Array) -> CarRacingState:
        """Moves the car, and notes the tiles that it touched before it moved."""
        car, track = state.car, state.track
        car = drive(car, steering, gas, brake, self.solver)
        found = touched(state.car.position, state.car.angle, track.tiles, track.count)
        visited = state.visited | found.by_wheel
        began = jnp.any(found.start & ~state.on_start)
        if not self.finish_at_start:
            began = began & ~state.visited[0]
        share = jnp.sum(visited, dtype=jnp.float32) / _number(track.count)
        return state.replace(
            car=car.replace(on_road=found.on_road),
            visited=visited,
            worn=state.worn | found.by_car,
            on_start=found.start,
            finished=state.finished | (began & (share > self.lap_complete_percent)),
        )

    def _controls(self, action: Array) -> tuple[Array, Array, Array]:
        """Target angle of the front wheels in rad, gas and brake, () float32 each."""
        if self.continuous:
            steering, gas, brake = action.astype(jnp.float32)
            return -steering, gas, brake
        right_or_left = (action == 2).astype(jnp.float32) - (action == 1).astype(jnp.float32)
        gas, brake = (action == 3).astype(jnp.float32), (action == 4).astype(jnp.float32)
        return _DISCRETE_STEERING * right_or_left, _DISCRETE_GAS * gas, _DISCRETE_BRAKE * brake

    def _draw_colors(self, key: Key) -> Array:
        fixed = jnp.asarray(_COLORS if self.colors is None else self.colors, jnp.float32)
        if not self.domain_randomize:
            return fixed
        road_key, ground_key, channel_key = jax.random.split(key, 3)
        road, ground = (jax.random.uniform(k, (3,), jnp.float32, 0.0, _GREATEST_COLOR) for k in (road_key, ground_key))
        brighter = jnp.arange(3) == jax.random.randint(channel_key, (), 0, 3)
        grass = ground + jnp.where(brighter, _GRASS_CONTRAST, 0.0)
        return jnp.where(self.randomize, jnp.stack([road, ground, grass]), fixed)


def _number(count: Array) -> Array:
    """The number of tiles, () float32."""
    return jnp.maximum(count, 1).astype(jnp.float32)


def _scene(state: CarRacingState, steps: Array) -> Scene:
    """What the picture shows; the return on it contains the cost of so many steps."""
    visited = jnp.sum(state.visited, dtype=jnp.float32)
    score = _REWARD_OF_TRACK * visited / _number(state.track.count) - _COST_OF_TIME * steps.astype(jnp.float32)
    seconds = (state.elapsed + 1).astype(jnp.float32) / FPS
    return Scene(car=state.car, track=state.track, worn=state.worn, colors=state.colors, score=score, seconds=seconds)
