"""Subject: an environment under test, what is declared about it, and the programs that the checks share."""

import dataclasses
from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.random import key
from jaxenvs.testing.endings import OptionalReset
from jaxenvs.testing.rollouts import Policy, Rollout, rollout
from jaxenvs.testing.surroundings import watched
from jaxenvs.testing.trees import Leaf, describe, take
from jaxenvs.wrappers import AutoReset, TimeLimit

_FEW_STEPS, _FEW_LANES = 4, 2


class Fault(Exception):
    """A failure that a check found; `Check` turns it into a `ConformanceError`.

    Attributes:
        seen: what was observed, as a clause.
        remedy: what to do about it, as a sentence.
    """

    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(f"{seen} {remedy}")
        self.seen, self.remedy = seen, remedy


@dataclasses.dataclass(frozen=True)
class Signature:
    """The types that one call returned.

    Attributes:
        result: the name of the returned value's type, or `"pair"`.
        timestep_type: the type of the second part.
        structure: the tree structure of (state, timestep).
        state: the state's leaves by path.
        timestep: the timestep's leaves by path.
        inputs_kept: whether the containers and leaves passed in were left unchanged.
        info: the keys of `timestep.info` in order, or the name of its type.
        changed: what the call changed that is none of its arguments, in words.
    """

    result: str
    timestep_type: str
    structure: Any
    state: dict[str, Leaf]
    timestep: dict[str, Leaf]
    inputs_kept: bool
    info: tuple[Any, ...] | str
    changed: tuple[str, ...] = ()

    @property
    def leaves(self) -> dict[str, Leaf]:
        """All leaves by path."""
        return {**self.state, **self.timestep}


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """An environment under test.

    Make one and pass it to each check in turn: it keeps the compiled programs and their results.

    Attributes:
        env: the environment.
        random: whether different keys lead to different trajectories.
        reaches: which of `"terminated"` and `"truncated"` an episode can end with. By default
            termination, and truncation if there is a `TimeLimit`.
        policy: `policy(observation, key) -> action`, to reach an end that random actions do not.
        eager: whether to run `reset` and `step` outside `jit` as well; turn it off for a simulator that takes minutes
            that way.
        steps: length of the random rollouts.
        lanes: number of environments in them.
        seed: seed of all random numbers.
    """

    env: Env[Any, Any]
    random: bool = True
    reaches: Iterable[str] | None = None
    policy: Policy | None = None
    eager: bool = True
    steps: int = 1000
    lanes: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.env, Env):
            raise TypeError(
                f"check_env takes an instance of jaxenvs.Env, got {self.env!r}. Write `check_env(MyEnv())`."
            )
        unknown = set(self.reaches or ()) - {"terminated", "truncated"}
        if isinstance(self.reaches, str) or unknown:
            raise ValueError(f'`reaches` takes a set of "terminated" and "truncated", got {self.reaches!r}.')

    @property
    def name(self) -> str:
        """The class of the base environment."""
        return type(unwrap(self.env)).__name__

    @property
    def ends(self) -> frozenset[str]:
        """The ends that must be reached."""
        if self.reaches is not None:
            return frozenset(self.reaches)
        limited = any(isinstance(wrapper, TimeLimit) for wrapper in wrappers_of(self.env))
        return frozenset({"terminated", "truncated"} if limited else {"terminated"})

    @property
    def resetting(self) -> Env[Any, Any]:
        """The environment in AutoReset, unless it already contains one."""
        if any(isinstance(wrapper, AutoReset) for wrapper in wrappers_of(self.env)):
            return self.env
        return AutoReset(env=self.env)

    def keys(self, stream: int, count: int | None = None) -> Array:
        """Keys of one of the streams that the checks draw from: (count,), or a scalar."""
        stream_key = jax.random.fold_in(key(self.seed), stream)
        return stream_key if count is None else jax.random.split(stream_key, count)

    @cached_property
    def reset_signature(self) -> Signature:
        """The types that `reset` returns, from a trace without execution."""
        return self._reset_trace[0]

    @cached_property
    def step_signature(self) -> Signature:
        """The types that `step` returns for a state from `reset`."""
        return _trace(self.env, self.env.step, self.state_shape, self.action)[0]

    @cached_property
    def state_shape(self) -> Any:
        """The state with a `jax.ShapeDtypeStruct` for each leaf."""
        return self._reset_trace[1]

    @cached_property
    def _reset_trace(self) -> tuple[Signature, Any]:
        return _trace(self.env, self.env.reset, self.keys(0))

    @cached_property
    def action(self) -> Any:
        """A sampled action."""
        return self.sample(self.keys(1))

    @cached_property
    def sample(self) -> Any:
        """Jitted `sample(key)` of the action space."""
        return jax.jit(lambda k: self.env.action_space.sample(k))

    @cached_property
    def traces(self) -> list[str]:
        """One entry for each trace of `reset` or `step` of this subject."""
        return []

    @cached_property
    def reset(self) -> Any:
        """Jitted `reset(env, key)`."""

        def counted_reset(env: Any, key: Array) -> Any:
            self.traces.append("reset")
            return env.reset(key)

        return jax.jit(counted_reset)

    @cached_property
    def step(self) -> Any:
        """Jitted `step(env, state, action)`."""

        def counted_step(env: Any, state: Any, action: Any) -> Any:
            self.traces.append("step")
            return env.step(state, action)

        return jax.jit(counted_step)

    @cached_property
    def after_reset(self) -> tuple[Any, Any]:
        """A concrete state and timestep from `reset`."""
        return self.reset(self.env, self.keys(0))

    @cached_property
    def few(self) -> tuple[Any, Any, Any, Any]:
        """Some transitions from one compiled scan of a vmapped step.

        Returns:
            The first states and timesteps, then states, actions and outcomes, where `outcomes[i]` is the (state,
            timestep) that `actions[i]` led to from `states[i]`; leading axes (steps, lanes).
        """

        def program(env: Any, keys: Array, action_keys: Array) -> Any:
            starts = jax.vmap(env.reset)(keys)
            actions = jax.vmap(jax.vmap(env.action_space.sample))(action_keys)

            def body(state: Any, action: Any) -> Any:
                outcome = jax.vmap(env.step)(state, action)
                return outcome[0], (state, outcome)

            _, (states, outcomes) = jax.lax.scan(body, starts[0], actions)
            return starts, states, actions, outcomes

        shape = _FEW_STEPS, _FEW_LANES
        action_keys = self.keys(3, _FEW_STEPS * _FEW_LANES).reshape(shape)
        return jax.jit(program)(self.env, self.keys(2, _FEW_LANES), action_keys)

    def each_of_few(self) -> list[tuple[Any, Any, Any]]:
        """The transitions of `few` one by one: (state, action, outcome)."""
        _, states, actions, outcomes = self.few
        places = [(i, j) for i in range(_FEW_STEPS) for j in range(_FEW_LANES)]
        return [(take(states, *at), take(actions, *at), take(outcomes, *at)) for at in places]

    @cached_property
    def _rollout(self) -> Any:
        return jax.jit(rollout, static_argnames=("steps", "same_actions", "policy"))

    @cached_property
    def auto_rollout(self) -> Rollout:
        """A rollout of random actions, with a new episode after each end."""
        return self.run_auto(4)

    def run_auto(self, stream: int, policy: Policy | None = None) -> Rollout:
        """The rollout with automatic resets, from the reset keys of `stream` and the same actions each time."""
        return self._run(stream, policy, resets=True)

    @cached_property
    def plain_rollout(self) -> Rollout:
        """A rollout of random actions that keeps stepping after the episode is over, unless `env` resets itself."""
        return self._run(4, None, resets=False)

    @property
    def ended_rollout(self) -> Rollout:
        """`plain_rollout`, or one with `policy` if no episode terminates in it."""
        if self.policy is None or np.asarray(self.plain_rollout.first_end.found).any():
            return self.plain_rollout
        return self._run(4, self.policy, resets=False)

    def _run(self, stream: int, policy: Policy | None, resets: bool) -> Rollout:
        # Whether lanes reset is data, so that both rollouts are one compiled program.
        env = self.resetting
        if env is not self.env:
            env = AutoReset(OptionalReset(self.env))
        same_actions = bool(env.action_space == unwrap(env).action_space)
        run = partial(self._rollout, steps=self.steps, same_actions=same_actions, policy=policy)
        keys = self.keys(stream, self.lanes), self.keys(5, self.lanes)
        return run(env, *keys, np.full(self.lanes, resets))


