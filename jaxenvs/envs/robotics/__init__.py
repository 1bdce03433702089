"""Manipulation tasks with goals: the Fetch robot of gymnasium-robotics."""
