"""A generated world of blocks to dig in."""
