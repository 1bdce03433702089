"""Frames, animations, learning curves and contact sheets."""
