"""The contract: environments, timesteps and wrappers. Its errors, keys, spaces and host calls lie beside it."""