def _trace(env: Env[Any, Any], function: Any, *arguments: Any) -> tuple[Signature, Any]:
    """Traces a call and records what it returned, what it changed, and the shapes of the returned state."""
    seen: list[Signature] = []

    def probe(*arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        result = function(*arguments)
        leaves_after, structure_after = jax.tree.flatten(arguments)
        kept = structure == structure_after and all(a is b for a, b in zip(leaves, leaves_after, strict=True))
        if not (isinstance(result, tuple) and len(result) == 2):
            seen.append(Signature(type(result).__name__, "", None, {}, {}, kept, ""))
            return None
        state, timestep = result
        info = getattr(timestep, "info", None)
        kind = type(timestep)
        seen.append(
            Signature(
                result="pair",
                timestep_type="TimeStep" if isinstance(timestep, TimeStep) else kind.__name__,
                structure=jax.tree.structure(result),
                state=describe("state", state),
                timestep=describe("timestep", timestep),
                inputs_kept=kept,
                info=tuple(info) if isinstance(info, dict) else type(info).__name__,
            )
        )
        return state

    # A new function object each time, so that no earlier trace is reused.
    with watched(env) as changed:
        state = jax.eval_shape(lambda *arguments: probe(*arguments), *arguments)
    return dataclasses.replace(seen[0], changed=tuple(changed)), state
