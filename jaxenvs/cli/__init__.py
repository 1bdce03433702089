"""The `jaxenvs` command: one file per subcommand, each a thin face of library functions."""
