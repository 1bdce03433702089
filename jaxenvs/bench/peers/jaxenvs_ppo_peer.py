"""jaxenvs' PPO, measured through the same protocol as its peers."""

import functools
import time
from typing import Any

PACKAGES = ("jaxenvs", "jaxenvs.training")


def prepare(task: str, num_envs: int, steps: int, **settings: Any) -> dict[str, Any]:
    """A whole training of `steps` steps of each environment; each call starts again with another seed."""
    from compiled_training import prepared_training  # pyright: ignore[reportMissingImports]  # beside this file

    from jaxenvs.random import key as make_key
    from jaxenvs.registration import make
    from jaxenvs.training import PPO

    env, learner = make(task), PPO(total_steps=num_envs * steps, num_envs=num_envs, anneal=False, **settings)
    return prepared_training(lambda key: learner.train(env, key), make_key(0), steps)


def learn(task: str, threshold: float, seed: int) -> dict[str, Any]:
    """Learns with the preset's settings until the threshold is reached."""
    import jax
    from learning_loop import learn_until  # pyright: ignore[reportMissingImports]  # beside this file

    from jaxenvs.random import key as make_key

    init, run, test, learner, piece, compile_seconds = _programs(task)
    train_key, test_key = jax.random.split(make_key(seed))
    state: Any = None

    def train() -> int:
        nonlocal state
        state = jax.block_until_ready(run(init(train_key) if state is None else state))
        return piece

    def mean_return() -> float:
        return float(test(state.agent, jax.random.fold_in(test_key, state.updates)))

    answer = learn_until(threshold, learner.num_updates * learner.steps_per_update, train, mean_return)
    return {**answer, "compile_seconds": compile_seconds}


@functools.cache
def _programs(task: str) -> Any:
    """Compiled, once for all seeds: a fresh state, a piece of training, and a test."""
    import jax
    from learning_loop import TEST_EPISODES, updates_between_tests  # pyright: ignore[reportMissingImports]

    from jaxenvs.random import key as make_key
    from jaxenvs.registration import make
    from jaxenvs.rollouts import evaluate
    from jaxenvs.training import preset

    env, learner = make(task), preset(task, "ppo")
    updates = updates_between_tests(learner.steps_per_update)
    key = make_key(0)
    started = time.perf_counter()
    init = jax.jit(lambda key: learner.init(env, key)).lower(key).compile()
    state = init(key)
    run = jax.jit(lambda state: learner.run(env, state, updates)[0]).lower(state).compile()
    compile_seconds = time.perf_counter() - started

    def test(agent: Any, key: Any) -> Any:
        return evaluate(env, learner.policy(env, agent), key, num_episodes=TEST_EPISODES).returns.mean()

    return init, run, test, learner, updates * learner.steps_per_update, compile_seconds
