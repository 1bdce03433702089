"""GymnasiumVectorEnv: a batch of environments behind `gymnasium.vector.VectorEnv`."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from jaxenvs import errors
from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.attributes import Method
from jaxenvs.adapters._host_loop.batches import (
    check_values,
    from_gymnasium_batch,
    to_gymnasium_batch,
    to_info_batch,
    to_info_value,
)
from jaxenvs.adapters._host_loop.lanes import Lanes, Mode, SetAttr, lane_seeds
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters.gymnasium.env import check_render_mode, metadata_of, text_of
from jaxenvs.adapters.gymnasium.errors import ClosedEnvironment, EpisodeOver, InvalidAction, InvalidSeed, ResetNeeded
from jaxenvs.core.env import Env
from jaxenvs.core.trees import tree_at
from jaxenvs.errors import InvalidField

_MODES: dict[AutoresetMode, Mode] = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "disabled",
}


class GymnasiumVectorEnv(SetAttr, VectorEnv[Any, Any, np.ndarray]):
    """A batch of environments behind Gymnasium's vector interface: one device call per step, NumPy out.

        gymnasium.make_vec("jaxenvs/CartPole-v1", num_envs=256)
        GymnasiumVectorEnv(MyEnv(gravity=1.6), num_envs=256, autoreset_mode="SameStep")

    It does the same as `SyncVectorEnv` over `num_envs` instances of `GymnasiumEnv`, including infos and dtypes, in
    each of the three auto-reset modes: lane `i` of `reset(seed=s)` begins as `GymnasiumEnv.reset(seed=s + i)`.
    Each call returns fresh arrays, which belong to the caller.

    Attributes:
        metadata: `render_modes`, `render_fps` and `autoreset_mode`.
        autoreset_mode: when the next episode begins after one has ended.
        num_envs: number of environments.
        render_mode: "rgb_array", "ansi" or None. Gymnasium's vector `HumanRendering` shows a window.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as Gymnasium declares it; each instance has its own
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 30,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        env: str | Env[Any, Any],
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **fields: Any,
    ) -> None:
        """Makes the batch; nothing is compiled yet.

        Args:
            env: an id, which is made with its time limit; or an environment, which is used unchanged.
            num_envs: number of environments.
            max_episode_steps: replaces the id's time limit; -1 for none.
            autoreset_mode: when the next episode begins after one has ended: NEXT_STEP, SAME_STEP or
                DISABLED, or one of their values, such as "SameStep".
            render_mode: what `render` returns.
            **fields: values for fields of the environment; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `num_envs` or a mode is invalid, or fields or a time limit are given with an environment.
            WrapperOrderError: the environment resets itself.
        """
        name = type(self).__name__
        made = given_env(name, env, fields, max_episode_steps)
        self._lanes = Lanes(made, num_envs, name)
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        if render_mode == "human":
            raise InvalidField(
                f'{name} opens no window: use render_mode="rgb_array" and gymnasium.wrappers.vector.HumanRendering.'
            )
        self.render_mode = check_render_mode(made, render_mode)
        metadata = metadata_of(made)
        metadata["render_modes"] = [mode for mode in metadata["render_modes"] if mode != "human"]
        self.metadata = {**metadata, "autoreset_mode": self.autoreset_mode}
        self.num_envs = self._lanes.num_envs
        self._space, self._actions = made.observation_space, made.action_space
        self.single_observation_space = self._space.to_gymnasium()
        self.single_action_space = self._actions.to_gymnasium()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._over = np.zeros(self.num_envs, bool)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # as SyncVectorEnv
        """The seed of each environment's randomness; empty before the first reset."""
        return self._lanes.seeds

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in every environment, or in some of them.

        Args:
            seed: seed of environment 0; environment `i` gets `seed + i`. Or a sequence of one for each, with
                None to continue the current sequence.
            options: the task's reset options, for the episodes that begin; and `"reset_mask"`, (num_envs,)
                bool, the environments to reset.

        Returns:
            Observations of all environments, and infos of those that were reset.

        Raises:
            ValueError: the number of seeds is wrong, or the mask has the wrong shape or contains no True.
            TypeError: the mask is not a NumPy array of bool.
            InvalidField: a name resembles that of an option, or the option cannot take the value.
        """
        self._check_open()
        options = dict(options or {})
        mask = self._checked_mask(options.pop("reset_mask")) if "reset_mask" in options else None
        output = self._lanes.reset(self._checked_seeds(seed), options, mask)
        if isinstance(seed, int | np.integer):
            VectorEnv.reset(self, seed=int(seed))
        self._over = np.zeros(self.num_envs, bool) if mask is None else self._over & ~mask
        observation, info = to_host((output.observation, output.info))
        return to_gymnasium_batch(self._space, observation, self.num_envs), self._infos(info, mask)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps every environment.

        Args:
            actions: an element of `action_space`. In mode NEXT_STEP, the actions of environments whose
                episode is over are ignored.

        Returns:
            Observations, rewards (num_envs,) float64, terminations and truncations (num_envs,) bool,
            and infos.

        Raises:
            InvalidAction: the number, shape or dtype is wrong, or a value is outside the space; also an
                `AssertionError`. No environment has moved.
            ResetNeeded: `reset` has not been called; or, in mode DISABLED, an episode is over (also an
                `AssertionError`).
            ClosedEnvironment: `close` has been called.
        """
        self._check_open()
        if not self._lanes.began:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._over.any():
            raise EpisodeOver(
                f"Environments {np.flatnonzero(self._over).tolist()} are at the end of their episodes, and the"
                ' autoreset mode is DISABLED. Call reset(options={"reset_mask": terminations | truncations}) first.'
            )
        output = self._lanes.step(self._checked_actions(actions), _MODES[self.autoreset_mode])
        output: Any = to_host(output.replace(episode_return=None, episode_length=None))
        done = output.terminated | output.truncated
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            for lane in np.flatnonzero(done).tolist():
                final = {
                    "final_obs": self._space.element_to_gymnasium(tree_at(output.final_observation, lane)),
                    "final_info": {k: to_info_value(np.asarray(v[lane])) for k, v in output.final_info.items()},
                }
                infos = self._add_info(infos, final, lane)
        infos.update(self._infos(output.info, None))
        self._over = np.array(done)
        return (
            to_gymnasium_batch(self._space, output.observation, self.num_envs),
            output.reward.astype(np.float64),
            np.array(output.terminated),
            np.array(output.truncated),
            infos,
        )

    def render(self) -> tuple[Any, ...] | None:
        """A picture, (height, width, 3) uint8, or a text for each environment; None without a render mode.

        Raises:
            ResetNeeded: `reset` has not been called.
        """
        self._check_open()
        if not self._lanes.began:
            raise ResetNeeded("Cannot call env.render() before calling env.reset()")
        if self.render_mode == "rgb_array":
            return tuple(np.array(to_host(self._lanes.render())))
        if self.render_mode == "ansi":
            return tuple(text_of(*jax.device_get(self._lanes.lane(lane))) for lane in range(self.num_envs))
        return None

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """A field or property of each environment, such as "gravity"; or of this class, repeated for each.

        Methods are called, as in SyncVectorEnv.

        Raises:
            AttributeError: there is no such attribute; the message lists the fields.
        """
        return self.call(name)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Calls a public method of each environment; returns other attributes, as `get_attr` does.

        Arguments are passed to each environment unchanged. "render" returns the pictures.

        Raises:
            AttributeError: there is no such attribute.
            InvalidField: the name is "reset", "step" or "close"; or arguments are given for an attribute that is not a
                method.
        """
        if name in ("reset", "step", "close"):
            raise InvalidField(f"Call `{name}` on the batch itself: its environments are pure functions.")
        if name == "render":
            values: tuple[Any, ...] = self.render() or (None,) * self.num_envs
        elif name in ("spec", "metadata", "render_mode"):
            values = (getattr(self, name),) * self.num_envs
        elif name == "np_random_seed":
            values = self.np_random_seed or (None,) * self.num_envs
        elif name in ("observation_space", "action_space"):
            values = (getattr(self, f"single_{name}"),) * self.num_envs
        else:
            values = tuple(self._lanes.get_attribute(name, range(self.num_envs)))
            if isinstance(values[0], Method):
                return tuple(value(*args, **kwargs) for value in values)
        if args or kwargs:
            raise InvalidField(f"`{name}` is a value, not a method, so `call({name!r}, ...)` takes no arguments.")
        return values

    def close_extras(self, **kwargs: Any) -> None:
        """Ends a recording; the arrays are freed with the object."""
        lanes = self.__dict__.get("_lanes")  # Gymnasium 1.1 also closes an object whose construction failed
        if lanes is not None:
            lanes.end_recording()

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedEnvironment(
                f"Trying to operate on `{type(self).__name__}`, after a call to `close()`. Make a new one."
            )

    def _checked_seeds(self, seed: Any) -> Sequence[int | None]:
        try:
            return lane_seeds(seed, self.num_envs)
        except InvalidField as error:
            raise InvalidSeed(str(error)) from error

    def _checked_mask(self, mask: Any) -> np.ndarray:
        if not isinstance(mask, np.ndarray):
            raise TypeError(f"`options['reset_mask']` must be a numpy array, got {type(mask)}")
        if mask.shape != (self.num_envs,):
            raise ValueError(f"`options['reset_mask']` must have shape `({self.num_envs},)`, got {mask.shape}")
        if mask.dtype != np.bool_:
            raise TypeError(f"`options['reset_mask']` must have `dtype=np.bool_`, got {mask.dtype}")
        if not mask.any():
            raise ValueError(f"`options['reset_mask']` must contain at least one True value, got {mask}")
        return mask

    def _checked_actions(self, actions: Any) -> Any:
        used = ~self._over if self.autoreset_mode is AutoresetMode.NEXT_STEP else np.ones(self.num_envs, bool)
        try:
            batch = from_gymnasium_batch(self._actions, actions, self.num_envs)
            check_values(self._actions, batch, used)
        except errors.InvalidAction as error:
            raise InvalidAction(str(error)) from error
        return batch

    def _infos(self, info: dict[str, np.ndarray], mask: np.ndarray | None) -> dict[str, Any]:
        """Infos in the layout of SyncVectorEnv: each has a mask `_key` of the environments that returned it."""
        given = np.ones(self.num_envs, bool) if mask is None else mask
        infos: dict[str, Any] = {}
        for name, value in info.items():
            batch = to_info_batch(value)
            batch[~given] = 0
            infos[name], infos[f"_{name}"] = batch, given.copy()
        return infos


def _autoreset_mode(mode: Any) -> AutoresetMode:
    try:
        return mode if isinstance(mode, AutoresetMode) else AutoresetMode(mode)
    except ValueError as error:
        known = ", ".join(f'"{known.value}"' for known in AutoresetMode)
        raise InvalidField(f"`autoreset_mode` must be an AutoresetMode or one of {known}, got {mode!r}.") from error
