"""The tasks of rlenvs, a library for Torch7; their dynamics are its own."""
