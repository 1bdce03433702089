"""What the adapters share whose environments the host steps one call at a time."""
