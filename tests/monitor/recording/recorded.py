"""A small recorded run, as a user's jitted loop makes it."""

import operator

import jax
import numpy as np

import jaxenvs
from jaxenvs.monitor import EpisodeWriter, ReplayAssembler, Run, episode_keys


def play(env, keys, steps, policy):
    """Actions, rewards and both flags, (steps, lanes), of a compiled loop over lanes."""

    def step(carry, key):
        state, timestep = carry
        actions = jax.vmap(policy)(timestep.observation, jax.random.split(key, len(keys)))
        state, timestep = jax.vmap(env.step)(state, actions)
        return (state, timestep), (actions, timestep.reward, timestep.terminated, timestep.truncated)

    def loop(keys):
        return jax.lax.scan(step, jax.vmap(env.reset)(keys), jax.random.split(jaxenvs.random.key(9), steps))[1]

    return jax.device_get(jax.jit(loop)(keys))


def record(path, env, policy, *, lanes=4, steps=120, chunk=40, **options):
    """Records all episodes that end within some steps of `AutoReset(env)`."""
    looped = jaxenvs.AutoReset(env)
    key = jaxenvs.random.key(3)
    keys = jax.random.split(key, lanes)
    actions, rewards, terminated, truncated = play(looped, keys, steps, policy)
    run = Run.record(looped, key=key, seed=3, path=path)
    assembler = ReplayAssembler(env.action_space, lanes)
    returns = np.zeros(lanes, np.float32)
    with EpisodeWriter(run, **options) as writer:
        for begin in range(0, steps, chunk):
            part = slice(begin, begin + chunk)
            done = terminated[part] | truncated[part]
            totals = np.zeros(done.shape, np.float32)
            for step in range(len(done)):
                returns += rewards[begin + step]
                totals[step] = returns
                returns = np.where(done[step], np.float32(0), returns)
            finished = assembler.add(jax.tree.map(operator.itemgetter(part), actions), done)
            where = finished.step, finished.lane
            columns = {
                "episode_return": totals[where],
                "length": finished.length,
                "terminated": terminated[part][where],
                "truncated": truncated[part][where],
                "env_steps": (begin + finished.step + 1) * lanes,
                "lane": finished.lane,
            }
            words = episode_keys(keys, finished.lane, finished.number)
            writer.add(columns, finished.replays(words, "jaxenvs"))
            writer.flush()
    return run
