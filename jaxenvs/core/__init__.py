"""The contract: environments, spaces, keys and errors."""
