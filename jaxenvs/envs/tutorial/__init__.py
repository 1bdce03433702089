"""Environments from tutorials on writing your own."""
