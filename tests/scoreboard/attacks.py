"""Attacks on the scoreboard: each makes a forged archive of honest submissions, and names the reason of its refusal."""

import dataclasses
import functools
import io
import json
import pickle
import struct
import zipfile

import numpy as np

from jaxenvs import scoreboard
from tests.scoreboard.honest import (
    archive,
    columns,
    drifting,
    files,
    packing,
    played,
    rows,
    unpacked,
    with_actions,
    with_column,
    with_header,
)


def _cart_pole():
    return played("CartPole-v1")


def _pendulum():
    return played("Pendulum-v1", 2)


def _content(**changed):
    content = {**files(_cart_pole()), **changed}
    return {name: data for name, data in content.items() if data is not None}


@functools.cache
def bomb(mebibytes=130):
    """An archive of a few kilobytes that unpacks to many megabytes."""
    return archive(_content(**{"actions.bin": bytes(mebibytes * 2**20)}))


def _lying_bomb():
    """A file that says that it is small, and unpacks to 64 MiB."""
    data = bytearray(bomb(64))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            if struct.unpack_from("<L", data, at + offset)[0] == 64 * 2**20:
                struct.pack_into("<L", data, at + offset, 100)
    return bytes(data)


def _with_flag():
    data = bytearray(archive(_content(), zipfile.ZIP_STORED))
    data[6] |= 1
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def _broken_file():
    data = bytearray(archive(_content(), zipfile.ZIP_STORED))
    at = data.find(b'"env_id"')
    data[at + 1] ^= 0x20
    return bytes(data)


def _other_local_name():
    data = bytearray(archive(_content(), zipfile.ZIP_STORED))
    at = data.find(b"episodes.bin")
    data[at : at + 8] = b"agent.py"
    return bytes(data)


def _zip64():
    data = bytearray(archive(_content()))
    return bytes(data[:-22]) + b"PK\x06\x07" + bytes(16) + bytes(data[-22:])


def _npz():
    sink = io.BytesIO()
    np.savez_compressed(sink, actions=np.zeros(10**7, np.uint8))
    return sink.getvalue()


