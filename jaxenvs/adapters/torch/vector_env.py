"""TorchVectorEnv: a batch of environments that takes and returns torch tensors, on the device and without NumPy.

Ownership of memory:

* A tensor returned by `reset`, `step` or `render` belongs to the caller. It has its own memory: writing
  to it changes no other tensor and no state, and later steps neither change nor free it.
* The memory of an action with the dtype of the environment is read in place. It may be overwritten as soon
  as `step` has returned: no state keeps it, and the step that reads it has been computed by then (CPU), or
  comes before the write on torch's current stream (GPU). If you write to it on another stream, let that
  stream wait for the current one first.
* The results of `to_torch` and `from_torch` share memory with their arguments; see there.
"""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.batches import check_values
from jaxenvs.adapters._host_loop.lanes import Lanes, SetAttr, lane_seeds
from jaxenvs.adapters.torch.arrays import from_torch, to_torch
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidAction, InvalidField, JaxenvsError
from jaxenvs.spaces import Space

AutoresetMode = Literal["same_step", "next_step"]
"""When the next episode begins: in the same step that ends the last one, or in the step after it."""

_MODES: dict[Any, AutoresetMode] = {
    "same_step": "same_step",
    "SameStep": "same_step",
    "next_step": "next_step",
    "NextStep": "next_step",
}
"""Our names for the modes, and the values of Gymnasium's enumeration."""


class ResetNeeded(JaxenvsError):
    """`step` or `render` before the first `reset`."""


