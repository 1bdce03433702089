"""Error messages for attributes that an environment does not have, and for incomplete classes."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from jaxenvs.errors import AttributeNotFound, InvalidEnv, did_you_mean

_HABITS = {
    "unwrapped": "`jaxenvs.unwrap(env)` is the environment under all wrappers",
    "spec": "an environment does not know the id by which it was made: `jaxenvs.spec(id)` describes an id",
    "close": "an environment is a value and keeps nothing open, so there is nothing to close",
    "seed": "randomness comes from the key of `env.reset(jaxenvs.random.key(seed))`",
    "np_random": "randomness comes from the key of `env.reset(jaxenvs.random.key(seed))`",
    "num_envs": "an environment is a single one, and `jax.vmap(env.reset)(keys)` begins as many as there are keys",
    "single_observation_space": "it is `env.observation_space`, whether stepped alone or under `jax.vmap`",
    "single_action_space": "it is `env.action_space`, whether stepped alone or under `jax.vmap`",
    "render_mode": "`env.render(state)` draws any state as an array",
    "metadata": "`env.render(state)` draws any state, and `env.frames_per_second` says how fast to show them",
    "default_params": "parameters are fields of the environment: `env.replace(gravity=1.6)` makes another one",
    "num_actions": "it is `env.action_space.n` if actions are discrete",
    "state": "the state is not kept in the environment: `state, timestep = env.reset(key)`",
    "name": "an environment does not know its id: its class is `type(jaxenvs.unwrap(env))`, and `jaxenvs list` has ids",
    "id": "an environment does not know the id by which it was made: `jaxenvs.spec(id)` describes an id",
    "params": "parameters are fields of the environment: `jaxenvs.unwrap(env).replace(gravity=1.6)` makes another one",
    "sys": "parameters are fields of the environment: `jaxenvs.unwrap(env).replace(...)` makes another one",
    "action_spec": "it is `env.action_space`, a property",
    "observation_spec": "it is `env.observation_space`, a property",
    "action_size": "it is `env.action_space.shape[0]` if actions are a `Box`, and `env.action_space.n` if discrete",
    "observation_size": "it is `env.observation_space.shape[0]` if observations are a `Box`",
    "observation_shape": "it is `env.observation_space.shape`",
    "obs_shape": "it is `env.observation_space.shape`",
    "init": "it is `state, timestep = env.reset(key)`",
    "reset_env": "it is `env.reset(key)`, which resets nothing by itself later; `AutoReset` does",
    "step_env": "it is `env.step(state, action)`, which does not reset; `AutoReset` does",
    "get_obs": "it is `env.observe(state)` where `env.can_observe`, and `timestep.observation` always",
    "get_observation": "it is `env.observe(state)` where `env.can_observe`, and `timestep.observation` always",
    "legal_action_mask": "it is in `timestep.info` or in the state, where the task has one",
    "action_masks": "it is in `timestep.info` or in the state, where the task has one",
    "current_player": "it is in the state: `state.position.player` in games for two",
}
"""Attributes of other libraries, and what jaxenvs has in their place."""

_HABITS_OF_PARTS = {
    "seed": ("sample", "randomness comes from the key of `space.sample(key)`, with `key = jaxenvs.random.key(seed)`"),
    "learn": ("train", "`state, metrics = learner.train(env, key)` trains for `total_steps` steps"),
    "predict": ("policy", "`policy = learner.policy(env, state.agent)`, and then `action = policy(observation, key)`"),
    "obs": ("final_observation", "it is `timestep.observation`"),
    "shape": ("to_rgb", "`canvas.to_rgb()` is the picture, an array"),
    "last": ("done", "`timestep.done` is true if the episode is over"),
    "step_type": ("done", "`timestep.done` is true if the episode is over"),
    "first": ("done", "`reset` returns the first timestep, and `AutoReset` begins an episode where `timestep.done`"),
    "extras": ("final_observation", "it is `timestep.info`"),
    "metrics": ("final_observation", "it is `timestep.info`"),
    "num_values": ("n", "it is `space.n`"),
    "minimum": ("low", "it is `space.low`"),
    "maximum": ("high", "it is `space.high`"),
    "generate_value": ("sample", "`space.sample(key)` draws an element"),
    "is_bounded": ("low", "`jnp.isfinite(space.low)` and `jnp.isfinite(space.high)` say which entries have bounds"),
    "bounded_below": ("low", "`jnp.isfinite(space.low)` says which entries have a lower bound"),
    "bounded_above": ("high", "`jnp.isfinite(space.high)` says which entries have an upper bound"),
    "to_jsonable": ("to_gymnasium", "`space.to_gymnasium()` is the space of Gymnasium, which converts to JSON"),
    "from_jsonable": ("to_gymnasium", "`space.to_gymnasium()` is the space of Gymnasium, which converts from JSON"),
    "feature_space": ("stack", "it is `space.space`"),
}
"""The same for spaces, learners and timesteps: with a field or a method by which the object is recognised."""

_OF_TIMESTEP = {"obs": "observation", "observations": "observation", "metrics": "info", "rewards": "reward"}
"""Fields of the states of other libraries that are in the timestep here, under another name."""

_OF_ARRAYS = {"shape", "dtype", "ndim", "size", "astype", "reshape", "flatten", "mean", "min", "max", "sum", "at", "T"}
"""Attributes of arrays, which a state is asked for if it is taken for the observation."""

_TO_WRITE = {
    "observation_space": "a property that returns a space, such as `jaxenvs.spaces.Box(low, high)`",
    "action_space": "a property that returns a space, such as `jaxenvs.spaces.Discrete(2)`",
    "reset": "`def reset(self, key):` that returns `state, jaxenvs.restart(observation)`",
    "step": (
        "`def step(self, state, action):` that returns `state, jaxenvs.transition(observation, reward, terminated)`"
    ),
    "compute_reward": "`def compute_reward(self, achieved_goal, desired_goal, info):` that returns a float32",
    "compute_terminated": "with the same arguments, that returns a bool",
    "compute_truncated": "the same, and False unless a step can be stopped from outside the task",
    "inner_state": "derive from `StatelessWrapper` or `StatefulWrapper`, which do",
}


_CALLS = {"reset": ("key",), "step": ("state", "action"), "render": ("state",), "observe": ("state",)}
"""The arguments of the methods of an environment, after the environment itself."""


def check_class(cls: type[Any]) -> None:
    """Raises `InvalidEnv` for a constructor of the class's own, methods with other arguments, or spaces as fields."""
    if "__init__" in vars(cls):
        raise InvalidEnv(
            f"{cls.__name__} defines `__init__`, but an environment is a frozen dataclass, whose fields are its"
            " constructor's arguments. Declare them in the class: `gravity: ArrayLike = 9.8` for a number,"
            " `size: int = jaxenvs.static(default=5)` for what decides a shape; compute what follows from them in"
            " properties, check them in `check_fields`, and keep what changes from step to step in the state."
        )
    for name, arguments in _CALLS.items():
        method = vars(cls).get(name)
        if inspect.isfunction(method):
            _check_arguments(cls, name, method, arguments)
    for name in ("observation_space", "action_space"):
        if inspect.isfunction(vars(cls).get(name)):
            raise InvalidEnv(f"`{cls.__name__}.{name}` is a property: write `@property` above `def {name}(self):`.")
        if name in inspect.get_annotations(cls):
            raise InvalidEnv(
                f"`{cls.__name__}.{name}` is a property and not a field. Write `@property`, `def {name}(self):`,"
                f" `return {'Box(-1.0, 1.0, (3,))' if name == 'observation_space' else 'Discrete(2)'}`."
            )


