"""Stable-Baselines3: a batch of environments behind its `VecEnv` interface."""
