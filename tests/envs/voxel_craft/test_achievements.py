"""VoxelCraft: a scripted agent reaches every achievement; what digging, placing and making need; worlds and fields."""

import functools
import heapq

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.voxel_craft import _rules as rules
from jaxenvs.envs.voxel_craft.voxel_craft import VoxelCraft
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.voxels.blocks import FIRST_LIQUID, Block

AHEAD = ((0, 1), (-1, 0), (0, -1), (1, 0))
BY_HAND = {Block.DIRT, Block.GRASS, Block.SAND, Block.LOG, Block.LEAVES}
BY_TOOL = (
    (rules.WOOD_PICKAXE, {Block.STONE, Block.COBBLESTONE, Block.COAL_ORE}),
    (rules.STONE_PICKAXE, {Block.IRON_ORE}),
    (rules.IRON_PICKAXE, {Block.DIAMOND_ORE}),
)
# The cells that each way of walking clears, as (ahead, up), with the index of the pitch from which each is seen.
LEVEL = (((1, 1), 2), ((1, 0), 3))
UP = (((0, 2), 0), ((1, 1), 2), ((1, 2), 1))
DOWN = (*LEVEL, ((1, -1), 4))


@functools.cache
def programs():
    env = VoxelCraft(observation="symbolic")
    return jax.jit(env.reset), jax.jit(env.step)


