"""The episodes of a run, played again step by step."""

import jax
import numpy as np
import pyarrow.parquet

from jaxenvs.monitor import Replayer, read_episodes
from jaxenvs.monitor.recording.action_packing import ActionPacking
from jaxenvs.monitor.run_folder.key_words import key_from_words

_reset = jax.jit(lambda env, key: env.reset(key))
_step = jax.jit(lambda env, state, action: env.step(state, action))


def replays_of(run):
    """(writer, episode): the key and the packed actions."""
    table = pyarrow.parquet.read_table(run.path / "replays")
    return {
        (row["writer"], row["episode"]): (
            key_from_words(np.frombuffer(row["key"], "<u4"), row["key_implementation"]),
            row["actions"],
        )
        for row in table.to_pylist()
    }


def check_replays(run, env, *, least=1):
    """Plays every episode that has a replay in `env`, and compares each number; returns how many there were."""
    episodes, replays = read_episodes(run), replays_of(run)
    packing = ActionPacking(env.action_space)
    for (writer, number), (key, packed) in replays.items():
        (row,) = np.flatnonzero((episodes["writer"] == writer) & (episodes["episode"] == number))
        actions = packing.unpack(packed, int(episodes["length"][row]))
        state, _ = _reset(env, key)
        total = 0.0
        for index in range(episodes["length"][row]):
            state, timestep = _step(env, state, jax.tree.map(lambda x, i=index: x[i], actions))
            is_last = index == episodes["length"][row] - 1
            assert bool(timestep.done) == is_last
            total += float(timestep.reward)
        np.testing.assert_allclose(total, episodes["episode_return"][row], rtol=1e-6)
        assert bool(timestep.terminated) == episodes["terminated"][row]
        assert bool(timestep.truncated) == episodes["truncated"][row]
    assert len(replays) >= least
    return len(replays)


def check_replayer(run, count=3):
    """The package's own replay of the first episodes finds no difference either."""
    replayer = Replayer(run)
    for writer, number in sorted(replays_of(run))[:count]:
        assert replayer.play(number, writer).differences == ()
