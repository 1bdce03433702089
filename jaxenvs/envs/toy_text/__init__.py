"""Toy text: small tabular problems."""