def _check_arguments(cls: type[Any], name: str, method: Any, arguments: tuple[str, ...]) -> None:
    """Raises `InvalidEnv` if a method cannot be called with `arguments`."""
    signature = inspect.signature(method)
    try:
        signature.bind(None, *arguments)
    except TypeError:
        held = {
            "reset": "Randomness comes from the key, and parameters are fields of the environment.",
            "step": "The state holds the keys that are needed, and parameters are fields of the environment.",
        }.get(name, "An environment does not keep its state.")
        raise InvalidEnv(
            f"`{cls.__name__}.{name}` takes {signature}, and is called as `env.{name}({', '.join(arguments)})`. {held}"
            f" Write `def {name}(self, {', '.join(arguments)}):`."
        ) from None


def what_is_missing(cls: type[Any]) -> str:
    """Describes what an abstract class lacks to be an environment, and how to write it."""
    missing = sorted(cls.__abstractmethods__, key=[*_TO_WRITE, *sorted(cls.__abstractmethods__)].index)
    known = {**_TO_WRITE}
    if "env" in cls.__dataclass_fields__:
        for kind in ("observation", "action"):
            known[f"{kind}_space"] = f"a property, `return self.env.{kind}_space` if the wrapper does not change it"
    for kind in ("observation", "action", "reward"):
        name = f"transform_{kind}"
        renamed = f", the name that jaxenvs has for `{kind}`" if inspect.isfunction(vars(cls).get(kind)) else ""
        known[name] = f"`def {name}(self, {kind}):`{renamed}"
    lines = [f"`{name}`" + (f" ({known[name]})" if name in known else "") for name in missing]
    return f"{cls.__name__} is abstract. It lacks {'; '.join(lines)}."


