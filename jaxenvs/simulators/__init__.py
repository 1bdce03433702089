"""The simulators that environments run on, one room each."""
