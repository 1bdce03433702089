"""The references of the ids under `gymnax/`."""

from tests.parity.row import Row

_BOTH = "gymnax 1.0.1 {}-misc, and plain Python in float64 in _gymnax_reference.py"

ROWS = [
    Row("gymnax/FourRooms-v0", _BOTH.format("FourRooms"), 0.0, "integers throughout"),
    Row("gymnax/MetaMaze-v0", _BOTH.format("MetaMaze"), 1e-7, "integers, and time in float32 where normalised"),
    Row("gymnax/PointRobot-v0", _BOTH.format("PointRobot"), 1e-6, "a few roundings of float32"),
    Row("gymnax/BernoulliBandit-v0", _BOTH.format("BernoulliBandit"), 2e-7, "time is normalised in float32"),
    Row("gymnax/GaussianBandit-v0", _BOTH.format("GaussianBandit"), 2e-7, "time and noise are scaled in float32"),
    Row("gymnax/Reacher-v0", _BOTH.format("Reacher"), 1e-5, "angles of up to 60 rad are known to 4e-6 in float32"),
    Row("gymnax/Swimmer-v0", _BOTH.format("Swimmer"), 2e-6, "exponentials and a product of six factors in float32"),
    Row("gymnax/Pong-v0", _BOTH.format("Pong"), 0.0, "whole and half cells throughout"),
]
