"""Environments in a browser: play them, and watch training runs."""
