"""Episodes as files: what records them, the files, and what reads and replays them."""
