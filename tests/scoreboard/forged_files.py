"""Files that are no submissions: each is made of honest ones, and has the reason of its refusal."""

import functools
import io
import json
import pickle
import struct
import zipfile

import numpy as np

from tests.scoreboard.honest import (
    archive,
    files,
    played,
    rows,
    with_column,
    with_header,
)


def _content(**changed):
    content = {**files(played("CartPole-v1")), **changed}
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
    return lambda: with_header(played("CartPole-v1"), text, **changed)


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
    "no episodes": (lambda: archive({**files(rows(played("CartPole-v1"), [])), "actions.bin": b""}), "no episodes"),
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
    "an algorithm that cannot be seen": (_header(algorithm="\u3164"), "cannot be seen"),
    "an algorithm of dots that are none": (_header(algorithm="PPO\u28002"), "cannot be seen"),
    "an algorithm that covers other lines": (_header(algorithm="P" + "\u0301" * 60), "accents"),
    "a machine that turns the text round": (_header(machine={"\u202everified": "by all"}), "`machine`"),
    "a machine whose version colours terminals": (_header(machine={"versions": {"jax": "\x1b[31m"}}), "`machine`"),
    "a machine of ten thousand entries": (_header(machine={str(i): i for i in range(10_000)}), "`machine`"),
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
    return lambda: with_column(played("CartPole-v1"), name, values)


COLUMN = {
    "a return that is NaN": (_column("episode_return", np.nan), "NaN"),
    "an infinite return": (_column("episode_return", np.inf), "infinite"),
    "seconds that are NaN": (_column("seconds", np.nan), "NaN"),
    "seconds of more than the world has": (_column("seconds", 1e300), "1e\\+09"),
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
        lambda: archive(_content(**{"episodes.bin": files(played("CartPole-v1"))["episodes.bin"][::2]})),
        "must have",
    ),
    "columns with bytes left": (
        lambda: archive(_content(**{"episodes.bin": files(played("CartPole-v1"))["episodes.bin"] + b"x"})),
        "must have",
    ),
}
"""Columns with values that no episode has."""
