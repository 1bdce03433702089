"""The modules of jaxenvs that need a library which no extra for users installs."""

NEIGHBOURS = {
    "jaxenvs.adapters.gymnax.env": "gymnax",
    "jaxenvs.adapters.gymnax.params": "gymnax",
    "jaxenvs.adapters.gymnax.spaces": "gymnax",
    "jaxenvs.adapters.gymnax.from_gymnax": "gymnax",
    "jaxenvs.adapters.brax": "brax",
    "jaxenvs.adapters.dm_environment": "dm_env",
    "jaxenvs.adapters.pgx": "pgx",
}
"""Module: the package that it needs."""
