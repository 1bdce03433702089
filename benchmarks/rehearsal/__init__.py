"""Rehearsal: all measurements of the package on an accelerator, in one command of less than eight minutes.

    bash benchmarks/rehearsal/start.sh OUT          # with the wheels collected by `wheels.py`
    python -m benchmarks.rehearsal --out OUT        # if everything is already installed
    python -m benchmarks.rehearsal --out OUT --small  # the same with small sizes, on any processor

It writes `OUT/rehearsal.json` and `OUT/rehearsal.log`. Copy the JSON from an accelerator to `results.json` in this
folder, and generate its page with `python -m benchmarks.rehearsal.page`.
"""
