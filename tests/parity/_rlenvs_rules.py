"""An independent reading of the rules of rlenvs' tasks: plain Python in float64, with rlenvs' coordinates.

Each function takes what a state holds, and returns what comes after.
"""

import math

import numpy as np

from jaxenvs.envs.rlenvs.xo_world import CIRCLE, CROSS, PLAYER


def cart_pole(x, x_dot, theta, theta_dot, action):
    gravity, cart, pole, length, tau = 9.8, 1.0, 0.1, 1.0, 0.02
    force = 10.0 if action == 1 else -10.0
    common = (force + 0.5 * pole * length * theta_dot**2 * math.sin(theta)) / (cart + pole)
    inertia = 0.5 * length * (4 / 3 - pole * math.cos(theta) ** 2 / (cart + pole))
    turning = (gravity * math.sin(theta) - math.cos(theta) * common) / inertia
    pushing = common - 0.5 * pole * length * turning * math.cos(theta) / (cart + pole)
    after = x + tau * x_dot, x_dot + tau * pushing, theta + tau * theta_dot, theta_dot + tau * turning
    margin = max(abs(after[0]) - 2.4, abs(after[2]) - math.radians(12))
    return after, 0.0 if margin > 0 else 1.0, margin


def mountain_car(velocity, position, action):
    reward = math.sin(3 * position) - 1
    velocity = velocity + 0.001 * (action - 1) - 0.0025 * math.cos(3 * position)
    velocity = min(max(velocity, -0.07), 0.07)
    position = min(max(position + velocity, -1.2), 0.6)
    if position == -1.2 and velocity < 0:
        velocity = 0.0
    return (velocity, position), reward, position - 0.5


def acrobot(q1, q2, v1, v2, action):
    """All masses, lengths and moments 1, centres in the middle: the accelerations solve M a = torques."""
    for _ in range(4):
        m11, m12, m22 = 3.5 + math.cos(q2), 1.25 + 0.5 * math.cos(q2), 1.25
        pull1 = 9.8 * (1.5 * math.sin(q1) + 0.5 * math.sin(q1 + q2))
        pull2 = 9.8 * 0.5 * math.sin(q1 + q2)
        whirl1 = 0.5 * math.sin(q2) * (v2 * v2 + 2 * v1 * v2)
        whirl2 = -0.5 * math.sin(q2) * v1 * v1
        right = np.array([whirl1 - pull1, whirl2 - pull2 + action - 1])
        a1, a2 = np.linalg.solve(np.array([[m11, m12], [m12, m22]]), right)
        v1, v2 = v1 + 0.05 * a1, v2 + 0.05 * a2
        q1, q2 = q1 + 0.05 * v1, q2 + 0.05 * v2
    v1, v2 = (min(max(v, -top * math.pi), top * math.pi) for v, top in ((v1, 4), (v2, 9)))
    margin = -math.cos(q1) - math.cos(q1 + q2) - 1
    return (q1, q2, v1, v2), 0.0 if margin > 0 else -1.0, margin


STOPS = {1: (0, 4), 2: (4, 4), 3: (3, 0), 4: (0, 0)}
NO_WAY_EAST = {(0, 0), (0, 1), (1, 3), (1, 4), (2, 0), (2, 1)}


def taxi(x, y, fuel, passenger, destination, action):
    reward, over = -1, False
    to = {0: (x, y + 1), 1: (x + 1, y), 2: (x, y - 1), 3: (x - 1, y)}.get(action)
    if to is not None:
        wall = (action == 1 and (x, y) in NO_WAY_EAST) or (action == 3 and to in NO_WAY_EAST)
        if 0 <= to[0] <= 4 and 0 <= to[1] <= 4 and not wall:
            (x, y), fuel = to, max(fuel - 1, -1)
    elif action == 4:
        if STOPS.get(passenger) == (x, y):
            passenger = 5
        else:
            reward = -10
    elif action == 5:
        over = passenger == 5 and STOPS[destination] == (x, y)
        reward = 20 if over else -10
    elif (x, y) == (2, 1):
        fuel = 12
    if fuel < 0:
        reward, over = -20, True
    return (x, y, fuel, passenger, destination), reward, over


def blackjack(player, usable, shown, deck, words, action):
    """A step with scripted chance.

    Args:
        player: the sum.
        usable: 0 or 1.
        shown: the dealer's card, 2 to 11.
        deck: the ranks that are left.
        words: random words; of n cards, the one numbered word * n / 2**32 is drawn.
        action: 1 to hit.

    Returns:
        The sum, the usable ace, the dealer's sum, the reward and whether it is over.
    """
    deck, words = list(deck), list(words)

    def draw():
        rank = deck.pop(words.pop(0) * len(deck) >> 32)
        return 11 if rank == 1 else min(rank, 10)

    if action == 1:
        card = draw()
        player += card
        if player > 21:
            if usable != 1:
                return player, 0, shown, -1, True, deck
            player, usable = player - 10, int(card == 11)
        return player, usable, shown, 0, False, deck
    hidden = draw()
    dealer, ace = shown + hidden, 11 in (shown, hidden)
    if dealer > 21:
        dealer -= 10
    while dealer < 17:
        card = draw()
        dealer += card
        if dealer >= 17 and ace:
            dealer, ace = dealer - 10, card == 11
    reward = 1 if player > dealer or dealer > 21 else -1 if dealer > player else 0
    return player, usable, dealer, reward, True, deck


def catch(size, width, player, ball_x, ball_y, slope, action):
    """Columns and rows count from 1; `ball_x` has a fraction."""
    if action == 1:
        player = max(player - 1, 1)
    elif action == 2:
        player = min(player + 1, size - width + 1)
    ball_y, ball_x = ball_y + 1, ball_x + slope
    if ball_x >= size:
        ball_x, slope = size, -slope
    elif ball_x < 2 and slope < 0:
        ball_x, slope = 5 / 3, -slope
    over = ball_y == size
    reward = int(over and player <= ball_x <= player + width - 1)
    return player, ball_x, ball_y, slope, reward, over


def catch_screen(size, width, player, ball_x, ball_y, obscured):
    screen = np.zeros((size, size), np.uint8)
    screen[ball_y - 1, int(ball_x) - 1] = 255
    screen[size - 1, player - 1 : player - 1 + width] = 255
    if obscured:
        barrier = math.ceil(size / 4)
        screen[size - barrier - 1 : size - 1] = 0
    return screen


def _mask(shape):
    return np.array([[pixel == "#" for pixel in row] for row in shape])


def xo_world(row, column, crosses, circles, action):
    """Places count from 0; the lists of (row, column) are changed. Returns the player's place, reward and picture."""
    row = {2: max(row - 1, 0), 3: min(row + 1, 72)}.get(action, row)
    column = {0: max(column - 1, 0), 1: min(column + 1, 72)}.get(action, column)
    ours = np.zeros((84, 84), bool)
    ours[row + 1 : row + 11, column + 1 : column + 11] = True
    black = np.zeros((84, 84), bool)
    black[row : row + 12, column : column + 12] |= _mask(PLAYER)
    reward = 0
    for places, worth, shape in ((crosses, 10, CROSS), (circles, -10, CIRCLE)):
        struck = None
        for i, (r, c) in enumerate(places):
            if ours[r + 1 : r + 10, c + 1 : c + 10].any():
                struck, reward = i, worth
            else:
                black[r : r + 11, c : c + 11] |= _mask(shape)
        if struck is not None:
            del places[struck]
    return row, column, reward, np.where(black, 0, 255).astype(np.uint8)