def raise_not_found(env: Any, name: str) -> NoReturn:
    """Raises `AttributeNotFound`, for `__getattr__`; says where the attribute is, or what to use instead."""
    if name.startswith("_"):
        raise AttributeError(f"{type(env).__name__!r} object has no attribute {name!r}")
    _check_is_no_field(env, name)
    if inspect.getattr_static(type(env), name, None) is not None:
        # It is a property that raised AttributeError: evaluate it once more to show that error.
        object.__getattribute__(env, name)
    raise AttributeNotFound(f"{type(env).__name__} has no attribute `{name}`{_place_of(env, name)}")


def raise_no_field(node: Any, name: str) -> NoReturn:
    """Raises `AttributeNotFound`, for `__getattr__` of what is not an environment: a state, a timestep, a space."""
    owner = type(node)
    if name.startswith("_"):
        raise AttributeError(f"{owner.__name__!r} object has no attribute {name!r}")
    _check_is_no_field(node, name)
    if inspect.getattr_static(owner, name, None) is not None:
        object.__getattribute__(node, name)  # a property that raised AttributeError: shows that error
    names = [field.name for field in dataclasses.fields(owner)]
    for inner, way in _states_inside(node):
        if name in {field.name for field in dataclasses.fields(inner)}:
            is_base = "inner" not in vars(inner)
            raise AttributeNotFound(
                f"{owner.__name__} has no attribute `{name}`; {type(inner).__name__}, a state inside it, has: write"
                f" `{way}.{name}`" + f", or `jaxenvs.unwrap_state(env, state).{name}`" * is_base + "."
            )
    known = {*names, *(known for known in dir(owner) if not known.startswith("_"))}
    recognised, habit = _HABITS_OF_PARTS.get(name, ("", ""))
    if recognised in known:
        raise AttributeNotFound(f"{owner.__name__} has no attribute `{name}`: {habit}.")
    if "final_observation" not in known and "sample" not in known and "train" not in known:
        timely = _OF_TIMESTEP.get(name, name)
        if timely in ("observation", "reward", "terminated", "truncated", "done", "info", "discount"):
            raise AttributeNotFound(
                f"{owner.__name__} has no attribute `{name}`. `reset` and `step` return a state and a timestep:"
                f" `state, timestep = env.step(state, action)`, then `timestep.{timely}`."
            )
        if name in _OF_ARRAYS:
            raise AttributeNotFound(
                f"{owner.__name__} has no attribute `{name}`, since it is not an array. Of an environment, `reset` and"
                " `step` return the state and then a timestep, which holds the observation: `timestep.observation`."
            )
    hint = f"{did_you_mean(name, sorted(known))} Its fields are: {', '.join(names) or 'none'}."
    raise AttributeNotFound(f"{owner.__name__} has no attribute `{name}`.{hint}")


