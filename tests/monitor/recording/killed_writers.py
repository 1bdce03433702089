"""Kills writers at random moments while readers read. Run as `killed_writers.py FOLDER KILLS`; it loads no JAX.

The folder is a run folder. Each writer is a process that is forked from this one, which has imported pyarrow but
started no threads.
"""

import importlib
import os
import random
import signal
import sys
import time
import types
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "jaxenvs"
for name, path in (("jaxenvs", PACKAGE), ("jaxenvs.monitor", PACKAGE / "monitor")):
    # The packages without their `__init__.py`, which loads JAX.
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(path)]

np = importlib.import_module("numpy")
manifest = importlib.import_module("jaxenvs.monitor.run_folder.manifest")
parts = importlib.import_module("jaxenvs.monitor.recording.parts")
records = importlib.import_module("jaxenvs.monitor.recording.records")
writing = importlib.import_module("jaxenvs.monitor.recording.episode_writer")
table = importlib.import_module("jaxenvs.monitor.recording.episode_table")
packed = importlib.import_module("jaxenvs.monitor.recording.packed_bytes")
assert "jax" not in sys.modules

BATCH = 3


def columns_of(numbers):
    """Columns that follow from the numbers of the episodes."""
    return {
        "episode_return": numbers * 0.5,
        "length": numbers + 1,
        "terminated": numbers % 2 == 0,
        "truncated": numbers % 2 == 1,
        "env_steps": numbers * 10,
    }


def replays_from(first):
    keys = np.arange(first, first + BATCH, dtype=np.uint32)[:, None].repeat(2, axis=1)
    return records.Replays(keys, "jaxenvs", packed.PackedBytes.of([str(first + i).encode() for i in range(BATCH)]))


def write(folder, name, acknowledge):
    """Adds and flushes until it is killed; after each flush, says how many episodes are safe."""
    writer = writing.EpisodeWriter(folder, writer=name, flush_seconds=1e9)
    os.write(acknowledge, f"{writer.episodes}\n".encode())
    while True:
        for _ in range(4):
            writer.add(columns_of(np.arange(BATCH) + writer.episodes), replays_from(writer.episodes))
        writer.flush()
        time.sleep(0.002)
        os.write(acknowledge, f"{writer.episodes}\n".encode())


def check(reader):
    """Reads everything; every record must be whole and right. Returns the number of episodes of each writer."""
    rows = reader.read(strict=True)
    counts = {}
    for name in np.unique(rows["writer"]):
        own = rows["writer"] == name
        episode = rows["episode"][own]
        assert (episode == np.arange(len(episode))).all(), episode
        for column, values in columns_of(episode).items():
            assert (rows[column][own] == values).all(), column
        counts[str(name)] = len(episode)
    return counts


def check_replays(folder, counts):
    """Every replay that is there is whole, is of an episode that is there, and is there once."""
    digest = manifest.environment_digest(manifest.read_manifest(folder))
    for name in counts:
        seen = []
        for part in parts.parts_in(folder / "replays", name):
            for row in parts.read_part(part.path, "replays", digest).to_pylist():
                assert row["actions"] == str(row["episode"]).encode()
                assert row["key"] == np.array([row["episode"]] * 2, "<u4").tobytes()
                seen.append(row["episode"])
        assert len(seen) == len(set(seen)) and set(seen) <= set(range(counts[name]))


def main(folder, kills):
    draw = random.Random(0)
    parts.pyarrow().set_cpu_count(1)
    flushing = reads = 0
    reader = table.EpisodeReader(folder)
    for _ in range(kills):
        name = f"writer{draw.randrange(4)}"  # those that were killed before are continued
        receive, acknowledge = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                write(folder, name, acknowledge)
            finally:
                os._exit(1)
        os.close(acknowledge)
        with os.fdopen(receive) as lines:
            seen = [lines.readline() for _ in range(1 + draw.randrange(3))]  # that it has begun, then its flushes
            assert all(seen), "the writer ended"
            deadline = time.perf_counter() + draw.uniform(0.0, 0.02)
            check(reader)
            reads += 1
            time.sleep(max(0.0, deadline - time.perf_counter()))
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
            safe = int("".join([*seen, lines.read()]).splitlines()[-1])
        found = check(reader).get(name, 0)
        assert safe <= found <= safe + 4 * BATCH, (safe, found)
        flushing += found > safe
    counts = check(table.EpisodeReader(folder))
    check_replays(folder, counts)
    print(kills, reads, flushing, sum(counts.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
