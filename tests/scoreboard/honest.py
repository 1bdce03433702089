"""Honest submissions, which the tests verify and then forge."""

import dataclasses
import functools
import io
import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from jaxenvs import monitor, scoreboard

EPISODES = 6
RULES = scoreboard.Rules(episodes=EPISODES)
AUTHOR = scoreboard.Author("Random", kind="hand-written", write_up="# Dice\nIt rolls dice.", code="https://example.org")


@functools.cache
def played(env_id="CartPole-v1", episodes=EPISODES):
    """Episodes of a random policy in answer to the public challenge."""
    challenge = scoreboard.public_challenge(env_id, episodes=episodes)
    policy = jaxenvs.RandomPolicy(jaxenvs.make(env_id).action_space)
    return scoreboard.play(env_id, policy, challenge, AUTHOR)


@functools.cache
def training(folder, lanes=3, steps=600):
    """A recorded loop of random actions in CartPole, packed."""
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    challenge = scoreboard.public_challenge("CartPole-v1", episodes=EPISODES)

    @jax.jit
    def loop(state, keys):
        def step(state, key):
            actions = jax.vmap(env.action_space.sample)(jax.random.split(key, lanes))
            state, timestep = jax.vmap(env.step)(state, actions)
            return state, (timestep, actions)

        return jax.lax.scan(step, state, keys)

    state, _ = jax.vmap(env.reset)(jax.random.split(challenge.key, lanes))
    with monitor.record(env, key=challenge.key, path=folder, start=state) as recorder:
        _, (timesteps, actions) = loop(state, jax.random.split(jax.random.key(0), steps))
        recorder.add(timesteps, actions)
    return scoreboard.pack(folder, AUTHOR, challenge=challenge)


def columns(submission, **changed):
    """The submission with other columns of its episodes."""
    return dataclasses.replace(submission, episodes=dataclasses.replace(submission.episodes, **changed))


def rows(submission, index):
    """The submission with these of its episodes, in this order; checkpoints are dropped."""
    index = np.asarray(index, np.int64)
    episodes, bits = submission.episodes, packing(submission).bits
    ends = np.cumsum(-(-episodes.length * bits // 8))
    parts = [
        episodes.actions[end - size : end]
        for end, size in zip(ends.tolist(), (-(-episodes.length * bits // 8)).tolist())
    ]
    kept = {
        field.name: getattr(episodes, field.name)[index]
        for field in dataclasses.fields(episodes)
        if field.name != "actions"
    }
    actions = b"".join(parts[i] for i in index.tolist())
    return dataclasses.replace(
        submission, episodes=dataclasses.replace(episodes, **kept, actions=actions), checkpoints=None
    )


def packing(submission):
    return monitor.ActionPacking(jaxenvs.make(submission.env_id).action_space)


def unpacked(submission):
    """The actions of each episode."""
    return [
        packing(submission).unpack(data, length)
        for data, length in zip(_split(submission), submission.episodes.length.tolist())
    ]


def _split(submission):
    sizes = (-(-submission.episodes.length * packing(submission).bits // 8)).tolist()
    ends = np.cumsum(sizes).tolist()
    return [submission.episodes.actions[end - size : end] for end, size in zip(ends, sizes)]


def with_actions(submission, actions):
    """The submission with other actions, and with their lengths."""
    data = b"".join(packing(submission).pack(array, len(array)) for array in actions)
    lengths = np.array([len(array) for array in actions], np.int64)
    return columns(submission, actions=data, length=lengths)


def files(submission):
    """The files of its archive by name."""
    with zipfile.ZipFile(io.BytesIO(submission.to_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(content, compression=zipfile.ZIP_DEFLATED, comment=b""):
    """An archive of files, pairs or a dict."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as made:
        for name, data in content.items() if isinstance(content, dict) else content:
            made.writestr(name, data)
        made.comment = comment
    return sink.getvalue()


def with_header(submission, text=None, **changed):
    """Its archive with other entries in the header; those that are `...` are left out."""
    content = files(submission)
    header = {**json.loads(content["submission.json"]), **changed}
    header = {name: value for name, value in header.items() if value is not ...}
    content["submission.json"] = json.dumps(header).encode() if text is None else text
    return archive(content)


def with_column(submission, name, values):
    """Its archive with other values in a column, whatever they are."""
    from jaxenvs.scoreboard.archive import COLUMNS

    content, count = files(submission), len(submission.episodes)
    begin, data = 0, bytearray(content["episodes.bin"])
    for other, dtype in COLUMNS.items():
        size = np.dtype(dtype).itemsize * count
        if other == name:
            data[begin : begin + size] = np.broadcast_to(np.asarray(values, dtype), (count,)).tobytes()
        begin += size
    content["episodes.bin"] = bytes(data)
    return archive(content)


def drifting(submission, size):
    """Pendulum as another machine would play it: at each checkpoint the floats differ by `size`."""
    from jaxenvs.scoreboard.board import board_of
    from jaxenvs.scoreboard.playback import Played, chunk_of
    from jaxenvs.scoreboard.program import EVERY, program_of
    from jaxenvs.scoreboard.segments import joined

    program, length = program_of(submission.env_id), submission.episodes.length
    assert board_of(submission.env_id).longest == length[0] == length[-1]
    actions, count = unpacked(submission), len(length)
    states, _ = program.reset(submission.challenge.key, np.resize(np.arange(count), program.lanes))
    saved, result = [], Played.nothing_yet(length)
    for begin in range(0, int(length[0]), EVERY):
        if begin:
            data = [x + x.dtype.type(size) if x.dtype.kind == "f" else x for x in program.data(states)]
            saved.append([x[:count] for x in data])
            states = program.states(data)
        steps = program.advance(states, chunk_of(actions, begin, program), EVERY)
        states = steps.states
        outputs = (x[:, :count] for x in (steps.rewards, steps.terminated, steps.truncated))
        result.add(np.arange(count), begin, length - begin, *outputs)
    leaves = [np.concatenate([np.stack([x[i] for x in leaf]) for i in range(count)]) for leaf in zip(*saved)]
    checkpoints = scoreboard.Checkpoints(EVERY, joined(leaves))
    changed = columns(submission, episode_return=result.returns)
    return dataclasses.replace(changed, checkpoints=checkpoints)


def push(observation, key):
    """A policy of CartPole that balances for a while."""
    del key
    return (observation[2] + 0.3 * observation[3] > 0).astype(jnp.int32)
