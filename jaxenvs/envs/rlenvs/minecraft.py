"""Minecraft of rlenvs: find the block of gold in a classroom of Project Malmo."""

from typing import ClassVar, Literal

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_integer, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.rlenvs._classroom import Classroom
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.voxels import body as bodies
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.body import Body, is_touching, tick
from jaxenvs.simulators.voxels.camera import Lens, Scene, picture, to_rgb, to_unit_rgb
from jaxenvs.simulators.voxels.grid import block_at
from jaxenvs.spaces import Box, Discrete

FORWARD, BACKWARD, RIGHT, LEFT = range(4)

_TICKS = 4
"""Ticks of a step: 0.2 s. The reference waits 0.1 s before and after it looks at the world."""
_DEGREES_PER_TICK = 180 * bodies.TICK
_GOAL_REWARD, _ORE_REWARD, _LATE_REWARD, _DEATH_REWARD = 1000.0, 20.0, -1000.0, -10_000.0
_ORES = (Block.GOLD_ORE, Block.DIAMOND_ORE, Block.REDSTONE_ORE)
_GOALS = (Block.GOLD_BLOCK, Block.DIAMOND_BLOCK, Block.REDSTONE_BLOCK)
_FRAME = 336  # pixels, of the longer side


class MinecraftState(PyTreeNode):
    """State of `Minecraft`.

    Attributes:
        body: where the agent is. The lowest corner of the grid is the origin: (1, 1, 1) here is (0, 55, 0) there.
        yaw: () float32, the direction that the agent looks in, degrees from 0 to 360: south is 0, west 90.
        move: () float32, the last command to move, from -1 to 1.
        turn: () float32, the last command to turn, from -1 to 1.
        elapsed: () int32, steps since the start.
        touched_ore: () bool, whether the agent has touched ore.
        is_over: () bool, whether the episode has terminated.
        blocks: (x, z, y) uint8, the classroom.
        light: (x, z, y) uint8, the light in each cell, 0 to 15.
    """

    body: Body
    yaw: Array
    move: Array
    turn: Array
    elapsed: Array
    touched_ore: Array
    is_over: Array
    blocks: Array
    light: Array


