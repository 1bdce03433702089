"""Algorithms to be found from examples: read a tape, write what it stands for."""
