"""The miscellaneous environments of gymnax: rooms, mazes, bandits, and small tasks of motion."""
