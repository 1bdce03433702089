"""Gymnasium: our environments behind its interfaces, and its functional environments (`from_functional`) as ours."""
