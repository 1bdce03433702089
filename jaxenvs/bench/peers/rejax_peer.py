"""rejax's PPO on gymnax's environments."""

from __future__ import annotations  # for the older Pythons of older packages

import functools
import time
from typing import Any

PACKAGES = ("rejax", "gymnax")

PUBLISHED = {
    "CartPole-v1": {
        "agent_kwargs": {"activation": "tanh"},
        "num_envs": 5,
        "num_steps": 100,
        "num_epochs": 5,
        "num_minibatches": 5,
        "learning_rate": 0.00075,
        "max_grad_norm": 0.5,
        "total_timesteps": 100_000,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "clip_eps": 0.2,
        "ent_coef": 0.01,
        "vf_coef": 0.5,
    }
}
"""rejax's own settings: github.com/keraJLi/rejax, configs/gymnax/cartpole.yaml."""


def prepare(task: str, num_envs: int, steps: int, **settings: Any) -> dict[str, Any]:
    """A whole training of `steps` steps of each environment; each call starts again with another seed."""
    import jax
    from compiled_training import prepared_training  # pyright: ignore[reportMissingImports]  # beside this file

    algorithm = _algorithm(
        task,
        agent_kwargs={"hidden_layer_sizes": settings["hidden_sizes"], "activation": settings["activation"]},
        num_envs=num_envs,
        num_steps=settings["num_steps"],
        num_epochs=settings["num_epochs"],
        num_minibatches=settings["num_minibatches"],
        learning_rate=settings["learning_rate"],
        gamma=settings["gamma"],
        gae_lambda=settings["gae_lambda"],
        clip_eps=settings["clip"],
        vf_coef=settings["value_coefficient"],
        ent_coef=settings["entropy_coefficient"],
        max_grad_norm=settings["max_grad_norm"],
        total_timesteps=num_envs * steps,
    )
    return prepared_training(lambda key: algorithm.train(key)[0], jax.random.PRNGKey(0), steps)


def learn(task: str, threshold: float, seed: int) -> dict[str, Any]:
    """Learns with rejax's published settings until the threshold is reached."""
    import jax
    from learning_loop import learn_until  # pyright: ignore[reportMissingImports]  # beside this file

    init, run, test, piece, total, compile_seconds = _programs(task)
    train_key, test_key = jax.random.split(jax.random.PRNGKey(seed))
    state: Any = None

    def train() -> int:
        nonlocal state
        state = jax.block_until_ready(run(init(train_key) if state is None else state))
        return piece

    def mean_return() -> float:
        return float(test(state, jax.random.fold_in(test_key, state.global_step)))

    return {**learn_until(threshold, total, train, mean_return), "compile_seconds": compile_seconds}


@functools.cache
def _programs(task: str) -> Any:
    """Compiled, once for all seeds: a fresh state, a piece of training, and a test of the most likely actions."""
    import jax
    from learning_loop import TEST_EPISODES, updates_between_tests  # pyright: ignore[reportMissingImports]
    from rejax.evaluate import evaluate  # pyright: ignore[reportMissingImports]  # its interpreter has it

    algorithm = _algorithm(task, **PUBLISHED[task])
    updates = updates_between_tests(algorithm.num_envs * algorithm.num_steps)
    key = jax.random.PRNGKey(0)
    started = time.perf_counter()
    init = jax.jit(algorithm.init_state).lower(key).compile()
    state = init(key)
    loop = jax.jit(lambda state: jax.lax.fori_loop(0, updates, lambda _, s: algorithm.train_iteration(s), state))
    run = loop.lower(state).compile()
    compile_seconds = time.perf_counter() - started

    @jax.jit
    def test(state: Any, key: Any) -> Any:
        def act(observation: Any, _: Any) -> Any:
            choices = algorithm.actor.apply(state.actor_ts.params, observation[None], method="_action_dist")
            return choices.mode()[0]

        limit = algorithm.env_params.max_steps_in_episode
        return evaluate(act, key, algorithm.env, algorithm.env_params, TEST_EPISODES, limit)[1].mean()

    piece = updates * algorithm.num_envs * algorithm.num_steps
    return init, run, test, piece, algorithm.total_timesteps, compile_seconds


def _algorithm(task: str, **settings: Any) -> Any:
    """The PPO of rejax without its evaluations, so that it only trains."""
    import gymnax  # pyright: ignore[reportMissingImports]  # its interpreter has it
    import rejax  # pyright: ignore[reportMissingImports]

    env, params = gymnax.make(task)
    iteration = settings["num_envs"] * settings["num_steps"]
    algorithm = rejax.PPO.create(
        env=_FiveValues(env), env_params=params, eval_freq=iteration, skip_initial_evaluation=True, **settings
    )
    return algorithm.replace(eval_callback=lambda *_: ())


class _FiveValues:
    """Adapts an environment of gymnax 1.0, whose `step` returns six values, to rejax 0.1.3, which expects five."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self.default_params = env.default_params
        self.reset = env.reset
        self.action_space = env.action_space
        self.observation_space = env.observation_space

    def step(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        observation, state, reward, *ends, info = self._env.step(key, state, action, params)
        return observation, state, reward, functools.reduce(lambda a, b: a | b, ends), info
