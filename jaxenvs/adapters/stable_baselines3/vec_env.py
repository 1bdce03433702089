"""StableBaselines3VecEnv: a batch of environments behind `stable_baselines3.common.vec_env.VecEnv`."""

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.lanes import FieldsBySetAttr, Lanes, Output, with_reset_options
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters.gymnasium.env import check_render_mode, metadata_of
from jaxenvs.adapters.gymnasium.errors import InvalidSeed
from jaxenvs.adapters.gymnasium.registration import spec_as_made
from jaxenvs.adapters.stable_baselines3.attributes import Attributes
from jaxenvs.adapters.stable_baselines3.infos import infos_of, step_infos
from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, action_form
from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidField, JaxenvsError
from jaxenvs.registration import spec


class StepOrderError(JaxenvsError, RuntimeError):
    """`step_async` during a step, or `step_wait` without one."""


class StableBaselines3VecEnv(FieldsBySetAttr, Attributes):
    """A batch of environments behind Stable-Baselines3's interface: one device call per step, NumPy out.

        PPO("MlpPolicy", StableBaselines3VecEnv("CartPole-v1", num_envs=256)).learn(1_000_000)
        SAC("MlpPolicy", StableBaselines3VecEnv(MyEnv(gravity=1.6), num_envs=16)).learn(100_000)

    It does the same as `DummyVecEnv` over `num_envs` instances of `Monitor(GymnasiumEnv(...))`, including infos:
    the step that ends an episode returns the first observation of the next, and the `info` of that lane has
    `terminal_observation`, `TimeLimit.truncated` (truncated but not terminated) and `episode` with the return
    `r`, the length `l` and the seconds `t` since this object was made. After `seed(s)`, which takes effect at
    the next reset, lane `i` begins as `GymnasiumEnv.reset(seed=s + i)`. Each call returns fresh arrays and
    infos, which belong to the caller.

    Spaces are converted to the forms that Stable-Baselines3's policies accept:

    | the environment's space              | observations here               | actions here  |
    |--------------------------------------|---------------------------------|---------------|
    | Box                                  | Box; of shape (1,) for ()       | the same      |
    | Discrete, from `start`               | Discrete from 0                 | the same      |
    | MultiDiscrete of any shape and start | MultiDiscrete, a vector from 0  | the same      |
    | MultiBinary of any shape             | MultiBinary, a vector           | the same      |
    | Tuple of Discretes (Blackjack-v1)    | MultiDiscrete, from 0           | the same      |
    | Dict; any other Tuple                | Dict of arrays, keys as "a/b/0" | not supported |
    | Text, Sequence, Graph                | not supported                   | not supported |

    `get_attr`, `set_attr` and `env_method` access the fields, properties and public methods of the environment
    and of the jaxenvs wrappers around it; a new value of a field holds from the next step on. An attribute of another
    name is stored for each environment, and can be read again.

    If `info` has an `action_mask` or a `legal_action_mask`, `env_method("action_masks")` returns the masks for the next
    action, as sb3-contrib's `MaskablePPO` requires.

    Attributes:
        num_envs: number of environments.
        observation_space: of one environment, in the form above.
        action_space: of one environment, in the form above.
        render_mode: "rgb_array"; None for an environment that cannot be drawn.
        spec: Gymnasium's `EnvSpec` of the id, as `gymnasium.make` returns it; None if `env` is not an id.
        reset_infos: for each environment, the `info` of the start of its episode.
        metadata: `render_modes` and `render_fps`.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        num_envs: int = 1,
        *,
        seed: int | None = None,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **fields: Any,
    ) -> None:
        """Makes the batch; nothing is compiled yet.

        Args:
            env: an id, which is made with its time limit; or an environment, which is used unchanged.
            num_envs: number of environments.
            seed: argument of `seed` for the first reset; None for a random one.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            render_mode: "rgb_array", for `render` and `get_images`; `render("human")` shows a window. None chooses it
                as well, where the environment can be drawn, as `make_vec_env` does. Nothing is drawn unless asked for.
            **fields: values for fields of the environment; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `num_envs` or the render mode is invalid, or fields or a limit are given with an environment.
            InvalidSeed: see `seed`.
            InvalidSpace: Stable-Baselines3 has no equivalent of a space.
            WrapperOrderError: the environment resets itself, or keeps statistics across episodes.
        """
        name = type(self).__name__
        if render_mode not in (None, "rgb_array"):
            advice = ' `render("human")` shows a window then.' if render_mode == "human" else ""
            raise InvalidField(f'{name}: `render_mode` must be "rgb_array" or None, got {render_mode!r}.{advice}')
        known = spec(env) if isinstance(env, str) else None
        made = given_env(name, known or env, fields, max_episode_steps)
        check_render_mode(made, render_mode)
        self.render_mode = "rgb_array" if made.can_render else None
        self._env = made
        self.spec = spec_as_made(known, fields, max_episode_steps, render_mode) if known else None
        self._lanes = Lanes(made, num_envs, name)
        self._observations = ObservationForm.of(made.observation_space)
        self._actions = action_form(made.action_space)
        super().__init__(self._lanes.num_envs, self._observations.space, self._actions.space)
        self.metadata = {
            "render_modes": ["human", "rgb_array"] if self.render_mode else [],
            "render_fps": metadata_of(made)["render_fps"],
        }
        self._made_at = time.time()
        self._info: dict[str, np.ndarray] = {}
        self._returns = np.zeros(self.num_envs)  # of the running episodes, in float64 as in Monitor
        self._pending: Output | None = None
        self._closed = False
        if seed is not None:
            self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds the next reset: environment `i` gets `seed + i`.

        Args:
            seed: a non-negative integer; None draws one from NumPy's global generator.

        Returns:
            The seed of each environment.

        Raises:
            InvalidSeed: `seed` is anything else.
        """
        if seed is not None and (not is_integer(seed) or seed < 0):
            raise InvalidSeed(f"A seed must be a non-negative integer or None, got {seed!r}.")
        return super().seed(seed if seed is None else int(seed))

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Sets the task's reset options (`Env.reset_options`) for the episodes that the next `reset` begins.

        Args:
            options: one dict for all environments, or a list with one for each.

        Raises:
            InvalidField: a name resembles that of an option, the option cannot take the value, or the number of
                dicts is wrong.
        """
        each = options if isinstance(options, list | tuple) else [options or {}]
        if isinstance(options, list | tuple) and len(each) != self.num_envs:
            raise InvalidField(f"`options` must be one dict, or {self.num_envs}, one per environment; got {len(each)}.")
        for one in each:
            if not isinstance(one, dict):
                raise InvalidField(f"Reset options must be a dict, got {one!r} of type {type(one).__name__}.")
            with_reset_options(self._lanes.env, one)  # raises if it is invalid
        super().set_options(list(each) if isinstance(options, list | tuple) else options)

    def reset(self) -> Any:
        """Begins an episode in every environment, with the seeds and options set for it.

        Returns:
            The observations; `reset_infos` has the infos.

        Raises:
            ClosedEnvironment: `close` has been called.
        """
        self._check_open()
        self._pending = None
        output = self._begin()
        self._returns = np.zeros(self.num_envs)
        self._reset_seeds()
        self._reset_options()
        observation, self._info = to_host((output.observation, output.info))
        self.reset_infos = infos_of(self._info, self.num_envs)
        return self._observations.encode(observation)

    def step_async(self, actions: np.ndarray) -> None:
        """Starts a step in every environment; `step_wait` returns its outcome.

        Args:
            actions: (num_envs, ...), elements of `action_space`.

        Raises:
            InvalidAction: the number, shape or dtype is wrong, a float is NaN or an integer is out of range; also
                an `AssertionError`. No environment has moved.
            ResetNeeded: `reset` has not been called.
            StepOrderError: a step is already running.
            ClosedEnvironment: `close` has been called.
        """
        self._check_began("step")
        if self._pending is not None:
            raise StepOrderError("A step is already running. Call `step_wait` first.")
        self._pending = self._lanes.step(self._actions.decode(actions, self.num_envs), "same_step")

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """The outcome of the step that `step_async` started.

        Returns:
            Observations, rewards (num_envs,) float32, dones (num_envs,) bool, and a list of infos.

        Raises:
            StepOrderError: no step is running.
            ClosedEnvironment: `close` has been called.
        """
        self._check_open()
        if self._pending is None:
            raise StepOrderError("No step is running. Call `step_async` first, or `step` for both.")
        pending, self._pending = self._pending, None
        output: Any = to_host(pending)
        self._info = output.info
        dones = output.terminated | output.truncated
        self._returns += output.reward
        seconds = round(time.time() - self._made_at, 6)
        infos, reset_infos = step_infos(output, dones, self._returns, self._observations, seconds)
        self._returns[dones] = 0.0
        for lane, info in reset_infos.items():
            self.reset_infos[lane] = info
        return self._observations.encode(output.observation), np.array(output.reward), dones, infos

    def close(self) -> None:
        """Ends a recording, and makes later calls raise an error; the arrays are freed with the object."""
        self._closed, self._pending = True, None
        self._lanes.end_recording()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """A picture of each environment, (height, width, 3) uint8; a warning and Nones if they cannot be drawn.

        Raises:
            ResetNeeded: `reset` has not been called.
            ClosedEnvironment: `close` has been called.
        """
        self._check_began("render")
        if self.render_mode is None:
            warnings.warn(f"{type(unwrap(self._env)).__name__} has no pictures.", stacklevel=2)
            return [None] * self.num_envs
        return list(np.array(to_host(self._lanes.render())))

    def _begin(self) -> Output:
        """Begins all episodes; lanes with the same options are reset together."""
        groups: list[tuple[dict[str, Any], np.ndarray]] = []
        for lane, options in enumerate(self._options):
            mask = next((mask for others, mask in groups if others == options), None)
            if mask is None:
                groups.append((options, mask := np.zeros(self.num_envs, bool)))
            mask[lane] = True
        (options, mask), *others = groups
        output = self._lanes.reset(self._seeds, options, mask if others and self._lanes.began else None)
        for options, mask in others:
            seeds = [seed if chosen else None for seed, chosen in zip(self._seeds, mask, strict=True)]
            output = self._lanes.reset(seeds, options, mask)
        return output
