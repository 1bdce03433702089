"""Learn algorithms from examples: read a tape and write the answer."""