class Agent:
    """An agent that sees the whole world, and plans its ways by Dijkstra's algorithm."""

    def __init__(self, seed):
        reset, self._step = programs()
        self.state, _ = reset(jaxenvs.random.key(seed))
        self.steps, self.total, self.is_over = 0, 0.0, False

    @property
    def blocks(self):
        return np.asarray(self.state.blocks)

    @property
    def cell(self):
        return tuple(int(i) for i in self.state.cell)

    def has(self, item):
        return int(self.state.inventory[item])

    def act(self, action):
        self.state, timestep = self._step(self.state, jnp.int32(action))
        self.steps += 1
        self.total += float(timestep.reward)
        self.is_over = bool(timestep.terminated)

    def face(self, facing):
        while (turn := (facing - int(self.state.facing)) % 4) != 0:
            self.act(rules.TURN_LEFT if turn == 3 else rules.TURN_RIGHT)

    def look(self, pitch):
        while (tilt := pitch - int(self.state.pitch)) != 0:
            self.act(rules.LOOK_DOWN if tilt > 0 else rules.LOOK_UP)

    def diggable(self):
        tools = (kinds for tool, kinds in BY_TOOL if self.has(tool))
        return BY_HAND.union(*tools)

    def ways(self, blocks, cell, diggable):
        """(cost, next cell, facing, cells to clear, action) of each step from a cell."""
        x, y, z = cell
        size = blocks.shape[0]

        def at(i, j, k):
            return int(blocks[i, k, j])

        for facing, (dx, dz) in enumerate(AHEAD):
            i, k = x + dx, z + dz
            if not (0 <= i < size and 0 <= k < size and 2 <= y < 28):
                continue
            steps = []
            if 0 < at(i, y, k) < FIRST_LIQUID:
                steps.append((UP, y + 1, rules.JUMP))
            if 0 < at(i, y - 1, k) < FIRST_LIQUID:
                steps.append((LEVEL, y, rules.FORWARD))
                if 0 < at(i, y - 2, k) < FIRST_LIQUID:
                    steps.append((DOWN, y - 1, rules.FORWARD))
            elif at(i, y - 1, k) == 0:
                ground = y - 2
                while at(i, ground, k) == 0:
                    ground -= 1
                if at(i, ground, k) < FIRST_LIQUID:
                    steps.append((LEVEL, ground + 1, rules.FORWARD))
            for clears, height, action in steps:
                cells = [((x + dx * a, y + u, z + dz * a), pitch) for (a, u), pitch in clears]
                kinds = [at(*place) for place, _ in cells]
                if all(kind == 0 or kind in diggable for kind in kinds):
                    cost = 1 + 3 * sum(kind != 0 for kind in kinds)
                    yield cost, (i, height, k), facing, cells, action

    def path(self, is_goal):
        """The steps of the cheapest way up to the first one that `is_goal(cell, step)` accepts."""
        blocks, diggable = self.blocks, self.diggable()
        queue, came, done = [(0, self.cell)], {self.cell: (0, None, None)}, set()
        ends = []
        while queue:
            cost, cell = heapq.heappop(queue)
            if ends and ends[0][0] <= cost:
                break
            if cell in done:
                continue
            done.add(cell)
            for step in self.ways(blocks, cell, diggable):
                total = cost + step[0]
                if is_goal(blocks, cell, step):
                    heapq.heappush(ends, (total, cell, step[2], step))
                if step[1] not in came or total < came[step[1]][0]:
                    came[step[1]] = total, cell, step
                    heapq.heappush(queue, (total, step[1]))
        assert ends, "there is no way"
        _, cell, _, step = ends[0]
        steps = [step]
        while (before := came[cell])[1] is not None:
            steps.append(before[2])
            cell = before[1]
        return steps[::-1]

    def clear(self, step, until=None):
        """Digs what is in the way of a step, up to a block of a kind."""
        _, _, facing, cells, _ = step
        self.face(facing)
        for (x, y, z), pitch in cells:
            kind = int(self.blocks[x, z, y])
            if kind == 0:
                continue
            self.look(pitch)
            self.act(rules.DIG)
            assert self.blocks[x, z, y] == 0, "it dug something else"
            if kind == until:
                return

    def collect(self, kind, item, count):
        while self.has(item) < count:
            steps = self.path(lambda blocks, cell, step: any(blocks[x, z, y] == kind for (x, y, z), _ in step[3]))
            for step in steps[:-1]:
                self.walk(step)
            self.clear(steps[-1], until=kind)

    def walk(self, step):
        self.clear(step)
        self.act(step[4])
        assert self.cell == step[1], "it went another way"

    def go_near(self, kind):
        places = np.argwhere(self.blocks == kind)[:, [0, 2, 1]]

        def is_near(cell):
            return (np.abs(places - np.array(cell)).max(axis=1) <= 2).any()

        if not is_near(self.cell):
            for step in self.path(lambda blocks, cell, step: is_near(step[1])):
                self.walk(step)

    def place(self, action, block):
        """Places a block ahead, where there is or can be room above solid ground."""
        step = next(
            step
            for step in self.ways(self.blocks, self.cell, self.diggable())
            if step[1][1] == self.cell[1] and step[4] == rules.FORWARD
        )
        self.clear(step)
        self.look(4)
        count = (self.blocks == block).sum()
        self.act(action)
        assert (self.blocks == block).sum() == count + 1, "nothing was placed"


@pytest.mark.slow
def test_a_scripted_agent_reaches_every_achievement():
    agent = Agent(0)
    agent.collect(Block.LOG, rules.WOOD, 7)
    agent.collect(Block.DIRT, rules.DIRT, 1)
    agent.place(rules.PLACE_TABLE, Block.TABLE)
    agent.act(rules.MAKE_WOOD_PICKAXE)
    agent.collect(Block.STONE, rules.STONE, 7)
    agent.collect(Block.COAL_ORE, rules.COAL, 1)
    agent.place(rules.PLACE_STONE, Block.COBBLESTONE)
    agent.go_near(Block.TABLE)
    agent.act(rules.MAKE_STONE_PICKAXE)
    agent.collect(Block.IRON_ORE, rules.IRON, 1)
    agent.go_near(Block.TABLE)
    agent.place(rules.PLACE_FURNACE, Block.FURNACE)
    agent.act(rules.MAKE_IRON_PICKAXE)
    assert not agent.is_over
    agent.collect(Block.DIAMOND_ORE, rules.DIAMOND, 1)
    assert agent.is_over and agent.total == len(rules.ACHIEVEMENTS) and agent.steps < 2000


