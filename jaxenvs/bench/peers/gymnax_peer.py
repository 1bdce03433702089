"""gymnax: its own `step` with its own auto-reset, under vmap and scan."""

from __future__ import annotations  # for the older Pythons of older packages

from typing import Any

PACKAGES = ("gymnax",)


def prepare(
    task: str, num_envs: int, steps: int | None, *, max_steps_in_episode: int | None = None, **options: Any
) -> dict[str, Any]:
    """A scan of `jax.vmap(env.step)`, with actions drawn on the device at every step.

    All actions of a step are drawn at once, from one key, like those of a policy. That is a quarter faster on the CPU
    than `vmap` of the action space's `sample`.

    Args:
        task: the id.
        num_envs: number of environments stepped at once.
        steps: steps per call; None for 200.
        max_steps_in_episode: the time limit in place of gymnax's own, or None for that.
        **options: further arguments of `gymnax.make`.
    """
    import gymnax  # pyright: ignore[reportMissingImports]  # its interpreter has it
    import jax
    from jax_scan import prepared_scan  # pyright: ignore[reportMissingImports]  # beside this file

    steps = steps or 200
    env, params = gymnax.make(task, **options)
    if max_steps_in_episode is not None:
        params = params.replace(max_steps_in_episode=max_steps_in_episode)
    key, reset_key = jax.random.split(jax.random.key(0))
    _, states = jax.jit(jax.vmap(env.reset, in_axes=(0, None)))(jax.random.split(reset_key, num_envs), params)

    space = env.action_space(params)

    def draw(key: Any) -> Any:
        if hasattr(space, "n"):
            return jax.random.randint(key, (num_envs,), 0, space.n)
        return jax.random.uniform(key, (num_envs, *space.shape), minval=space.low, maxval=space.high)

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        states, key = carry
        key, action_key, step_key = jax.random.split(key, 3)
        actions = draw(action_key)
        step_keys = jax.random.split(step_key, num_envs)
        observations, states, rewards, terminated, truncated, _ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            step_keys, states, actions, params
        )
        return (states, key), (observations, rewards, terminated | truncated)

    return prepared_scan(step, (states, key), steps)
