"""The peers of the benchmark, one file each; `jaxenvs/bench/worker.py` describes the contents of such a file.

They are started by path, in an interpreter that has the peer's package, and import nothing from jaxenvs (except for the
files that measure jaxenvs).
"""