def in_front(kind, **changes):
    """A state with a block of a kind at the height of the eyes, right ahead, in an empty world with a floor."""
    state, _ = programs()[0](jaxenvs.random.key(0))
    blocks = np.zeros(state.blocks.shape, np.uint8)
    blocks[:, :, :4] = Block.STONE
    blocks[16, 17, 5] = kind
    return state.replace(blocks=jnp.asarray(blocks), cell=jnp.asarray([16, 4, 16], jnp.int32), **changes)


def having(**items):
    return jnp.asarray([items.get(name.replace(" ", "_"), 0) for name in rules.ITEMS], jnp.int32)


@pytest.mark.parametrize(
    "kind, tool, item",
    [
        (Block.LOG, None, "wood"),
        (Block.GRASS, None, "dirt"),
        (Block.STONE, "wood_pickaxe", "stone"),
        (Block.COAL_ORE, "wood_pickaxe", "coal"),
        (Block.IRON_ORE, "stone_pickaxe", "iron"),
        (Block.DIAMOND_ORE, "iron_pickaxe", "diamond"),
        (Block.BEDROCK, "nothing digs it", None),
    ],
)
def test_digging_needs_the_right_tool(kind, tool, item):
    step = programs()[1]
    pickaxes = {name for name in ("wood_pickaxe", "stone_pickaxe", "iron_pickaxe") if name != tool}
    others = having(**dict.fromkeys(pickaxes, 1)) if tool else having()
    state, timestep = step(in_front(kind, inventory=others), jnp.int32(rules.DIG))
    if tool:
        assert int(state.blocks[16, 17, 5]) == kind and float(timestep.reward) == 0
        if item is None:
            return
        state, timestep = step(in_front(kind, inventory=having(**{tool: 1})), jnp.int32(rules.DIG))
    assert int(state.blocks[16, 17, 5]) == 0 and float(timestep.reward) == 1
    assert int(state.inventory[rules.ITEMS.index(item)]) == 1
    again, timestep = step(in_front(kind, inventory=state.inventory, achieved=state.achieved), jnp.int32(rules.DIG))
    assert float(timestep.reward) == 0 and int(again.inventory[rules.ITEMS.index(item)]) == 2


def test_a_table_costs_4_wood_and_is_needed_nearby():
    step = programs()[1]
    state = in_front(Block.DIRT, inventory=having(wood=5))
    refused, timestep = step(state, jnp.int32(rules.MAKE_WOOD_PICKAXE))
    assert float(timestep.reward) == 0 and (refused.inventory == state.inventory).all()
    state, timestep = step(state.replace(pitch=jnp.int32(4)), jnp.int32(rules.PLACE_TABLE))
    assert float(timestep.reward) == 1 and int(state.blocks[16, 17, 4]) == Block.TABLE
    state, timestep = step(state, jnp.int32(rules.MAKE_WOOD_PICKAXE))
    assert float(timestep.reward) == 1 and state.inventory.tolist() == having(wood_pickaxe=1).tolist()


def test_moves_collide_climb_and_fall():
    step = programs()[1]
    state = in_front(Block.STONE)
    blocked, _ = step(state, jnp.int32(rules.FORWARD))
    assert blocked.cell.tolist() == [16, 4, 16]
    low = state.replace(blocks=state.blocks.at[16, 17, 5].set(0).at[16, 17, 4].set(Block.STONE))
    assert step(low, jnp.int32(rules.FORWARD))[0].cell.tolist() == [16, 4, 16]
    up, _ = step(low, jnp.int32(rules.JUMP))
    assert up.cell.tolist() == [16, 5, 17]
    down, _ = step(up, jnp.int32(rules.FORWARD))
    assert down.cell.tolist() == [16, 4, 18]
    west, _ = step(down.replace(facing=jnp.int32(1)), jnp.int32(rules.FORWARD))
    assert west.cell.tolist() == [15, 4, 18]
    back, _ = step(west, jnp.int32(rules.BACK))
    assert back.cell.tolist() == [16, 4, 18]
    edge = state.replace(cell=jnp.asarray([31, 4, 31], jnp.int32))
    assert step(edge, jnp.int32(rules.FORWARD))[0].cell.tolist() == [31, 4, 31]


