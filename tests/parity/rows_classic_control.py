"""Rows of the parity table: classic control."""

from tests.parity.row import Row

_ROUNDING = "a few roundings of float32 (6e-8 each), where Gymnasium computes in float64"

ROWS = [
    Row("CartPole-v0", "gymnasium 1.4.0 CartPole-v0", 2e-6, _ROUNDING),
    Row("CartPole-v1", "gymnasium 1.4.0 CartPole-v1", 2e-6, _ROUNDING),
    Row("MountainCar-v0", "gymnasium 1.4.0 MountainCar-v0", 5e-7, _ROUNDING),
    Row("MountainCarContinuous-v0", "gymnasium 1.4.0 MountainCarContinuous-v0", 5e-7, _ROUNDING),
    Row(
        "Pendulum-v1",
        "gymnasium 1.4.0 Pendulum-v1",
        5e-6,
        _ROUNDING + "; the reward squares an angle reduced from tens of rad",
    ),
    Row(
        "Acrobot-v1",
        "gymnasium 1.4.0 Acrobot-v1",
        1e-4,
        _ROUNDING + "; four evaluations at up to 28 rad/s amplify them",
    ),
]
