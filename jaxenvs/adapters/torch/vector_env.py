"""TorchVectorEnv: a batch of environments that takes and gives torch tensors, on the device and never over NumPy.

Whose memory is whose:

* A tensor that `reset`, `step` or `render` returned is the caller's. It has memory of its own: writing
  to it changes no other tensor and no state, and later steps neither change nor free it.
* An action's memory is read, where its dtype is that of the environment, in place. It may be
  overwritten as soon as `step` has returned: no state keeps it, and the step that reads it has by then
  been computed (CPU), or lies before the overwriting on torch's current stream (GPU). Whoever writes
  to it on another stream lets that stream wait for the current one first.
* What `to_torch` and `from_torch` return is shared with what they were given: see there.
"""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import torch

from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.lanes import FieldsBySetAttr, Lanes, lane_seeds, lane_values
from jaxenvs.adapters.torch.arrays import from_torch, to_torch
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidAction, InvalidField, JaxenvsError
from jaxenvs.spaces import Space

AutoresetMode = Literal["same_step", "next_step"]
"""When the next episode begins: in the very step that ends the last, or in the step after it."""

_MODES: dict[Any, AutoresetMode] = {
    "same_step": "same_step",
    "SameStep": "same_step",
    "next_step": "next_step",
    "NextStep": "next_step",
}
"""Our names of the modes, and the values of Gymnasium's enumeration."""


class ResetNeeded(JaxenvsError):
    """`step` or `render` before the first `reset`."""