@pytest.mark.slow
def test_worlds_have_ground_ores_by_depth_and_an_empty_top():
    states, _ = jax.jit(jax.vmap(VoxelCraft(observation="symbolic").reset))(jax.random.split(jaxenvs.random.key(1), 8))
    blocks = np.asarray(states.blocks)
    assert (blocks[..., 0] == Block.BEDROCK).all() and (blocks[..., -1] == 0).all()
    for kind, below in ((Block.DIAMOND_ORE, 7), (Block.IRON_ORE, 13), (Block.COAL_ORE, 32)):
        found = np.argwhere(blocks == kind)
        assert len(found) and found[:, 3].max() < below
        assert len(set(found[:, 0])) == 8, "in every world"
    assert all((blocks == kind).any() for kind in (Block.WATER, Block.LOG, Block.LEAVES, Block.SAND, Block.GRASS))
    for world, cell in zip(blocks, np.asarray(states.cell), strict=True):
        x, y, z = cell
        assert (world[x, z, y:] == 0).all() and world[x, z, y - 1] in (Block.GRASS, Block.SAND)


@pytest.mark.slow
def test_fields_change_the_terrain():
    reset = jax.jit(lambda env: env.reset(jaxenvs.random.key(0))[0].blocks)
    plain = VoxelCraft(observation="symbolic")

    def share(kind, **fields):
        return (np.asarray(reset(plain.replace(**fields))) == kind).mean()

    def heights(**fields):
        is_ground = np.isin(np.asarray(reset(plain.replace(trees=0.0, **fields))), (Block.GRASS, Block.SAND))
        return (is_ground * np.arange(32)).max(axis=2)

    assert np.ptp(heights(hills=0.0)) <= 6 < np.ptp(heights(hills=7.0)) < np.ptp(heights(hills=16.0))
    for kind, name in ((Block.LOG, "trees"), (Block.COAL_ORE, "coal"), (Block.IRON_ORE, "iron")):
        assert share(kind, **{name: 0.0}) == 0 < share(kind, **{name: 0.1}) < share(kind, **{name: 0.5}), name
    assert share(Block.DIAMOND_ORE, diamond=0.0) == 0 < share(Block.DIAMOND_ORE, diamond=0.3)
    assert (
        share(Block.WATER, sea_level=0.0) == 0 < share(Block.WATER, sea_level=10.0) < share(Block.WATER, sea_level=15.0)
    )
    assert share(Block.STONE, caves=0.0) > share(Block.STONE, caves=0.4)


@pytest.mark.slow
def test_the_picture_for_people_shows_what_the_agent_has():
    render = jax.jit(VoxelCraft().render)
    state, _ = programs()[0](jaxenvs.random.key(0))
    empty, full = (
        np.asarray(render(state.replace(inventory=jnp.full(len(rules.ITEMS), number, jnp.int32)))) for number in (0, 3)
    )
    assert empty.shape == (472, 420, 3) and (empty[:420] == full[:420]).all()
    slots = [range(12 + 44 * item, 12 + 44 * (item + 1)) for item in range(len(rules.ITEMS))]
    assert all(full[420:, slot].mean() > empty[420:, slot].mean() + 2 for slot in slots)


def test_nights_are_darker_than_days():
    env = VoxelCraft()
    state, _ = programs()[0](jaxenvs.random.key(0))
    light = [float(env.daylight(state.replace(elapsed=jnp.int32(elapsed)))) for elapsed in (0, 120, 420, 600)]
    assert light[1] == 1.0 and light[2] < 0.2 and abs(light[0] - light[3]) < 1e-5


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"observation": "pixel"}, "'pixels'"),
        ({"size": 4}, "`size`"),
        ({"caves": 1.5}, "`caves` must be a probability"),
        ({"image_size": 84}, "`image_size` must be a tuple"),
    ],
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(InvalidField, match=message):
        VoxelCraft(**fields)
