"""Loops outside of `jit`."""

from functools import partial

import jax

compiled_once = partial(jax.jit, inline=True)
"""Decorates a function with a loop, so that callers who reset and step without `jit` do not wait for it each time.

Outside of a program, JAX compiles a loop at every call, because its body is a new function at every call. Within a
program, the decorator changes nothing.
"""
