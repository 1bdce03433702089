"""pgx: its own `step` in its auto-reset, under vmap and scan."""

from __future__ import annotations  # for the older Pythons of older packages

from typing import Any

PACKAGES = ("pgx",)


def prepare(task: str, num_envs: int, steps: int | None, **options: Any) -> dict[str, Any]:
    """A scan of `jax.vmap(auto_reset(env.step, env.init))`, with random legal actions drawn on the device."""
    import jax
    import jax.numpy as jnp
    import pgx  # pyright: ignore[reportMissingImports]  # its interpreter has it
    from jax_scan import prepared_scan  # pyright: ignore[reportMissingImports]  # beside this file
    from pgx.experimental import auto_reset  # pyright: ignore[reportMissingImports]  # its interpreter has it

    steps = steps or 200
    env = pgx.make(task, **options)  # pyright: ignore[reportArgumentType]  # pgx lists its ids as literals
    step_each = jax.vmap(auto_reset(env.step, env.init))
    key, reset_key = jax.random.split(jax.random.PRNGKey(0))
    carry = jax.jit(jax.vmap(env.init))(jax.random.split(reset_key, num_envs)), key

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        states, key = carry
        key, action_key, step_key = jax.random.split(key, 3)
        actions = jax.random.categorical(action_key, jnp.where(states.legal_action_mask, 0.0, -jnp.inf))
        states = step_each(states, actions, jax.random.split(step_key, num_envs))
        return (states, key), (states.observation, states.rewards, states.terminated | states.truncated)

    return prepared_scan(step, carry, steps)
