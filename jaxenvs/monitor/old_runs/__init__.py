"""Runs that other libraries wrote: OpenAI Gym's, and monitor.csv."""
