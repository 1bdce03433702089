"""Recording over eight devices, in a separate process."""

from pathlib import Path

import pytest

from tests.devices import run_tests


@pytest.mark.slow
def test_eight_devices_record_what_one_does():
    run_tests(Path(__file__).with_name("eight_devices.py"), devices=8, seconds=300)
