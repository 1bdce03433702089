"""Robots simulated by MuJoCo: the tasks of Gymnasium, version 5."""
