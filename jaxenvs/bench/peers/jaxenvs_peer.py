"""jaxenvs itself, measured through the same protocol as its peers."""

import atexit
import importlib
import math
import os
import tempfile
from typing import Any

PACKAGES = ("jaxenvs",)

_MAX_BYTES = {"cpu": 2**22, "accelerator": 2**28}
"""The default number of observations per call, about as many as a learner takes at a time. On a CPU they stay in its
caches; with more observations, the benchmark would measure the memory."""


def prepare(
    task: str, num_envs: int, steps: int | None, *, maker: str | None = None, fused: bool = False, **fields: Any
) -> dict[str, Any]:
    """A scan of `jax.vmap(env.step)` under AutoReset, with actions drawn on the device at every step.

    Actions of a bounded Box are drawn at once, from one key, like those of a policy; other spaces draw one by one.

    Args:
        task: the id.
        num_envs: number of environments stepped at once.
        steps: steps per call; None for as many as suit the size of observations.
        maker: `"module:function"` that makes the environment of an id, if not `jaxenvs.make`.
        fused: whether a batch steps in one kernel, `jaxenvs.fuse`.
        **fields: further arguments of it.
    """
    import jax
    import jax.numpy as jnp
    from jax_scan import prepared_scan  # pyright: ignore[reportMissingImports]  # beside this file

    from jaxenvs.random import key as make_key
    from jaxenvs.spaces import Box
    from jaxenvs.wrappers import AutoReset

    module, _, function = (maker or "jaxenvs:make").partition(":")
    env = AutoReset(getattr(importlib.import_module(module), function)(task, **fields))
    if fused:
        from jaxenvs.fusion import fuse

        # A compile time that was read from a cache would be meaningless.
        folder = tempfile.TemporaryDirectory()
        atexit.register(folder.cleanup)
        os.environ["JAXENVS_CACHE"] = folder.name
        env = fuse(env)
    key, reset_key = jax.random.split(make_key(0))
    states, first = jax.jit(jax.vmap(env.reset))(jax.random.split(reset_key, num_envs))
    if steps is None:
        leaves = jax.tree.leaves(first.observation)
        size = sum(math.prod(x.shape) * jnp.dtype(x.dtype).itemsize for x in leaves)
        limit = _MAX_BYTES["cpu" if jax.default_backend() == "cpu" else "accelerator"]
        steps = max(1, min(1000, limit // max(1, size)))

    space = env.action_space
    is_bounded = isinstance(space, Box) and bool(jnp.isfinite(jnp.asarray(space.high) - jnp.asarray(space.low)).all())

    def draw(key: Any) -> Any:
        if isinstance(space, Box) and is_bounded and space.dtype == jnp.float32:
            return jax.random.uniform(key, (num_envs, *space.shape), jnp.float32, space.low, space.high)
        return jax.vmap(space.sample)(jax.random.split(key, num_envs))

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        states, key = carry
        key, action_key = jax.random.split(key)
        actions = draw(action_key)
        states, timesteps = jax.vmap(env.step)(states, actions)
        return (states, key), (timesteps.observation, timesteps.reward, timesteps.done)

    return prepared_scan(step, (states, key), steps)
