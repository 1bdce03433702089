"""Shared code of the adapters whose environments are stepped from the host, one call at a time."""
