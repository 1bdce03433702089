"""The environments of gymnax's `misc` in plain Python, in float64: what `jaxenvs.envs.gymnax` is compared with.

Each function takes a state as a dict of the fields that ours has, an action, and what chance decided, and returns the
next state, the observation, the reward and whether the episode terminated. Written from gymnax 1.0.1's sources, which
`test_gymnax_beside_the_package.py` holds it against.
"""

import math

import numpy as np

MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]
ROOM_ROWS = [
    "xxxxxxxxxxxxx",
    "x     x     x",
    "x     x     x",
    "x           x",
    "x     x     x",
    "x     x     x",
    "xx xxxx     x",
    "x     xxx xxx",
    "x     x     x",
    "x     x     x",
    "x           x",
    "x     x     x",
    "xxxxxxxxxxxxx",
]


def maze_rows(size, sight):
    border = (sight - 1) // 2
    full = "x" * (size + 2 * border)
    plain = "x" * border + " " * size + "x" * border
    pillars = "x" * border + " x" * ((size + 1) // 2) + "x" * (border - 1)
    return [full] * border + [pillars if row % 2 else plain for row in range(size)] + [full] * border


def is_free(rows, row, column):
    return rows[row][column] == " "


def free_cells(rows):
    width = len(rows[0])
    return [r * width + c for r in range(len(rows)) for c in range(width) if is_free(rows, r, c)]


def walk(rows, cell, action):
    row, column = divmod(cell, len(rows[0]))
    to = row + MOVES[action][0], column + MOVES[action][1]
    return to[0] * len(rows[0]) + to[1] if is_free(rows, *to) else cell


def steps_to(rows, goal):
    """How many moves each free cell is from the goal."""
    distance, frontier = {goal: 0}, [goal]
    for cell in frontier:
        for action in range(4):
            to = walk(rows, cell, action)
            if to not in distance:
                distance[to] = distance[cell] + 1
                frontier.append(to)
    return distance


def four_rooms(state, action, direction, visual=False):
    """`direction` is the one drawn at random, or None if the action counts."""
    cell = walk(ROOM_ROWS, state["cell"], action if direction is None else direction)
    row, column = divmod(cell, 13)
    if visual:
        observation = np.zeros((13, 13, 2))
        for r in range(13):
            for c in range(13):
                observation[r, c, 0] = not is_free(ROOM_ROWS, r, c)
        observation[column, row, 1] = 1
    else:
        observation = [row, column, *divmod(state["goal"], 13)]
    return {**state, "cell": cell}, observation, float(cell == state["goal"]), cell == state["goal"]


def meta_maze(state, action, fresh, size=9, sight=3, prize=10.0, punishment=0.0, normalize_time=False):
    rows = maze_rows(size, sight)
    cell = walk(rows, state["cell"], action)
    there = cell == state["goal"]
    reward = prize * there + punishment * (cell == state["cell"])
    cell = fresh if there else cell
    state = {**state, "cell": cell, "last_action": action, "last_reward": reward, "elapsed": state["elapsed"] + 1}
    row, column = divmod(cell, len(rows))
    reach = sight // 2
    around = range(-reach, reach + 1)
    seen = [float(not is_free(rows, row + i, column + j)) for i in around for j in around]
    time = state["elapsed"] / 50 - 1 if normalize_time else state["elapsed"]
    past = [float(action == a) for a in range(4)]
    return state, [*seen, *past, reward, time], reward, cell == state["goal"]


def point_robot(state, action, draws, near=0.2, dense=False, central=False, normalize_time=True):
    (x, y), (gx, gy) = state["position"], state["goal"]
    distance = math.hypot(gx - x, gy - y)
    there = distance <= near
    reward = -distance if dense else float(there)
    if there and central:
        x, y = 0.0, 0.0
    elif there:
        x, y = draws[0] * math.cos(math.pi * draws[1]), draws[0] * math.sin(math.pi * draws[1])
    else:
        x, y = (p + min(max(a, -0.1), 0.1) for p, a in zip((x, y), action))
    state = {
        **state,
        "position": [x, y],
        "last_action": action,
        "last_reward": reward,
        "goals_reached": state["goals_reached"] + there,
        "elapsed": state["elapsed"] + 1,
    }
    time = state["elapsed"] / 50 - 1 if normalize_time else state["elapsed"]
    return state, [x, y, reward, *action, time], reward, False


def bernoulli_bandit(state, action, draw, low=-1.0, high=1.0, span=100.0, normalize_time=True):
    reward = float(draw < state["reward_probs"][action])
    state = {**state, "last_action": action, "last_reward": reward, "elapsed": state["elapsed"] + 1}
    time = low + (high - low) * state["elapsed"] / span if normalize_time else state["elapsed"]
    return state, [reward, float(action == 0), float(action == 1), time], reward, False


def gaussian_bandit(state, action, noise, deviation=0.1, normalize_time=True):
    reward = [0.0, state["mu"] + deviation * noise][action]
    state = {**state, "last_action": action, "last_reward": reward, "elapsed": state["elapsed"] + 1}
    time = state["elapsed"] / 50 - 1 if normalize_time else state["elapsed"]
    return state, [reward, float(action == 0), float(action == 1), time], reward, False


def reacher(state, action, _=None, torque=1.0, dt=0.05):
    velocities = [v + dt * torque * a for v, a in zip(state["velocities"], action)]
    angles = [angle + dt * v for angle, v in zip(state["angles"], velocities)]
    x, y = sum(map(math.cos, angles)), sum(map(math.sin, angles))
    reward = math.exp(-((x - state["goal"][0]) ** 2) - (y - state["goal"][1]) ** 2)
    observation = [*map(math.cos, angles), *map(math.sin, angles), *velocities, *state["goal"]]
    return {**state, "angles": angles, "velocities": velocities}, observation, reward, False


def swimmer(state, action, _=None, dt=0.05):
    velocity = [v + dt * a for v, a in zip(state["velocity"], action)]
    position = [p + dt * v for p, v in zip(state["position"], velocity)]
    reward = math.exp(-0.5 * math.dist(position, state["goal"]) ** 2)
    for urchin in state["urchins"]:
        reward *= 1 - math.exp(-30 * math.dist(position, urchin) ** 2)
    observation = [*(x for urchin in state["urchins"] for x in urchin), *position, *velocity, *state["goal"]]
    return {**state, "position": position, "velocity": velocity}, observation, reward, False


def pong(state, action, _=None, width=40, height=30, half=2, follows=True, fastest=3, speed=1):
    def on_court(middle):
        return min(max(middle, half), height - half - 1)

    row, column = state["row"], state["column"]
    row_speed, column_speed = state["row_speed"], state["column_speed"]
    step = speed * [0, -1, 1][action]
    left = on_court(int(state["left_paddle"]) + step)
    if follows:
        up, down = (abs(row - on_court(state["right_paddle"] + s)) for s in (-speed, speed))
        step = -speed if up < down else speed
    right = on_court(int(state["right_paddle"]) + step)

    row, column = row + row_speed, column + column_speed
    if row >= height:
        row, row_speed = 2 * (height - 1) - row, -row_speed
    above_left, above_right = row - left, row - right
    if 2 - column >= 1 and abs(above_left) <= half:
        column, column_speed = 2 - column, -column_speed
        row_speed = round(min(max(row_speed + above_left / half, -fastest), fastest))
    elif 2 * (width - 2) - column < width - 2 and abs(above_right) < half + 1:
        column, column_speed = 2 * (width - 2) - column, -column_speed
        row_speed = round(min(max(row_speed + above_right / half, -fastest), fastest))
    out = column < 0 or column >= width

    picture = np.zeros((height, width, 3))

    def cell(row, column):
        return min(max(math.floor(row), 0), height - 1), min(max(math.floor(column), 0), width - 1)

    for middle, at in ((left, 0), (right, width - 1)):
        for offset in range(-half, half + 1):
            picture[cell(middle + offset, at)][0] = 1
    picture[cell(row, column)][1] = 1
    picture[cell(state["row"], state["column"])][2] = 1
    after = {
        "left_paddle": left,
        "right_paddle": right,
        "row": row,
        "column": column,
        "row_speed": row_speed,
        "column_speed": column_speed,
        "last_row": state["row"],
        "last_column": state["column"],
    }
    return after, picture, float(not out), out
