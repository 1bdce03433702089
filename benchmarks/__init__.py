"""Programs that measure the package; they are not part of it."""
