"""Measures the results of learners, for `tests/learning_rates.json`.

    python -m tests.measure_learning --seeds 10 "ppo preset: CartPole-v1"

continues after the seeds that a row has. Empty its `returns` first if the learner or its settings have changed.
"""

import argparse
import importlib
import json
import time
import warnings

from tests.learning import FILE

MODULES = (
    "tests.training.test_presets",
    "tests.parity.test_gymnax",
    "tests.envs.rlenvs.test_play",
    "tests.adapters.stable_baselines3.test_learning",
)
"""Each has `LEARNS`: the mean return after training, a function of the seed, by the name of its row."""


def measure(wanted: list[str], seeds: int) -> None:
    """Trains with seeds 0 to `seeds` - 1, and writes down each as it is done; all rows if none is wanted."""
    learns = {name: f for module in MODULES for name, f in importlib.import_module(module).LEARNS.items()}
    for name in wanted or learns:
        for seed in range(len(json.loads(FILE.read_text())[name]["returns"]), seeds):
            began = time.process_time()
            reached = round(learns[name](seed), 3)
            print(f"{name}, seed {seed}: {reached} ({time.process_time() - began:.0f} s of processor time)", flush=True)
            rows = json.loads(FILE.read_text())
            rows[name]["returns"].append(reached)
            FILE.write_text(
                "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(row)}" for k, row in rows.items()) + "\n}\n"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measures what learners reach.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    measure(arguments.names, arguments.seeds)
