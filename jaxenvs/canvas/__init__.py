"""Jittable drawing: shapes, tiles and text, on the accelerator."""
