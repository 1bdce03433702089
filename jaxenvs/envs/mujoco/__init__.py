"""Robots simulated by MuJoCo: Gymnasium's tasks, version 5."""
