"""The cost of AutoReset's methods, for resets of three costs: the table of docs/speed.md.

    taskset -c 0 python -m benchmarks.auto_reset_methods --json docs/figures/auto_reset_methods.json

The environment is CartPole-v1 with random actions, whose episodes last about 22 steps, so 4 lanes in 100
end in each step. A reset plays a number of steps before the agent takes over: none, 16 or 1,000. On a CPU,
processor time is measured, which other programs disturb less: on one core, it is the time that passes if no other
program runs.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import jaxenvs
from benchmarks.clocks import times_of
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.provenance import provenance
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.wrappers._reset_where import Method

RESETS = {"cheap": 0, "medium": 16, "costly": 1000}
METHODS: tuple[Method, ...] = ("select", "cond", "chunked")
BATCHES = (1, 64, 4096, 65536)


class WarmedUp(CartPole):
    """CartPole whose reset plays `warm_up` steps, of which nothing but a rounding remains."""

    warm_up: int = jaxenvs.static(default=0)

    def reset(self, key: Array) -> Any:
        """Resets, plays on, and starts from there, scaled back into the usual range."""
        state, timestep = CartPole.reset(self, key)
        if not self.warm_up:
            return state, timestep

        def play(_: int, state: Any) -> Any:
            return CartPole.step(self, state, (state.theta > 0).astype(jnp.int32))[0]

        state = jax.lax.fori_loop(0, self.warm_up, play, state)
        x, x_dot, theta, theta_dot = (0.05 * jnp.sin(v) for v in (state.x, state.x_dot, state.theta, state.theta_dot))
        state = state.replace(x=x, x_dot=x_dot, theta=theta, theta_dot=theta_dot, fallen=jnp.zeros((), bool))
        return state, timestep.replace(observation=self.observe(state), final_observation=self.observe(state))


def program(method: Method, warm_up: int, lanes: int, steps: int) -> Callable[[], Any]:
    """A compiled rollout; each call continues where the last one ended."""
    env = jaxenvs.TimeLimit(WarmedUp(warm_up=warm_up), max_episode_steps=500)
    env = jaxenvs.AutoReset(env, method=method)
    space = env.action_space

    def body(carry: Any, _: None) -> Any:
        state, key = carry
        key, action_key = jax.random.split(key)
        actions = jax.vmap(space.sample)(jax.random.split(action_key, lanes))
        state, timestep = jax.vmap(env.step)(state, actions)
        return (state, key), (timestep.observation, timestep.reward, timestep.done)

    key = jaxenvs.random.key(0)
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(key, lanes))
    carry = state, key
    compiled = jax.jit(lambda carry: jax.lax.scan(body, carry, None, length=steps)).lower(carry).compile()

    def advance() -> Any:
        nonlocal carry
        carry, outputs = compiled(carry)
        return jax.block_until_ready(outputs)

    return advance


def measure(warm_up: int, lanes: int, repeats: int) -> dict[str, float]:
    """Nanoseconds per step of one lane for each method: the median over turns. On a CPU, they are processor time."""
    on_cpu = jax.default_backend() == "cpu"
    steps = max(4, min(400, 2**20 // (lanes * max(1, warm_up))))
    programs = {method: program(method, warm_up, lanes, steps) for method in METHODS}
    taken: dict[str, list[float]] = {method: [] for method in METHODS}
    for advance in programs.values():
        advance()
    for _ in range(repeats):
        for method, advance in programs.items():
            times = times_of(advance)
            taken[method].append((times.spent if on_cpu else times.passed) / (steps * lanes) * 1e9)
    return {method: statistics.median(each) for method, each in taken.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures, and writes them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    add_report_options(parser)
    options = parser.parse_args(arguments)
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), JAX {jax.__version__}: ns per step of one lane\n")
    rows: list[dict[str, Any]] = []
    for name, warm_up in RESETS.items():
        for lanes in BATCHES:
            figures = {
                method: float(f"{value:.3g}") for method, value in measure(warm_up, lanes, options.repeats).items()
            }
            rows.append({"reset": name, "lanes": lanes, **figures})
            print(rows[-1], flush=True)
    origin = provenance(
        "python -m benchmarks.auto_reset_methods", devices=[f"{device.device_kind} ({device.platform})"]
    )
    unit = "ns of processor time per step of one lane" if device.platform == "cpu" else "ns per step of one lane"
    write_report(options, {**origin, "unit": unit, "rows": rows})


if __name__ == "__main__":
    main()
