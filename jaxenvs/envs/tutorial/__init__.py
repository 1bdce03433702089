"""Environments of tutorials on writing one's own."""
