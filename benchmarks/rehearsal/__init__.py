"""Rehearsal: everything worth knowing about the package on an accelerator, in one command of under eight minutes.

    bash benchmarks/rehearsal/start.sh OUT          # with the wheels that `wheels.py` collected
    python -m benchmarks.rehearsal --out OUT        # where everything is installed already
    python -m benchmarks.rehearsal --out OUT --small  # the same with small sizes, on any processor

It writes `OUT/rehearsal.json` and `OUT/rehearsal.log`. Copy the JSON of an accelerator to `results.json` in this
folder, and write the page on it with `python -m benchmarks.rehearsal.page`.
"""
