"""CHECKS and `check_env`: everything that is required of an environment."""

from collections.abc import Callable, Iterable
from typing import Any

from jaxenvs.core.env import Env
from jaxenvs.testing import behaviour, borders, goals, keys, purity, structure
from jaxenvs.testing.rollouts import Policy
from jaxenvs.testing.subject import Fault, Subject


class ConformanceError(AssertionError):
    """An environment failed a check.

    Attributes:
        check: name of the check.
        seen: what was observed.
        remedy: what to do about it.
    """

    def __init__(self, env: str, check: str, seen: str, remedy: str) -> None:
        super().__init__(f"{env} fails `{check}`: {seen}. {remedy}")
        self.check, self.seen, self.remedy = check, seen, remedy


class Check:
    """One requirement for environments; call it with an environment, or with a `Subject` to share work.

    Attributes:
        name: name of the check, such as `"no_weak_types"`.
        asks: what it requires, in a sentence.
    """

    def __init__(self, function: Callable[[Subject], None]) -> None:
        self.name = function.__name__
        self.asks = (function.__doc__ or "").strip()
        self._function = function

    def __repr__(self) -> str:
        return self.name

    def __call__(self, env: Env[Any, Any] | Subject) -> None:
        """Runs the check.

        Raises:
            ConformanceError: the environment fails the check.
        """
        subject = env if isinstance(env, Subject) else Subject(env)
        try:
            self._function(subject)
        except Fault as fault:
            raise ConformanceError(subject.name, self.name, fault.seen, fault.remedy) from fault.__cause__
        except Exception as error:
            seen = f"{type(error).__name__}: {str(error).strip()[:500].rstrip('.')}"
            remedy = next((advice for text, advice in _ADVICE.items() if text in seen), f"The check asks: {self.asks}")
            raise ConformanceError(subject.name, self.name, seen, remedy) from error


_ADVICE = {
    "IO effect not supported": (
        "Ask the host by `jax.pure_callback(..., vmap_method=...)`, and print by `jax.debug.print`: the order of"
        " `io_callback` has no meaning in a batch."
    ),
}
"""What to do about errors of JAX that more than one check may meet, by a part of their text."""

CHECKS: tuple[Check, ...] = tuple(
    Check(function)
    for function in (
        structure.pytree,
        structure.spaces,
        structure.timestep,
        structure.info,
        structure.same_types,
        structure.no_weak_types,
        purity.inputs_kept,
        purity.pure,
        purity.no_leaks,
        purity.one_trace,
        keys.keys_used_once,
        structure.episode_start,
        borders.bad_action_refused,
        borders.bad_key_refused,
        purity.same_key_same_trajectory,
        purity.all_transformations_agree,
        purity.steps_in_mapped_cond,
        structure.observes,
        goals.goals_judge_steps,
        purity.batch_of_parameters,
        structure.x64,
        borders.survives_pickle,
        borders.renders,
        purity.other_key_other_trajectory,
        behaviour.finite,
        behaviour.in_spaces,
        behaviour.rewards_in_range,
        behaviour.base_never_truncates,
        behaviour.base_never_resets,
        behaviour.ends_are_reached,
    )
)
"""All checks, the most basic first, so that the first to fail is the one to fix first."""


def check_env(
    env: Env[Any, Any],
    *,
    random: bool = True,
    reaches: Iterable[str] | None = None,
    policy: Policy | None = None,
    eager: bool = True,
    steps: int = 1000,
    lanes: int = 8,
    seed: int = 0,
) -> None:
    """Runs every check on an environment.

        >>> import jaxenvs, jaxenvs.testing
        >>> jaxenvs.testing.check_env(jaxenvs.make("CartPole-v1"))

    Args:
        env: the environment, with or without wrappers.
        random: whether different keys lead to different trajectories.
        reaches: which of `"terminated"` and `"truncated"` an episode can end with; by default
            termination, and truncation if there is a `TimeLimit`.
        policy: `policy(observation, key) -> action`, to reach an end that random actions do not.
        eager: whether to run `reset` and `step` outside `jit` as well; turn it off for a simulator that takes minutes
            that way.
        steps: length of the random rollouts.
        lanes: number of environments in them.
        seed: seed of all random numbers.

    Raises:
        ConformanceError: a check failed; it names the first one, what was observed, and the remedy.
    """
    subject = Subject(env, random, reaches, policy, eager, steps, lanes, seed)
    for check in CHECKS:
        check(subject)
