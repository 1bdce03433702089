"""The run folder: its manifest, settings, progress and checkpoint."""