def _numpy_pickle():
    sink = io.BytesIO()
    np.save(sink, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return sink.getvalue()


def _same_name_twice():
    content = [*_content().items(), ("actions.bix", b"x")]
    return archive(content).replace(b"actions.bix", b"actions.bin")


READER = {
    "nothing": (lambda: b"", "not a ZIP"),
    "noise": (lambda: np.random.default_rng(0).bytes(5000), "not a ZIP"),
    "an archive cut in half": (lambda: archive(_content())[: len(archive(_content())) // 2], "not a ZIP"),
    "more bytes after the end": (lambda: archive(_content()) + b"more", "not a ZIP"),
    "more bytes before the start": (lambda: b"MZ" + archive(_content()), "not a ZIP"),
    "bytes between the start and the directory": (lambda: b"PK" + bytes(50) + archive(_content()), "files"),
    "a comment": (lambda: archive(_content(), comment=b"hello"), "not a ZIP"),
    "a ZIP64 archive": (_zip64, "not a ZIP"),
    "a pickle instead of an archive": (lambda: pickle.dumps({"a": 1}), "not a ZIP"),
    "an npz instead of an archive": (_npz, "does not belong"),
    "a file more": (lambda: archive(_content(**{"more.txt": b"x"})), "does not belong"),
    "a pickle in the archive": (lambda: archive(_content(**{"agent.pkl": pickle.dumps([1])})), "does not belong"),
    "an npz in the archive": (lambda: archive(_content(**{"episodes.npz": _npz()})), "does not belong"),
    "a path upwards": (lambda: archive(_content(**{"../../evil.py": b"x"})), "does not belong"),
    "a path from the root": (lambda: archive(_content(**{"/etc/passwd": b"x"})), "does not belong"),
    "a path of Windows": (lambda: archive(_content(**{"..\\evil.py": b"x"})), "does not belong"),
    "a folder": (lambda: archive(_content(**{"actions.bin/": b""})), "does not belong"),
    "a name with a zero byte": (lambda: archive(_content(**{"video.mp4.x": b"x"})).replace(b"mp4.x", b"mp4\0x"), "."),
    "a file twice": (_same_name_twice, "twice"),
    "no actions": (lambda: archive(_content(**{"actions.bin": None})), "lacks actions.bin"),
    "no columns": (lambda: archive(_content(**{"episodes.bin": None})), "lacks episodes.bin"),
    "no header": (lambda: archive(_content(**{"submission.json": None})), "lacks submission.json"),
    "a bomb": (bomb, "would unpack to"),
    "a bomb that lies": (_lying_bomb, "damaged|another size"),
    "ten thousand files": (lambda: archive({f"{i}": b"" for i in range(10_000)}), "10000 files"),
    "an encrypted file": (_with_flag, "encrypted"),
    "packed by bzip2": (lambda: archive(_content(), zipfile.ZIP_BZIP2), "packed in a way"),
    "packed by LZMA": (lambda: archive(_content(), zipfile.ZIP_LZMA), "packed in a way"),
    "a wrong checksum": (_broken_file, "damaged"),
    "another name in front of the data": (_other_local_name, "damaged"),
    "columns that are a pickle": (lambda: archive(_content(**{"episodes.bin": _numpy_pickle()})), "must have"),
    "a film that is a page": (lambda: archive(_content(**{"video.mp4": b"<html><script>"})), "not an MP4"),
}
"""Files that are no submissions."""


def _header(text=None, **changed):
    return lambda: with_header(_cart_pole(), text, **changed)


_DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
_WORDS = {"name": "public:0", "episodes": 6}

HEADER = {
    "no JSON": (_header(b"import os"), "not JSON"),
    "no UTF-8": (_header(b"\xff\xfe{}"), "not JSON"),
    "deep JSON": (_header(_DEEP), "not JSON"),
    "NaN in JSON": (_header(b'{"format": NaN}'), "not JSON"),
    "infinity in JSON": (_header(b'{"format": -Infinity}'), "not JSON"),
    "an entry twice": (_header(b'{"format": 1, "format": 2}'), "twice"),
    "a number of a million digits": (_header(b'{"format": ' + b"9" * 1_000_000 + b"}"), "not JSON"),
    "a list": (_header(b"[]"), "not written by jaxenvs"),
    "a module as an environment": (_header(env_id="os:system"), "without a module"),
    "a module before an id": (_header(env_id="this:CartPole-v1"), "without a module"),
    "another format": (_header(format="zip"), "not written by jaxenvs"),
    "a version to come": (_header(format_version=2), "format version 2"),
    "an entry less": (_header(lanes=...), "missing or unknown"),
    "an entry more": (_header(verified=True), "missing or unknown"),
    "a count that is a text": (_header(episodes="6"), "`episodes` must be"),
    "a count that is a bool": (_header(episodes=True), "`episodes` must be"),
    "a negative count": (_header(episodes=-1), "`episodes` must be"),
    "a giant count": (_header(episodes=10**12), "`episodes` must be"),
    "a count that does not fit": (_header(episodes=7), "must have"),
    "no episodes": (lambda: archive({**files(rows(_cart_pole(), [])), "actions.bin": b""}), "no episodes"),
    "an id that is a number": (_header(env_id=1), "`env_id` must be"),
    "a giant id": (_header(env_id="a" * 10_000), "`env_id` must be"),
    "an id with a header of HTTP": (_header(env_id="CartPole-v1\r\nSet-Cookie: a=b"), "cannot be shown"),
    "an unknown board": (_header(board="best"), "`board` must be"),
    "a board that is a list": (_header(board=["control"]), "`board` must be"),
    "an unknown mode": (_header(mode="best of"), "`mode` must be"),
    "an unknown kind": (_header(kind="verified"), "`kind` must be"),
    "no algorithm": (_header(algorithm=""), "`algorithm` must be"),
    "a blank algorithm": (_header(algorithm=" PPO"), "space"),
    "an algorithm that colours terminals": (_header(algorithm="\x1b[31mPPO"), "cannot be shown"),
    "an algorithm that turns the text round": (_header(algorithm="PPO\u202egnp"), "cannot be shown"),
    "half a character": (_header(algorithm="\ud800"), "cannot be shown"),
    "a giant algorithm": (_header(algorithm="P" * 101), "`algorithm` must be"),
    "a giant write-up": (_header(write_up="a" * 100_001), "`write_up` must be"),
    "a write-up with a zero": (_header(write_up="a\0b"), "cannot be shown"),
    "a write-up that is an object": (_header(write_up={}), "`write_up` must be"),
    "a script as a link": (_header(code="javascript:alert(1)"), "`code` must be"),
    "a file as a link": (_header(code="file:///etc/passwd"), "`code` must be"),
    "a link with quotes": (_header(code='https://a"onclick="alert(1)'), "`code` must be"),
    "a link over two lines": (_header(code="https://a\nhttps://b"), "cannot be shown"),
    "checkpoints without states": (_header(checkpoint_every=None), "`checkpoint_every`"),
    "checkpoints every 0 steps": (_header(checkpoint_every=0), "`checkpoint_every` must be"),
    "a policy for the control board": (lambda: archive(_content(**{"policy.bin": b"x"})), "policy.bin"),
    "the policy board without a policy": (_header(board="policy"), "policy.bin"),
    "an evaluation in lanes": (_header(lanes=2), "Only a training"),
    "no lanes": (_header(mode="training", lanes=0), "`lanes` must be"),
    "a challenge without words": (_header(challenge=_WORDS), "challenge"),
    "a challenge of floats": (_header(challenge={**_WORDS, "words": [0.5, 1]}), "words"),
    "a challenge of three words": (_header(challenge={**_WORDS, "words": [1, 2, 3]}), "words"),
    "a challenge of giant words": (_header(challenge={**_WORDS, "words": [2**32, 1]}), "words"),
    "a challenge of a strange name": (_header(challenge={**_WORDS, "words": [1, 1], "name": "../a"}), "called"),
    "a challenge of no episodes": (_header(challenge={**_WORDS, "words": [1, 1], "episodes": 0}), "at least 1"),
    "an environment that is a text": (_header(environment="CartPole-v1"), "`environment` must be"),
    "a deep environment": (_header(environment=json.loads('{"a":' * 50 + "1" + "}" * 50)), "too large"),
}
"""Headers that no submission has."""


def _column(name, values):
    return lambda: with_column(_cart_pole(), name, values)


COLUMN = {
    "a return that is NaN": (_column("episode_return", np.nan), "NaN"),
    "an infinite return": (_column("episode_return", np.inf), "infinite"),
    "seconds that are NaN": (_column("seconds", np.nan), "NaN"),
    "negative seconds": (_column("seconds", -1.0), "negative"),
    "episodes of no steps": (_column("length", 0), "between 1"),
    "episodes of negative length": (_column("length", -5), "between 1"),
    "endless episodes": (_column("length", 2**40), "between 1"),
    "long episodes without actions": (_column("length", 2**30), "more steps than"),
    "flags of 2": (_column("terminated", 2), "0 or 1"),
    "a negative agent": (_column("agent", -1), "`agent` must be"),
    "a millionth agent": (_column("agent", 10**6), "`agent` must be"),
    "lanes of an evaluation": (_column("lane", 1), "`lane` must be"),
    "columns in float32": (
        lambda: archive(_content(**{"episodes.bin": files(_cart_pole())["episodes.bin"][::2]})),
        "must have",
    ),
    "columns with bytes left": (
        lambda: archive(_content(**{"episodes.bin": files(_cart_pole())["episodes.bin"] + b"x"})),
        "must have",
    ),
}
"""Columns with values that no episode has."""


def _returns(change):
    def forged():
        honest = _cart_pole()
        return columns(honest, episode_return=change(honest.episodes.episode_return.copy()))

    return forged


def _at(index, value):
    def change(values):
        values[index] = value
        return values

    return change


def _actions(change):
    def forged():
        actions = [array.copy() for array in unpacked(_cart_pole())]
        return with_actions(_cart_pole(), change(actions))

    return forged


def _flip(episode, step):
    def change(actions):
        actions[episode][step] = 1 - actions[episode][step]
        return actions

    return change


def _longest_rows():
    return np.argsort(-_cart_pole().episodes.length)


def _challenge(**changed):
    return lambda: dataclasses.replace(_cart_pole(), challenge=dataclasses.replace(_cart_pole().challenge, **changed))


def _described(change):
    def forged():
        described = json.loads(json.dumps(_cart_pole().environment))
        change(described)
        return dataclasses.replace(_cart_pole(), environment=described)

    return forged


def _flags(terminated, truncated):
    count = len(_cart_pole().episodes)
    return lambda: columns(_cart_pole(), terminated=np.full(count, terminated), truncated=np.full(count, truncated))


def _more_agents():
    honest = rows(_cart_pole(), [0, 1, 2, 3, 4, 5] * 2)
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
        _cart_pole(),
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


CLAIM = {
    "a higher return": (_returns(_at(2, 500.0)), "Episode 2 claims return 500"),
    "a return higher by 1": (_returns(lambda values: values + 1), "claims return"),
    "a return higher by a hundredth": (_returns(_at(1, _cart_pole().episodes.episode_return[1] + 0.01)), "Episode 1"),
    "a lower return": (_returns(lambda values: values - 1), "claims return"),
    "a giant return": (_returns(_at(0, 1e300)), "claims return"),
    "the first action changed": (_actions(_flip(0, 0)), "Episode 0"),
    "an action in the middle changed": (_actions(_flip(2, 5)), "Episode 2"),
    "every action changed": (_actions(lambda actions: [1 - array for array in actions]), "another state"),
    "a step more": (_actions(lambda actions: [np.append(array, array[-1:]) for array in actions]), "it ends after"),
    "a step less": (_actions(lambda actions: [array[:-1] for array in actions]), "do not end it"),
    "episodes of others' actions": (_actions(lambda actions: actions[1:] + actions[:1]), "another state"),
    "the best actions for all keys": (
        lambda: rows(_cart_pole(), np.resize(_longest_rows()[:1], 6)),
        "claims return",
    ),
    "truncated instead of terminated": (_flags(False, True), "terminated"),
    "both flags": (_flags(True, True), "terminated and truncated"),
    "neither flag": (_flags(False, False), "did not end"),
    "the worst episode dropped": (lambda: rows(_cart_pole(), np.sort(_longest_rows()[:5])), "exactly 6"),
    "the worst episode replaced by the best": (
        lambda: rows(_cart_pole(), np.where(np.arange(6) == _longest_rows()[-1], _longest_rows()[0], np.arange(6))),
        "claims return",
    ),
    "the best episode twice": (lambda: rows(_cart_pole(), [*range(6), _longest_rows()[0]]), "exactly 6"),
    "the order reversed": (lambda: rows(_cart_pole(), np.arange(6)[::-1]), "claims return"),
    "the worst dropped from a challenge of fewer": (
        lambda: dataclasses.replace(
            rows(_cart_pole(), np.arange(5)), challenge=dataclasses.replace(_cart_pole().challenge, episodes=5)
        ),
        "this board set 6",
    ),
    "a second agent of the same episodes": (_more_agents, "claims return|Episode 6"),
    "agents in turns": (
        lambda: columns(rows(_cart_pole(), [*range(6)] * 2), agent=np.tile([0, 1], 6).astype(np.int32)),
        "equal blocks",
    ),
    "an agent without episodes": (
        lambda: columns(_cart_pole(), agent=np.array([0, 0, 0, 0, 0, 1], np.int32)),
        "exactly 6",
    ),
    "other words of the key": (_challenge(words=(1, 2)), "challenge"),
    "another seed": (
        lambda: dataclasses.replace(_cart_pole(), challenge=scoreboard.public_challenge("CartPole-v1", 7, episodes=6)),
        "challenge",
    ),
    "another seed by the name of the right one": (
        lambda: dataclasses.replace(
            _cart_pole(),
            challenge=dataclasses.replace(scoreboard.public_challenge("CartPole-v1", 7, episodes=6), name="public:0"),
        ),
        "challenge",
    ),
    "a challenge of one's own": (
        lambda: dataclasses.replace(_cart_pole(), challenge=scoreboard.secret_challenge(kind="server", episodes=6)),
        "challenge",
    ),
    "a challenge of more episodes": (_challenge(episodes=7), "this board set 6"),
    "the log of another environment": (
        lambda: dataclasses.replace(_cart_pole(), env_id="bsuite/CartPole-v0"),
        "The id is",
    ),
    "the log of another environment, described as the right one": (
        lambda: dataclasses.replace(
            _mountain_car(2),
            env_id="CartPole-v1",
            challenge=_cart_pole().challenge,
            environment=_cart_pole().environment,
        ),
        "bytes",
    ),
    "an unknown environment": (lambda: dataclasses.replace(_cart_pole(), env_id="CartPole-v99"), "no environment"),
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
        lambda: columns(_cart_pole(), actions=_cart_pole().episodes.actions[:-1]),
        "bytes",
    ),
    "too many bytes of actions": (
        lambda: columns(_cart_pole(), actions=_cart_pole().episodes.actions + b"\0"),
        "bytes",
    ),
    "no actions at all": (lambda: columns(_cart_pole(), actions=b""), "bytes"),
    "an action outside the space": (lambda: _mountain_car(3), "outside the action space"),
    "a claim for doing nothing": (lambda: columns(_mountain_car(1), episode_return=np.full(6, -90.0)), "claims return"),
    "an episode longer than the limit": (
        lambda: with_actions(_cart_pole(), [np.zeros(501, np.int32)] * 6),
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
