"""False claims: each is made of honest submissions, and has the reason of its refusal."""

import dataclasses
import json
import struct

import numpy as np

from jaxenvs import scoreboard
from tests.scoreboard.honest import (
    columns,
    drifting,
    packing,
    played,
    rows,
    unpacked,
    with_actions,
)


def _pendulum():
    return played("Pendulum-v1", 2)


def _returns(change):
    def forged():
        honest = played("CartPole-v1")
        return columns(honest, episode_return=change(honest.episodes.episode_return.copy()))

    return forged


def _at(index, value):
    def change(values):
        values[index] = value
        return values

    return change


def _actions(change):
    def forged():
        actions = [array.copy() for array in unpacked(played("CartPole-v1"))]
        return with_actions(played("CartPole-v1"), change(actions))

    return forged


def _flip(episode, step):
    def change(actions):
        actions[episode][step] = 1 - actions[episode][step]
        return actions

    return change


def _longest_rows():
    return np.argsort(-played("CartPole-v1").episodes.length)


def _challenge(**changed):
    return lambda: dataclasses.replace(
        played("CartPole-v1"), challenge=dataclasses.replace(played("CartPole-v1").challenge, **changed)
    )


def _described(change):
    def forged():
        described = json.loads(json.dumps(played("CartPole-v1").environment))
        change(described)
        return dataclasses.replace(played("CartPole-v1"), environment=described)

    return forged


def _flags(terminated, truncated):
    count = len(played("CartPole-v1").episodes)
    return lambda: columns(
        played("CartPole-v1"), terminated=np.full(count, terminated), truncated=np.full(count, truncated)
    )


def _more_agents():
    honest = rows(played("CartPole-v1"), [0, 1, 2, 3, 4, 5] * 2)
    return columns(honest, agent=np.repeat([0, 1], 6).astype(np.int32))


def _mountain_car(action):
    """All actions the same, written by bits, so that they need not be in the space."""
    from jaxenvs.scoreboard.board import board_of

    count, steps = 6, 200
    episodes = scoreboard.Episodes(
        agent=np.zeros(count, np.int32),
        lane=np.zeros(count, np.int32),
        episode_return=np.full(count, -200.0),
        length=np.full(count, steps, np.int64),
        terminated=np.zeros(count, bool),
        truncated=np.ones(count, bool),
        seconds=np.zeros(count),
        actions=np.packbits(np.tile([action >> 1, action & 1], steps)).tobytes() * count,
    )
    return dataclasses.replace(
        played("CartPole-v1"),
        env_id="MountainCar-v0",
        environment=board_of("MountainCar-v0").description,
        challenge=scoreboard.public_challenge("MountainCar-v0", episodes=count),
        episodes=episodes,
        checkpoints=None,
    )


def _torque(value, step=100):
    def forged():
        actions = [array.copy() for array in unpacked(_pendulum())]
        actions[1][step] = value
        data = b"".join(packing(_pendulum()).pack(array, len(array)) for array in actions)
        return columns(_pendulum(), actions=data)

    return forged


DRIFT = 1e-5
"""How far floats of an honest submission may be off at each checkpoint: far more than rounding makes them."""


def _state(change):
    """A submission that needs its checkpoints, with other bytes in them."""

    def forged():
        drifted = drifting(_pendulum(), DRIFT)
        data = change(bytearray(drifted.checkpoints.states))
        return dataclasses.replace(drifted, checkpoints=dataclasses.replace(drifted.checkpoints, states=bytes(data)))

    return forged


def _float_at(position, value):
    def change(data):
        # The state of Pendulum in its time limit is four bytes of each of theta, theta_dot and elapsed.
        struct.pack_into("<f", data, position, value)
        return data

    return change


def _drifted(size):
    return lambda: drifting(_pendulum(), size)


def _better_claim():
    drifted = drifting(_pendulum(), DRIFT)
    return columns(drifted, episode_return=drifted.episodes.episode_return + 100)


def _bits_after_the_last_action():
    honest = played("CartPole-v1")
    assert honest.episodes.length[-1] % 8, "the last byte is full"
    actions = bytearray(honest.episodes.actions)
    actions[-1] |= 1
    return columns(honest, actions=bytes(actions))


