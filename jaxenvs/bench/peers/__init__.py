"""The peers of the benchmark, one file each; `jaxenvs/bench/worker.py` says what such a file holds.

They are started by path, in whatever interpreter has the peer's package, and import nothing of jaxenvs
(but for the one that measures jaxenvs) and nothing of each other.
"""