def _check_is_no_field(node: Any, name: str) -> None:
    """Raises `AttributeNotFound` if the class has a field of that name, for which the object holds no value."""
    owner = type(node).__name__
    if name in type(node).__dataclass_fields__:
        raise AttributeNotFound(
            f"This {owner} holds no value for its field `{name}`. It was pickled by a version in which {owner} had"
            " other fields, or made without the constructor. Read it with that version, or make it again."
        )


def raise_not_a_pair(env: Any) -> NoReturn:
    """Raises TypeError for an environment that is unpacked as a pair of environment and parameters."""
    raise TypeError(
        f"{type(env).__name__} is one environment and cannot be taken apart: write `env = jaxenvs.make(...)`. Its"
        " parameters are fields of it: `jaxenvs.unwrap(env).replace(gravity=1.6)` has another one."
    )


def hint_within(cls: type[Any], values: Mapping[str, Any]) -> str:
    """A sentence on fields that the wrapped environment has and the wrapper does not, or an empty string.

    Args:
        cls: the wrapper's class.
        values: the keyword arguments of its constructor.
    """
    unknown = [name for name in values if name not in {field.name for field in dataclasses.fields(cls)}]
    for depth, inner in enumerate(_inside(values)):
        if unknown and unknown[0] in {field.name for field in dataclasses.fields(inner)}:
            changed = f"replace({unknown[0]}=...)"
            way = (
                f"`jaxenvs.rewrap(env, jaxenvs.unwrap(env).{changed})`"
                if _is_base(inner)
                else f"`env.replace(env={'.'.join(['env'] * (depth + 2))}.{changed})`"
            )
            return f" {type(inner).__name__}, {_relation(inner)}, has: write {way}."
    return ""


def hint_to_replace(node: Any, name: str) -> str:
    """A sentence on how to replace a field that `node` does not have, but an environment or state inside; or ""."""
    for inner, way in _states_inside(node):
        if name in {field.name for field in dataclasses.fields(inner)}:
            changed = f"{way}.replace({name}=...)"
            while "." in way:
                way = way.removesuffix(".inner")
                changed = f"{way}.replace(inner={changed})"
            return f" {type(inner).__name__}, a state inside it, has: `changed = {changed}`."
    return hint_within(type(node), {"env": vars(node).get("env"), name: None})


def _states_inside(node: Any) -> Iterator[tuple[Any, str]]:
    """The states inside that of a wrapper, the outermost first, and how each is reached from `state`."""
    inner, way = vars(node).get("inner"), "state.inner"
    while dataclasses.is_dataclass(inner) and not isinstance(inner, type):
        yield inner, way
        inner, way = vars(inner).get("inner"), f"{way}.inner"


def _place_of(env: Any, name: str) -> str:
    """The end of a sentence: where the attribute is, or what to use instead."""
    parts = list(_inside(vars(env)))
    for depth, inner in enumerate(parts):
        own = {field.name for field in dataclasses.fields(inner)}
        if name in own or inspect.getattr_static(type(inner), name, None) is not None:
            way = "jaxenvs.unwrap(env)" if _is_base(inner) else ".".join(["env"] * (depth + 2))
            text = f"; {type(inner).__name__}, {_relation(inner)}, has: write `{way}.{name}`."
            if name in own and _is_base(inner):
                text += f" `jaxenvs.rewrap(env, {way}.replace({name}=...))` is `env` with another one."
            return text
    if name in _HABITS:
        return f": {_HABITS[name]}."
    known = {known for part in (env, *parts) for known in dir(type(part)) if not known.startswith("_")}
    known |= {field.name for part in (env, *parts) for field in dataclasses.fields(part)}
    names = [f"`{field.name}`" for field in dataclasses.fields([env, *parts][-1])]
    return f".{did_you_mean(name, sorted(known))} Its parameters are {', '.join(names) or 'none'}."


def _inside(values: Mapping[str, Any]) -> Iterator[Any]:
    """The environments inside one whose fields are given, the outermost first."""
    inner = values.get("env")
    while dataclasses.is_dataclass(inner) and not isinstance(inner, type):
        yield inner
        inner = vars(inner).get("env")


def _is_base(env: Any) -> bool:
    return not dataclasses.is_dataclass(vars(env).get("env"))


def _relation(env: Any) -> str:
    return "the environment inside" if _is_base(env) else "a wrapper inside"