class TorchVectorEnv(FieldsBySetAttr):
    """A batch of environments with torch tensors in and out: one device call a step, and no copy of it on the host.

        envs = TorchVectorEnv("CartPole-v1", num_envs=4096)
        observation, info = envs.reset(seed=0)
        observation, reward, terminated, truncated, info = envs.step(action)

    Lane `i` of `reset(seed=s)` lives through what lane `i` of `GymnasiumVectorEnv` does. Gymnasium is not
    needed: the spaces are jaxenvs' own, with `shape`, `dtype` and `n` as usual, and
    `single_action_space.to_gymnasium()` gives Gymnasium's.

    `info` of a step holds tensors: the environment's own, which belong to `observation`, and, in place of any
    of the same name,

    * `episode_return` (num_envs,) float32 and `episode_length` (num_envs,) int32: of the episode that the
      reward belongs to, up to it; so, where `terminated | truncated`, of the whole episode;
    * in mode "same_step" `final_observation`, like `observation`, and `final_info`, a dict: what the step
      led to, before the next episode began. A learner bootstraps from it where `truncated`. In lanes
      whose episode goes on they are `observation` and the environment's own `info`.

    In mode "next_step" the observation of the last step is the final one; the step after it ignores the
    action of that lane, has reward 0 and opens the next episode.

    The module's docstring says whose memory is whose. On a CPU of few cores call
    `torch.set_num_threads(1)`: torch's threads, which wait for each other busily, and XLA's hold each
    other up. On 2 busy cores a PPO loop took 4 s so, and 4 to 80 s otherwise.

    Attributes:
        num_envs: how many environments.
        autoreset_mode: "same_step" or "next_step".
        single_observation_space: of one lane, a `jaxenvs.spaces.Space`.
        single_action_space: likewise.
        device: where the tensors lie, JAX's default device. Set `JAX_PLATFORMS`, or
            `jax.config.update("jax_default_device", ...)`, before making the batch to choose another.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        num_envs: int,
        *,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode = "same_step",
        **fields: Any,
    ) -> None:
        """Makes the batch; nothing is compiled yet.

        Args:
            env: an id, which is made in its time limit; or an environment, which is taken as it is.
            num_envs: how many.
            max_episode_steps: replaces the id's time limit; -1 for none.
            autoreset_mode: "same_step" or "next_step".
            **fields: replace fields of the environment; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: a bad number or mode; a time limit or fields beside an environment.
            WrapperOrderError: the environment resets itself.
            CannotShare: JAX's default device is none that this torch was built for.
        """
        name = type(self).__name__
        made = given_env(name, env, fields, max_episode_steps)
        mode = getattr(autoreset_mode, "value", autoreset_mode)
        if not isinstance(mode, str) or mode not in _MODES:
            raise InvalidField(
                f'{name}: `autoreset_mode` must be "same_step" or "next_step", got {autoreset_mode!r}. Waiting to be'
                " told would mean reading the flags on the host: for that there is GymnasiumVectorEnv."
            )
        self._lanes = Lanes(made, num_envs, name)
        self.num_envs = self._lanes.num_envs
        self.autoreset_mode: AutoresetMode = _MODES[mode]
        self.single_observation_space: Space[Any] = made.observation_space
        self.single_action_space: Space[Any] = made.action_space
        self.device = to_torch(jnp.zeros((), jnp.float32)).device
        self._action_parts, self._action_structure = _parts_of(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in every environment.

        Args:
            seed: `seed + i` for environment `i`; or one for each, None to go on from its own.
            options: the task's reset options (`Env.reset_options`), for the episodes that begin.

        Returns:
            Observations and the environments' own `info`.

        Raises:
            InvalidField: a bad seed or a wrong number of them; a name that is almost an option's, or
                a value that it cannot take.
        """
        output = self._lanes.reset(lane_seeds(seed, self.num_envs), options)
        return to_torch((output.observation, output.info))

    def step(self, action: Any) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Steps every environment.

        Args:
            action: (num_envs, ...) tensors on `device`, in the structure of the action space. Any integer
                dtype does for integers, and any number for floats; int32 and float32 themselves are
                taken without a copy. Values are not checked, since that would make the host wait: an
                action outside the space does what the environment makes of it.

        Returns:
            Observations, reward (num_envs,) float32, terminated and truncated (num_envs,) bool, and
            `info`, which the docstring of the class describes.

        Raises:
            InvalidAction: the structure, a shape, a dtype or the device does not fit. No environment has
                moved.
            ResetNeeded: before the first reset.
        """
        self._check_began("step")
        # On the CPU `to_torch` waits for the step, and so for the last reading of the action.
        output: Any = to_torch(self._lanes.step(self._checked_action(action), self.autoreset_mode))
        info = {**output.info, "episode_return": output.episode_return, "episode_length": output.episode_length}
        if self.autoreset_mode == "same_step":
            info |= {"final_observation": output.final_observation, "final_info": output.final_info}
        return output.observation, output.reward, output.terminated, output.truncated, info

    def render(self) -> torch.Tensor:
        """(num_envs, height, width, 3) uint8: a picture of each environment.

        Raises:
            ResetNeeded: before the first reset.
        """
        self._check_began("render")
        return to_torch(self._lanes.render())

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """A public field, property or method of each environment, such as "gravity", as it was declared or set.

        Raises:
            AttributeError: there is none; the message lists the fields.
        """
        return tuple(self._lanes.get_attribute(name, range(self.num_envs)))

    def set_attr(self, name: str, values: Any) -> None:
        """Sets a field, from the next step on: one value for all environments, or a list or tuple of one for each.

        Raises:
            AttributeError: there is no such field.
            InvalidField: a value that the field cannot take, or several for one that shapes the program.
            ValueError: a wrong number of values.
        """
        self._lanes.set_attribute(name, lane_values(values, self.num_envs), range(self.num_envs))

    def close(self) -> None:
        """Nothing to release: the arrays go with the object."""

    def _check_began(self, call: str) -> None:
        if not self._lanes.began:
            raise ResetNeeded(f"Cannot call `{call}` before the first `reset`.")

    def _checked_action(self, action: Any) -> Any:
        leaves, structure = jax.tree.flatten(action)
        if structure != self._action_structure:
            raise InvalidAction(
                f"The action must be {_describe(self._action_structure)}, for {self.single_action_space!r};"
                f" got {_describe(structure)}."
            )
        tensors = [self._checked_part(leaf, *part) for leaf, part in zip(leaves, self._action_parts, strict=True)]
        return structure.unflatten(from_torch(tensors))

    def _checked_part(self, x: Any, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        is_tensor = isinstance(x, torch.Tensor)
        if is_tensor and x.dtype == dtype and x.shape == shape and x.device == self.device and not x.requires_grad:
            return x
        wanted = f"`{name}` must be a tensor of shape {shape} and {dtype} on {self.device}"
        if not is_tensor:
            raise InvalidAction(f"{wanted}, got {x!r} of type {type(x).__name__}.")
        if x.shape != shape:
            raise InvalidAction(f"{wanted}, one for each environment; got shape {tuple(x.shape)}.")
        if x.device != self.device:
            raise InvalidAction(f"{wanted}, got one on {x.device}. Pass `{name}.to(envs.device)`.")
        if x.dtype.is_complex or (x.dtype.is_floating_point and not dtype.is_floating_point):
            raise InvalidAction(f"{wanted}, got {x.dtype}. Round it, and cast it to integers.")
        if x.requires_grad:
            raise InvalidAction(
                f"`{name}` requires a gradient, which does not reach through the environment: pass `{name}.detach()`,"
                " or compute it under `torch.no_grad()`."
            )
        return x.to(dtype)


def _parts_of(space: Space[Any], num_envs: int) -> tuple[list[tuple[str, tuple[int, ...], torch.dtype]], Any]:
    """Of a batch of elements the name, shape and dtype of each tensor, and the structure of the tree."""
    struct = jax.eval_shape(space.sample, jax.eval_shape(lambda: jax.random.key(0)))
    leaves, structure = jax.tree_util.tree_flatten_with_path(struct)
    parts = [
        (f"action{jax.tree_util.keystr(path)}", (num_envs, *leaf.shape), getattr(torch, leaf.dtype.name))
        for path, leaf in leaves
    ]
    return parts, structure


def _describe(structure: Any) -> str:
    return str(structure).removeprefix("PyTreeDef(").removesuffix(")").replace("*", "tensor")