CLAIM = {
    "a higher return": (_returns(_at(2, 500.0)), "Episode 2 claims return 500"),
    "a return higher by 1": (_returns(lambda values: values + 1), "claims return"),
    "a return higher by a hundredth": (
        _returns(_at(1, played("CartPole-v1").episodes.episode_return[1] + 0.01)),
        "Episode 1",
    ),
    "a lower return": (_returns(lambda values: values - 1), "claims return"),
    "a giant return": (_returns(_at(0, 1e300)), "claims return"),
    "the first action changed": (_actions(_flip(0, 0)), "Episode 0"),
    "an action in the middle changed": (_actions(_flip(2, 5)), "Episode 2"),
    "every action changed": (_actions(lambda actions: [1 - array for array in actions]), "another state"),
    "a step more": (_actions(lambda actions: [np.append(array, array[-1:]) for array in actions]), "it ends after"),
    "a step less": (_actions(lambda actions: [array[:-1] for array in actions]), "do not end it"),
    "episodes of others' actions": (_actions(lambda actions: actions[1:] + actions[:1]), "another state"),
    "the best actions for all keys": (
        lambda: rows(played("CartPole-v1"), np.resize(_longest_rows()[:1], 6)),
        "claims return",
    ),
    "truncated instead of terminated": (_flags(False, True), "terminated"),
    "both flags": (_flags(True, True), "terminated and truncated"),
    "neither flag": (_flags(False, False), "did not end"),
    "the worst episode dropped": (lambda: rows(played("CartPole-v1"), np.sort(_longest_rows()[:5])), "exactly 6"),
    "the worst episode replaced by the best": (
        lambda: rows(
            played("CartPole-v1"), np.where(np.arange(6) == _longest_rows()[-1], _longest_rows()[0], np.arange(6))
        ),
        "claims return",
    ),
    "the best episode twice": (lambda: rows(played("CartPole-v1"), [*range(6), _longest_rows()[0]]), "exactly 6"),
    "the order reversed": (lambda: rows(played("CartPole-v1"), np.arange(6)[::-1]), "claims return"),
    "the worst dropped from a challenge of fewer": (
        lambda: dataclasses.replace(
            rows(played("CartPole-v1"), np.arange(5)),
            challenge=dataclasses.replace(played("CartPole-v1").challenge, episodes=5),
        ),
        "this board set 6",
    ),
    "a second agent of the same episodes": (_more_agents, "claims return|Episode 6"),
    "agents in turns": (
        lambda: columns(rows(played("CartPole-v1"), [*range(6)] * 2), agent=np.tile([0, 1], 6).astype(np.int32)),
        "equal blocks",
    ),
    "an agent without episodes": (
        lambda: columns(played("CartPole-v1"), agent=np.array([0, 0, 0, 0, 0, 1], np.int32)),
        "exactly 6",
    ),
    "other words of the key": (_challenge(words=(1, 2)), "challenge"),
    "another seed": (
        lambda: dataclasses.replace(
            played("CartPole-v1"), challenge=scoreboard.public_challenge("CartPole-v1", 7, episodes=6)
        ),
        "challenge",
    ),
    "another seed by the name of the right one": (
        lambda: dataclasses.replace(
            played("CartPole-v1"),
            challenge=dataclasses.replace(scoreboard.public_challenge("CartPole-v1", 7, episodes=6), name="public:0"),
        ),
        "challenge",
    ),
    "a challenge of one's own": (
        lambda: dataclasses.replace(
            played("CartPole-v1"), challenge=scoreboard.secret_challenge(kind="server", episodes=6)
        ),
        "challenge",
    ),
    "a challenge of more episodes": (_challenge(episodes=7), "this board set 6"),
    "the log of another environment": (
        lambda: dataclasses.replace(played("CartPole-v1"), env_id="bsuite/CartPole-v0"),
        "The id is",
    ),
    "the log of another environment, described as the right one": (
        lambda: dataclasses.replace(
            _mountain_car(2),
            env_id="CartPole-v1",
            challenge=played("CartPole-v1").challenge,
            environment=played("CartPole-v1").environment,
        ),
        "bytes",
    ),
    "an unknown environment": (
        lambda: dataclasses.replace(played("CartPole-v1"), env_id="CartPole-v99"),
        "no environment",
    ),
    "less gravity": (
        _described(lambda d: d["fields"].update(gravity={"array": [1.6], "dtype": "float32", "shape": []})),
        "gravity",
    ),
    "a field that does not exist": (_described(lambda d: d["fields"].update(cheat=True)), "no field 'cheat'"),
    "no fields": (_described(lambda d: d.pop("fields")), "fields"),
    "fields that are a list": (_described(lambda d: d.update(fields=[1])), "fields"),
    "an empty environment": (_described(lambda d: d.clear()), "The id is None"),
    "another class": (_described(lambda d: d.update({"class": "os:system"})), "class"),
    "another action space": (_described(lambda d: d.update(action_space="Discrete(3)")), "action space"),
    "no time limit": (_described(lambda d: d.update(wrappers=[])), "wrappers"),
    "a longer time limit": (
        _described(lambda d: d["wrappers"][0]["fields"].update(max_episode_steps=5000)),
        "max_episode_steps",
    ),
    "a wrapper more": (_described(lambda d: d["wrappers"].append(d["wrappers"][0])), "wrappers"),
    "another wrapper of that name": (
        _described(lambda d: d["wrappers"][0].update({"class": "evil:TimeLimit"})),
        "another one",
    ),
    "wrappers that are a number": (_described(lambda d: d.update(wrappers=7)), "wrappers"),
    "a wrapper that is a number": (_described(lambda d: d.update(wrappers=[7])), "wrappers"),
    "too few bytes of actions": (
        lambda: columns(played("CartPole-v1"), actions=played("CartPole-v1").episodes.actions[:-1]),
        "bytes",
    ),
    "too many bytes of actions": (
        lambda: columns(played("CartPole-v1"), actions=played("CartPole-v1").episodes.actions + b"\0"),
        "bytes",
    ),
    "bits after the last action": (_bits_after_the_last_action, "bits after its last action"),
    "states that were made up, beside what is true": (
        lambda: dataclasses.replace(
            played("CartPole-v1"),
            checkpoints=dataclasses.replace(
                played("CartPole-v1").checkpoints, states=bytes(len(played("CartPole-v1").checkpoints.states))
            ),
        ),
        "another state than its checkpoint",
    ),
    "no actions at all": (lambda: columns(played("CartPole-v1"), actions=b""), "bytes"),
    "an action outside the space": (lambda: _mountain_car(3), "outside the action space"),
    "a claim for doing nothing": (lambda: columns(_mountain_car(1), episode_return=np.full(6, -90.0)), "claims return"),
    "an episode longer than the limit": (
        lambda: with_actions(played("CartPole-v1"), [np.zeros(501, np.int32)] * 6),
        "no episode of CartPole-v1 has more than 500",
    ),
    "a torque that is NaN": (_torque(np.nan), "outside the action space"),
    "an infinite torque": (_torque(np.inf), "outside the action space"),
    "a torque beyond the bounds": (_torque(2.5), "outside the action space"),
    "another torque": (_torque(0.0), "Episode 1"),
    "checkpoints that leap": (_state(_float_at(12 * 5, 0.0)), "another state"),
    "checkpoints of NaN": (_state(_float_at(12 * 5, np.nan)), "another state"),
    "checkpoints of infinity": (_state(_float_at(12 * 30, np.inf)), "another state"),
    "checkpoints of another clock": (_state(_float_at(12 * 5 + 8, 0.0)), "another state"),
    "checkpoints that drift too far": (_drifted(1e-2), "another state"),
    "checkpoints that drift slowly": (_drifted(9e-5), "are off by"),
    "too few checkpoints": (_state(lambda data: data[:-12]), "checkpoints"),
    "too many checkpoints": (_state(lambda data: data + bytes(12)), "checkpoints"),
    "half a checkpoint": (_state(lambda data: data[:-1]), "checkpoints"),
    "a higher return beside good checkpoints": (_better_claim, "the return is"),
}
"""Submissions that are well formed and do not do what they claim, or break a rule."""