class Minecraft(Env[MinecraftState, Array]):
    """Walk through a room of cobblestone, lit by torches, and touch the block of gold, in first-person view.

    It is the classroom that Project Malmo builds for the mission of rlenvs. By default it is one room of 7 by 7 blocks,
    4 high, its corner at (0, 55, 0), with a floor of planks, and with a torch at every second block of the top row of
    each wall. It lies deep in the rock of a flat world, so the grass above it, and the sun at noon, cannot be seen. The
    body has the size, the speed (4.3 blocks per second) and the inertia of Minecraft's player, and its eyes are 1.62
    blocks above the floor. The field of view is 70 degrees.

    Observation: (84, 84, 3) float32, from 0 to 1: row, column and channel (red, green, blue).

    Action: () int32. 0 `move 1`, forwards; 1 `move -1`, backwards; 2 `turn 1`, to the right; 3 `turn -1`, to the left,
        by 180 degrees per second. A command lasts for the step, which takes 0.2 s: 4 ticks, 36 degrees. Whoever stops
        to walk slides on a little.

    Reward: 0 for the command. 1,000 for touching a block of gold, diamond or redstone; 20 for the first touch of ore of
        gold, diamond or redstone; -1,000 if the time is up; -10,000 for death.

    Start: in the air, a block above the floor, at x = r + 0.5 with r uniform in 0 to 4, and z = 0.5, looking south. The
        gold is at x = 2, 3 or 4, each with equal probability, and z = 5.

    Episode end:
        Termination: the agent touches a block of gold, diamond or redstone, or the time is up, or it dies, which it
            does in lava. Later steps earn nothing.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        room_size: width (x) and length (z) of a room, blocks, at least 5 each.
        divisions: number of walls from west to east, which divide the building from north to south, and of walls from
            north to south. With (1, 0) there are two rooms, one behind the other. The start is in the room in the
            northwest, the goal in the one in the southeast.
        obstacle: what is between rooms: `"gap"`, a wall with a gap of two blocks, or `"bridge"`, a moat of lava with
            a bridge of two blocks. Their places follow the key. The floor in the gap, and the bridge, are ore.
        ore: what the goal and the ore are made of: `"gold"`, `"diamond"` or `"redstone"`.
        time_limit: time in which the goal must be reached, s.
        commands_last: whether a command stays in force until another one of its kind replaces it, as in Malmo. Then an
            agent never stops.
        image_size: height and width of the picture, pixels.

    Differences from the reference: textures are drawings of our own, torches are painted on the walls, and light is the
        same all over a face. There a command stays in force until the next of its kind (`commands_last`), the time of a
        step depends on the machine, and the channel is first. Malmo's classroom has more kinds of obstacles, walls that
        no path leads through, and a floor of cobblestone if there is one storey.

    Source: M. Johnson, K. Hofmann, T. Hutton and D. Bignell, "The Malmo Platform for Artificial Intelligence
        Experimentation", 2016; Kaixhin/rlenvs, `Minecraft.lua`; Microsoft's malmo, `ClassroomDecorator`.

    Version history:
        v0: first version.
    """

    reset_is_costly: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 5

    time_limit: ArrayLike = 30.0
    room_size: tuple[int, int] = static(default=(7, 7))
    divisions: tuple[int, int] = static(default=(0, 0))
    obstacle: Literal["gap", "bridge"] = static(default="gap")
    ore: Literal["gold", "diamond", "redstone"] = static(default="gold")
    commands_last: bool = static(default=False)
    image_size: tuple[int, int] = static(default=(84, 84))

    def check_fields(self) -> None:
        """Checks the sizes, the names and the time limit."""
        for name in ("room_size", "divisions", "image_size"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or len(value) != 2:
                raise InvalidField(f"Minecraft: `{name}` must be a tuple of two integers, got {value!r}.")
        for axis in (0, 1):
            check_integer(self, "room_size", self.room_size[axis], 5, 60)
            check_integer(self, "divisions", self.divisions[axis], 0, 9)
            check_integer(self, "image_size", self.image_size[axis], 1, 1024)
        check_choice(self, "obstacle", self.obstacle, ("gap", "bridge"))
        check_choice(self, "ore", self.ore, ("gold", "diamond", "redstone"))
        check_range(self, "time_limit", self.time_limit, 0.0, above=True)
        if max(self._classroom.size) > 60:
            raise InvalidField(
                f"Minecraft: the building would be {self._classroom.size} blocks large, and must be at most 60 in each"
                " direction. Choose a smaller `room_size` or fewer `divisions`."
            )

    @property
    def _classroom(self) -> Classroom:
        kind = ("gold", "diamond", "redstone").index(self.ore)
        return Classroom(self.room_size, self.divisions, self.obstacle == "bridge", _GOALS[kind], _ORES[kind])

    @property
    def _lens(self) -> Lens:
        return self._lens_of(*self.image_size)

    def _lens_of(self, height: int, width: int) -> Lens:
        columns, rows = self._classroom.size
        return Lens(height=height, width=width, view_distance=columns + rows)

    @property
    def observation_space(self) -> Box:
        return Box(0, 1, (*self.image_size, 3))

    @property
    def action_space(self) -> Discrete:
        """`move 1` (0), `move -1` (1), `turn 1` (2) or `turn -1` (3)."""
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return _DEATH_REWARD, _GOAL_REWARD + _ORE_REWARD

    def reset(self, key: Key) -> tuple[MinecraftState, TimeStep[Array]]:
        """Builds the room, and places the goal and the agent."""
        blocks, light, start = self._classroom.built(check_key(key))
        zero, no = jnp.zeros((), jnp.float32), jnp.zeros((), bool)
        state = MinecraftState(
            body=bodies.at_rest(jnp.stack([start + 1.5, jnp.float32(2), jnp.float32(1.5)])),
            yaw=zero,
            move=zero,
            turn=zero,
            elapsed=jnp.zeros((), jnp.int32),
            touched_ore=no,
            is_over=no,
            blocks=blocks,
            light=light,
        )
        return state, restart(self.observe(state))

    def step(self, state: MinecraftState, action: Array) -> tuple[MinecraftState, TimeStep[Array]]:
        """Gives the command, and lets 0.2 s pass."""
        action = self.action_space.validate(action)
        move = (action == FORWARD).astype(jnp.float32) - (action == BACKWARD).astype(jnp.float32)
        turn = (action == RIGHT).astype(jnp.float32) - (action == LEFT).astype(jnp.float32)
        if self.commands_last:
            moves = action <= BACKWARD
            move, turn = jnp.where(moves, move, state.move), jnp.where(moves, state.turn, turn)
        body, yaw = state.body, state.yaw
        goal = ore = death = jnp.zeros((), bool)
        for _ in range(_TICKS):
            is_over = goal | death
            yaw = jnp.where(is_over, yaw, yaw + _DEGREES_PER_TICK * turn)
            moved = tick(state.blocks, body, yaw, move)
            body = Body(*(jnp.where(is_over, old, new) for old, new in zip(_parts(body), _parts(moved), strict=True)))
            goal = goal | is_touching(state.blocks, body, _GOALS)
            ore = ore | is_touching(state.blocks, body, _ORES)
            x, y, z = jnp.floor(body.position).astype(jnp.int32)
            death = death | (block_at(state.blocks, x, y, z) == Block.LAVA)
        elapsed = state.elapsed + 1
        limit = jnp.asarray(self.time_limit, jnp.float32)
        is_late = elapsed.astype(jnp.float32) * (_TICKS * bodies.TICK) > limit - 0.5 * bodies.TICK
        reward = jnp.where(ore & ~state.touched_ore, _ORE_REWARD, 0.0)
        reward = reward + jnp.where(
            death, _DEATH_REWARD, jnp.where(goal, _GOAL_REWARD, jnp.where(is_late, _LATE_REWARD, 0.0))
        )
        reward = jnp.where(state.is_over, 0.0, reward)
        state = state.replace(
            body=body,
            yaw=jnp.where(yaw < 0, yaw + 360, jnp.where(yaw >= 360, yaw - 360, yaw)),
            move=move,
            turn=turn,
            elapsed=elapsed,
            touched_ore=state.touched_ore | ore,
            is_over=state.is_over | goal | death | is_late,
        )
        return state, transition(self.observe(state), reward, state.is_over)

    def observe(self, state: MinecraftState) -> Array:
        """(84, 84, 3) float32: what the agent sees."""
        return to_unit_rgb(picture(self._lens, _scene(state)))

    def render(self, state: MinecraftState) -> Array:
        """The observation with more pixels, (336, 336, 3) uint8."""
        scale = _FRAME / max(self.image_size)
        height, width = (max(1, round(scale * size)) for size in self.image_size)
        return to_rgb(picture(self._lens_of(height, width), _scene(state)))


def _scene(state: MinecraftState) -> Scene:
    level = jnp.zeros((), jnp.float32)
    return Scene(blocks=state.blocks, eye=state.body.eye, yaw=state.yaw, pitch=level, light=state.light)


def _parts(body: Body) -> tuple[Array, Array, Array]:
    return body.position, body.velocity, body.on_ground
