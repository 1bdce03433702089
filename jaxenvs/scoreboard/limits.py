"""What a submission may take, so that reading one is bounded in memory and time."""

MIB = 2**20

MOST_ARCHIVE = 64 * MIB
"""Bytes of an archive."""

MOST_EPISODES = 1_000_000
MOST_AGENTS = 100
MOST_LANES = 2**20
MOST_LENGTH = 2**31 - 1
MOST_EVERY = 10_000
"""Steps between two checkpoints."""

MOST_NAME = 100
"""Characters of an algorithm's name."""
MOST_WRITE_UP = 100_000
"""Characters of a write-up."""
MOST_LINK = 500
"""Characters of a link."""
MOST_MACHINE = 10_000
"""Characters of what is said of the machine, as JSON."""
MOST_SECONDS = 1e9
"""Seconds since the start of a run, which are 32 years."""
MOST_DEPTH = 20
"""Nested objects and lists in the description of an environment."""

MEMBERS: dict[str, int] = {
    "submission.json": 2 * MIB,
    "episodes.bin": 64 * MIB,
    "actions.bin": 128 * MIB,
    "checkpoints.bin": 128 * MIB,
    "policy.bin": 32 * MIB,
    "video.mp4": 32 * MIB,
}
"""The files of an archive, and how many bytes each may have when it is unpacked."""
