"""Gymnasium: environments behind its interfaces, and its functional ones (`from_functional`) as ours."""