class TorchVectorEnv(SetAttr):
    """A batch of environments with torch tensors in and out: one device call per step, and no copies to the host.

        envs = TorchVectorEnv("CartPole-v1", num_envs=4096)
        observation, info = envs.reset(seed=0)
        observation, reward, terminated, truncated, info = envs.step(action)

    Lane `i` after `reset(seed=s)` has the same episodes as lane `i` of `GymnasiumVectorEnv`. Gymnasium is not
    needed: the spaces are jaxenvs' own, with `shape`, `dtype` and `n` as usual, and
    `single_action_space.to_gymnasium()` returns Gymnasium's.

    The `info` of a step contains tensors: those of the environment, which belong to `observation`, and the
    following, which replace any of the same name:

    * `episode_return` (num_envs,) float32 and `episode_length` (num_envs,) int32: of the episode that the
      reward belongs to, up to this step; so of the whole episode if `terminated | truncated`;
    * in mode "same_step", `final_observation`, like `observation`, and `final_info`, a dict: what the step
      led to, before the next episode began. A learner bootstraps from it if `truncated`. In lanes whose
      episode continues, they are `observation` and the environment's own `info`.

    In mode "next_step", the observation of the last step is the final one; the step after it ignores the
    action of that lane, has reward 0 and begins the next episode.

    The docstring of the module explains the ownership of memory. On a CPU with few cores, call
    `torch.set_num_threads(1)`: torch's threads, which wait for each other busily, and those of XLA slow each
    other down. On 2 busy cores a PPO loop took 4 s with this call, and 4 to 80 s without.

    Attributes:
        num_envs: number of environments.
        autoreset_mode: "same_step" or "next_step".
        single_observation_space: of one lane, a `jaxenvs.spaces.Space`.
        single_action_space: of one lane, a `jaxenvs.spaces.Space`.
        device: the device of the tensors, JAX's default device. To choose another, set `JAX_PLATFORMS` or
            `jax.config.update("jax_default_device", ...)` before making the batch.
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
            env: an id, which is made with its time limit; or an environment, which is used unchanged.
            num_envs: number of environments.
            max_episode_steps: replaces the id's time limit; -1 for none.
            autoreset_mode: "same_step" or "next_step".
            **fields: values for fields of the environment; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `num_envs` or the mode is invalid, or fields or a time limit are given with an environment.
            WrapperOrderError: the environment resets itself.
            CannotShare: this torch was not built for JAX's default device.
        """
        name = type(self).__name__
        made = given_env(name, env, fields, max_episode_steps)
        mode = getattr(autoreset_mode, "value", autoreset_mode)
        if not isinstance(mode, str) or mode not in _MODES:
            raise InvalidField(
                f'{name}: `autoreset_mode` must be "same_step" or "next_step", got {autoreset_mode!r}. Resetting on'
                " request would mean reading the flags on the host: use GymnasiumVectorEnv for that."
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
            seed: seed of environment 0; environment `i` gets `seed + i`. Or one for each, None to continue.
            options: the task's reset options (`Env.reset_options`), for the episodes that begin.

        Returns:
            Observations and the environments' own `info`.

        Raises:
            InvalidField: a seed or the number of seeds is invalid, a name resembles that of an option, or the
                option cannot take the value.
        """
        output = self._lanes.reset(lane_seeds(seed, self.num_envs), options)
        self._over = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        return to_torch((output.observation, output.info))

    def step(self, action: Any) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Steps every environment.

        Args:
            action: (num_envs, ...) tensors on `device`, in the structure of the action space. Any integer
                dtype is accepted for integers, and any numeric dtype for floats; int32 and float32
                need no copy. Values are checked on the CPU. On other devices that would make the host
                wait, so the environment defines what an action outside the space does.

        Returns:
            Observations, reward (num_envs,) float32, terminated and truncated (num_envs,) bool, and
            `info`, which the docstring of the class describes.

        Raises:
            InvalidAction: the structure, a shape, a dtype or the device is wrong; on the CPU, also if an integer is
                out of range or a float is NaN. No environment has moved.
            ResetNeeded: `reset` has not been called.
        """
        self._check_began("step")
        # On the CPU, `to_torch` waits for the step, and so until the action is no longer read.
        output: Any = to_torch(self._lanes.step(self._checked_action(action), self.autoreset_mode))
        self._over = output.terminated | output.truncated
        info = {**output.info, "episode_return": output.episode_return, "episode_length": output.episode_length}
        if self.autoreset_mode == "same_step":
            info |= {"final_observation": output.final_observation, "final_info": output.final_info}
        return output.observation, output.reward, output.terminated, output.truncated, info

    def render(self) -> torch.Tensor:
        """(num_envs, height, width, 3) uint8: a picture of each environment.

        Raises:
            ResetNeeded: `reset` has not been called.
        """
        self._check_began("render")
        return to_torch(self._lanes.render())

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """A public field, property or method of each environment, such as "gravity", as it was declared or set.

        Raises:
            AttributeError: there is no such attribute; the message lists the fields.
        """
        return tuple(self._lanes.get_attribute(name, range(self.num_envs)))

    def close(self) -> None:
        """Ends a recording; the arrays are freed with the object."""
        self._lanes.end_recording()

    def _check_began(self, call: str) -> None:
        if not self._lanes.began:
            raise ResetNeeded(f"Cannot call `{call}` before the first `reset`.")

    def _checked_action(self, action: Any) -> Any:
        leaves, structure = jax.tree.flatten(action)
        if structure != self._action_structure and jax.tree_util.treedef_is_leaf(self._action_structure):
            leaves = [action]  # refused below: it is not a tensor
        elif structure != self._action_structure:
            raise InvalidAction(
                f"The action must be {_describe(self._action_structure)}, for {self.single_action_space!r};"
                f" got {_describe(structure)}."
            )
        tensors = [self._checked_part(leaf, *part) for leaf, part in zip(leaves, self._action_parts, strict=True)]
        if self.device.type == "cpu":
            # Integers as they were given: cut down to 32 bits, large ones may seem to be in range.
            given = [new if new.is_floating_point() else old for old, new in zip(leaves, tensors, strict=True)]
            is_used = np.ones(self.num_envs, bool) if self.autoreset_mode == "same_step" else ~self._over.numpy()
            check_values(self.single_action_space, structure.unflatten([x.numpy() for x in given]), is_used)
        return structure.unflatten(from_torch(tensors))

    def _checked_part(self, x: Any, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        is_tensor = isinstance(x, torch.Tensor)
        if is_tensor and x.dtype == dtype and x.shape == shape and x.device == self.device and not x.requires_grad:
            return x
        wanted = f"`{name}` must be a tensor of shape {shape} and {dtype} on {self.device}"
        if isinstance(x, tuple | list):
            raise InvalidAction(f"{wanted}, got a {type(x).__name__} of length {len(x)}: write `torch.tensor({name})`.")
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
                f"`{name}` requires a gradient, which cannot pass through the environment: pass `{name}.detach()`,"
                " or compute it under `torch.no_grad()`."
            )
        return x.to(dtype)


def _parts_of(space: Space[Any], num_envs: int) -> tuple[list[tuple[str, tuple[int, ...], torch.dtype]], Any]:
    """The name, shape and dtype of each tensor of a batch of elements, and the structure of the tree."""
    struct = jax.eval_shape(space.sample, jax.eval_shape(lambda: jax.random.key(0)))
    leaves, structure = jax.tree_util.tree_flatten_with_path(struct)
    parts = [
        (f"action{jax.tree_util.keystr(path)}", (num_envs, *leaf.shape), getattr(torch, leaf.dtype.name))
        for path, leaf in leaves
    ]
    return parts, structure


def _describe(structure: Any) -> str:
    return str(structure).removeprefix("PyTreeDef(").removesuffix(")").replace("*", "tensor")
