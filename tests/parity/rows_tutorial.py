"""The references of the tutorials' ids."""

from tests.parity.row import Row

ROWS = [
    Row(
        "HeartPole-v0",
        "heartpole 1.2, transitions recorded in heart_pole_of_heartpole_1_2.json",
        2e-5,
        "exponentials in float32; Ballmer's peak is steep: an ulp of the intoxication counts 2,000-fold",
    ),
    Row("HeartPole-v1", "HeartPole-v0 in the actions they share; the walk is our own", 2e-5, "as HeartPole-v0"),
]
