"""Exchange between the device and the host: callbacks under jit and in a scan, and torch tensors."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.sizes import Sizes

LANES, STEPS = 8, 10
TOLERANCE = 1e-5


def main(sizes: Sizes, report: Report) -> None:
    """Runs each part; sizes are always the same, since the processor of the emulators is the bottleneck."""
    del sizes
    report.attempt("ALE/Pong-v5", callbacks, "ALE/Pong-v5")
    report.attempt("HalfCheetah-v5, C MuJoCo", lambda: callbacks("HalfCheetah-v5", engine="c"))
    report.attempt("a robot's picture", picture)
    report.attempt("torch", torch_shares_memory)


def callbacks(id: str, **fields: Any) -> dict[str, Any]:
    """Steps one by one under jit, and as one scan: both must give the same result, up to rounding in the programs."""
    env = jaxenvs.AutoReset(jaxenvs.make(id, **fields))
    reset, step = jax.jit(jax.vmap(env.reset)), jax.jit(jax.vmap(env.step))
    keys = jax.random.split(jaxenvs.random.key(0), LANES)
    actions = jax.vmap(env.action_space.sample)(jax.random.split(jaxenvs.random.key(1), LANES))
    started = time.perf_counter()
    state, timestep = reset(keys)
    rewards, observations = [], []
    for _ in range(STEPS):
        state, timestep = step(state, actions)
        rewards.append(np.asarray(timestep.reward))
        observations.append(np.asarray(timestep.observation))
    stepped = time.perf_counter()

    def play(keys: Any) -> Any:
        state, _ = jax.vmap(env.reset)(keys)

        def body(state: Any, _: None) -> Any:
            state, timestep = jax.vmap(env.step)(state, actions)
            return state, (timestep.reward, timestep.observation)

        return jax.lax.scan(body, state, None, length=STEPS)[1]

    scanned = jax.device_get(jax.jit(play)(keys))
    stepwise = np.stack(rewards), np.stack(observations)
    is_same = all(np.allclose(a, b, TOLERANCE, TOLERANCE) for a, b in zip(stepwise, scanned, strict=True))
    return {
        "ok": bool(is_same),
        "device": str(next(iter(timestep.reward.devices()))),
        "seconds": {"jitted": round(stepped - started, 2), "scanned": round(time.perf_counter() - stepped, 2)},
    }


def picture() -> dict[str, Any]:
    """A robot, drawn by MuJoCo on the host."""
    env = jaxenvs.make("InvertedPendulum-v5")
    state, _ = jax.jit(env.reset)(jaxenvs.random.key(0))
    pixels = np.asarray(env.render(state))
    return {"ok": bool(pixels.std() > 0), "shape": list(pixels.shape)}


def torch_shares_memory() -> dict[str, Any]:
    """Converts arrays to tensors on the same device and in the same memory, and back; and steps a batch with them."""
    import torch

    from jaxenvs.adapters import TorchVectorEnv, from_torch, to_torch

    array = jnp.arange(1024, dtype=jnp.float32) + 1
    tensor = to_torch(array)
    back = from_torch(tensor * 2)
    envs = TorchVectorEnv("CartPole-v1", 64)
    observation, _ = envs.reset(seed=0)
    action = torch.zeros(64, dtype=torch.int32, device=observation.device)
    for _ in range(STEPS):
        envs.step(action)
    observation, reward, *_ = envs.step(action)
    return {
        "ok": bool(
            tensor.data_ptr() == array.unsafe_buffer_pointer()
            and (back == 2 * array).all()
            and reward.sum().item() == 64
            and torch.isfinite(observation).all().item()
        ),
        "device": str(tensor.device),
        "jax": str(jax.devices()[0]),
    }
