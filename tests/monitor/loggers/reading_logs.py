"""Reading logs back, with the readers that users have."""

import csv
import json

import pytest


def read_csv(path):
    with path.open(newline="") as file:
        return [{name: float(cell or "nan") for name, cell in row.items()} for row in csv.DictReader(file)]


def read_json_lines(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def read_tensorboard(folder):
    """(step, value) of each figure, as TensorBoard itself reads them."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed; it comes with the extra `tensorboard`",
    )
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    figures = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags["scalars"]}
    return figures, events
