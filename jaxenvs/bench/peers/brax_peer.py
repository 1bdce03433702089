"""brax: its own auto-reset wrapper, which replays the first start of each environment, under scan."""

from __future__ import annotations  # for the older Pythons of older packages

from typing import Any

PACKAGES = ("brax.envs",)


def prepare(task: str, num_envs: int, steps: int | None, **options: Any) -> dict[str, Any]:
    """A scan of the batched `step`, with actions drawn uniformly on the device at every step."""
    import jax
    from brax import envs  # pyright: ignore[reportMissingImports]  # its interpreter has it
    from jax_scan import prepared_scan  # pyright: ignore[reportMissingImports]  # beside this file

    steps = steps or 200
    env = envs.create(task, batch_size=num_envs, **options)
    key, reset_key = jax.random.split(jax.random.key(0))
    carry = jax.jit(env.reset)(reset_key), key

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        state, key = carry
        key, action_key = jax.random.split(key)
        actions = jax.random.uniform(action_key, (num_envs, env.action_size), minval=-1, maxval=1)
        state = env.step(state, actions)
        return (state, key), (state.obs, state.reward, state.done)

    return prepared_scan(step, carry, steps)
