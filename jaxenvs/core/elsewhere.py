"""Names of other libraries that people look for in the modules of jaxenvs, and what jaxenvs has in their place."""

from collections.abc import Iterable, Mapping

from jaxenvs.errors import did_you_mean

_BATCH = "a batch of environments is `jax.vmap(env.reset)(keys)` and `jax.vmap(env.step)(states, actions)`"
_IDS = "`jaxenvs.pprint_registry()` prints every id, and `list(jaxenvs.registry)` holds them"
_KEYS = "randomness comes from keys: `env.reset(jaxenvs.random.key(seed))`"
_STATISTICS = "it is `jaxenvs.wrappers.EpisodeStatistics`"
_VIDEO = (
    "`jaxenvs.monitor.write_animation` writes pictures of `env.render(state)` to a file, and"
    " `jaxenvs.monitor.VideoRecorder` records a training"
)

OF_PACKAGE: Mapping[str, str] = {
    **dict.fromkeys(("AlphaZero", "DQN", "PPO", "SAC", "preset"), "it is in `jaxenvs.training`"),
    **dict.fromkeys(("make_vec", "vector", "vmap", "VectorEnv", "SyncVectorEnv", "AsyncVectorEnv"), _BATCH),
    **dict.fromkeys(("list", "list_envs", "available_envs", "registered_envs", "registered_environments"), _IDS),
    **dict.fromkeys(("seed", "set_seed", "PRNGKey", "key"), _KEYS),
    "jit": "an environment is made of pure functions: `jax.jit(env.step)`",
    "check_env": "it is `jaxenvs.testing.check_env`",
    "envs": _IDS,
    "step": "`state, timestep = env.step(state, action)`, with `env = jaxenvs.make(id)`",
    "reset": "`state, timestep = env.reset(key)`, with `env = jaxenvs.make(id)`",
    "train": "`jaxenvs.training.PPO(...).train(env, key)` trains, and in the shell `jaxenvs train ID`",
    "RecordVideo": _VIDEO,
}
"""Names that are looked for in `jaxenvs`."""

OF_WRAPPERS: Mapping[str, str] = {
    **dict.fromkeys(("RecordEpisodeStatistics", "LogWrapper", "EvalWrapper"), _STATISTICS),
    **dict.fromkeys(("VmapWrapper", "VecEnv", "VectorEnv", "BatchEnv", "SyncVectorEnv", "AsyncVectorEnv"), _BATCH),
    **dict.fromkeys(
        ("Autoreset", "AutoResetWrapper", "VmapAutoResetWrapper", "OptimisticResetVecEnvWrapper"),
        "it is `jaxenvs.AutoReset`, stepped by `jax.vmap(env.step)`",
    ),
    **dict.fromkeys(("RecordVideo", "RenderCollection", "HumanRendering"), _VIDEO),
    **dict.fromkeys(
        ("PassiveEnvChecker", "OrderEnforcing"), "calls are checked always, and `jaxenvs.testing.check_env` checks more"
    ),
    "EpisodeWrapper": "`TimeLimit` ends episodes, and `RepeatAction` repeats actions",
    "ActionRepeat": "it is `RepeatAction`",
    "MaxAndSkipObservation": "ALE's environments take `frame_skip`; others have `RepeatAction`",
    "AtariPreprocessing": "ALE's environments take its settings as fields: `jaxenvs info ALE/Pong-v5` lists them",
    "FrameStackObservation": "it is `FrameStack`",
    "FlattenObservationWrapper": "it is `FlattenObservation`",
    "NormalizeVecObservation": "it is `NormalizeObservation`, whose `axis_name` shares statistics among lanes",
    "NormalizeVecReward": "it is `NormalizeReward`, whose `axis_name` shares statistics among lanes",
    "DomainRandomizationVmapWrapper": "it is `DomainRandomize`, stepped by `jax.vmap(env.step)`",
    "DtypeObservation": "`TransformObservation` applies any function",
    "ReshapeObservation": "`TransformObservation` applies any function",
    "GymnaxWrapper": "derive from `jaxenvs.StatelessWrapper` or `jaxenvs.StatefulWrapper`",
    "Wrapper": "it is `jaxenvs.Wrapper`",
}
"""Names that are looked for in `jaxenvs.wrappers`."""


def not_in_module(module: str, name: str, habits: Mapping[str, str], known: Iterable[str]) -> str:
    """The message for a name that a module does not have.

    Args:
        module: the module.
        name: what was looked for.
        habits: what there is in place of some names, as clauses.
        known: what the module has.
    """
    begin = f"module {module!r} has no attribute {name!r}"
    return f"{begin}: {habits[name]}." if name in habits else f"{begin}.{did_you_mean(name, known)}"
