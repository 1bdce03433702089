"""Rejected: what the parts of a verification raise."""


class Rejected(Exception):
    """A submission that did not do what it claims, or breaks a rule; the message is for its author."""
