"""Games with the preprocessing of DQN (Mnih et al.), in one call."""

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import (
    ClipReward,
    EpisodicLife,
    FrameStack,
    OpeningActions,
    ResizeObservation,
    TransformObservation,
)
from jaxenvs_ale_bridge.catalog import ENTRY_POINT, MAX_FRAMES
from jaxenvs_ale_bridge.env import AleEnv

_FIRE = "FIRE"


def make_atari(
    id: str | jaxenvs.EnvSpec,
    *,
    noop_max: int = 30,
    frame_skip: int = 4,
    screen_size: int | tuple[int, int] = 84,
    terminal_on_life_loss: bool = False,
    grayscale_obs: bool = True,
    grayscale_newaxis: bool = False,
    scale_obs: bool = False,
    num_stack: int = 4,
    padding_type: Literal["reset", "zero"] = "reset",
    clip_reward: bool = True,
    fire_reset: bool = False,
    **fields: Any,
) -> jaxenvs.Env[Any, Any]:
    """A game with the usual preprocessing of DQN: by default (4, 84, 84) uint8.

        env = jaxenvs.AutoReset(jaxenvs_ale_bridge.make_atari("ALE/Breakout-v5"))

    Clipped rewards and ends of lives belong to training only: `jaxenvs.evaluation(env)` plays whole games with their
    own rewards. It keeps everything else, including random starts (`noop_max`), sticky actions and FIRE.

    Up to `padding_type`, the options are those of Gymnasium's `AtariPreprocessing` and, around it,
    `FrameStackObservation`. Observations, rewards, flags, `lives` and `episode_frame_number` equal theirs in every bit,
    and with `padding_type="zero"` they equal those of ale-py's `AtariVectorEnv`. Three things differ on purpose. The
    last observation of an episode shows the last frames here, but those of the step before there. `frame_number` starts
    again with each episode here. And `scale_obs` divides as the compiler does, which may differ in the last place. The
    emulator computes the maximum of the last two frames; everything else is computed on JAX's device.

    Args:
        id: the id of a game, such as `"ALE/Breakout-v5"`, or a spec. Its sticky actions are used, its frame skip is
            not.
        noop_max: an episode begins with 1 to this many frames without action; 0 for none.
        frame_skip: frames in a step.
        screen_size: the new width and height, or one number for both; at most those of the screen.
        terminal_on_life_loss: whether an episode is a life rather than a game (`EpisodicLife`). AutoReset around it
            then begins a new game each time, as in Gymnasium. To continue the same game, as DeepMind did, leave this
            off, and write `EpisodicLife(AutoReset(env))`.
        grayscale_obs: whether to observe luminance rather than RGB.
        grayscale_newaxis: whether luminance has an axis of one channel.
        scale_obs: whether to divide observations by 255, which makes them float32 from 0 to 1.
        num_stack: number of observations stacked along a new first axis; 1 for no stack, without that axis.
        padding_type: what the stack contains before the first observation of an episode: `"reset"`, that observation
            again, as in Gymnasium; `"zero"`, blank frames, as in `AtariVectorEnv`. See `FrameStack`.
        clip_reward: whether rewards are clipped to [-1, 1].
        fire_reset: whether an episode begins with FIRE and the action after it, one step each, in games that
            have FIRE in its usual place, second among their actions; as in OpenAI Baselines.
        **fields: values for other fields of `AleEnv`, such as `mode=1`.

    Returns:
        The environment, inside a TimeLimit of 108,000 frames, without AutoReset.

    Raises:
        InvalidField: an option that makes no sense, or that this function sets itself.
        UnregisteredEnv: see `jaxenvs.spec`.
    """
    spec = id if isinstance(id, jaxenvs.EnvSpec) else jaxenvs.spec(id)
    _check(spec, frame_skip, num_stack, padding_type, fields)
    width, height = _size(screen_size)
    env: jaxenvs.Env[Any, Any] = jaxenvs.make(
        spec,
        max_episode_steps=MAX_FRAMES // frame_skip,
        obs_type="grayscale" if grayscale_obs else "rgb",
        frameskip=frame_skip,
        frames="maximum" if frame_skip > 1 else "last",
        noop_max=noop_max,
        stop_at_life_loss=terminal_on_life_loss,
        **fields,
    )
    meanings = _meanings(env)
    if fire_reset and len(meanings) > 2 and meanings[1] == _FIRE:
        env = OpeningActions(env, (1, 2))
    if terminal_on_life_loss:
        env = EpisodicLife(env)
    if clip_reward:
        env = ClipReward(env, -1.0, 1.0)
    env = images = ResizeObservation(env, (height, width))
    shape = images.observation_space.shape
    if grayscale_obs and grayscale_newaxis:
        shape = (*shape, 1)
        env = TransformObservation(env, _with_channel, Box(0, 255, shape, np.uint8))
    if scale_obs:
        env = TransformObservation(env, _to_unit, Box(0.0, 1.0, shape, np.float32))
    return FrameStack(env, num_stack, padding_type) if num_stack > 1 else env


def _check(spec: jaxenvs.EnvSpec, frame_skip: Any, num_stack: Any, padding_type: Any, fields: dict[str, Any]) -> None:
    if spec.entry_point not in (ENTRY_POINT, AleEnv):
        raise InvalidField(f"make_atari is for the games of the ALE, such as `ALE/Breakout-v5`, got `{spec.id}`.")
    for name, value in (("frame_skip", frame_skip), ("num_stack", num_stack)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidField(f"make_atari: `{name}` must be an integer of at least 1, got {value!r}.")
    if padding_type not in ("reset", "zero"):
        raise InvalidField(f'make_atari: `padding_type` must be "reset" or "zero", got {padding_type!r}.')
    own = {
        "frameskip": "frame_skip",
        "obs_type": "grayscale_obs",
        "frames": "frame_skip",
        "stop_at_life_loss": "terminal_on_life_loss",
    }
    for name in own.keys() & fields.keys():
        raise InvalidField(f"make_atari sets `{name}` itself; give `{own[name]}`.")
    if fields.get("sound_obs"):
        raise InvalidField("make_atari supports only observations of images: leave out `sound_obs`.")


def _size(screen_size: Any) -> tuple[int, int]:
    """The width and the height."""
    pair = screen_size if isinstance(screen_size, tuple) else (screen_size, screen_size)
    if len(pair) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in pair):
        raise InvalidField(
            f"make_atari: `screen_size` must be a positive integer, or a pair (width, height), got {screen_size!r}."
        )
    return pair


def _meanings(env: jaxenvs.Env[Any, Any]) -> tuple[str, ...]:
    """The meanings of the discrete actions; empty if actions are continuous."""
    base = jaxenvs.unwrap(env)
    if not isinstance(base, AleEnv) or not isinstance(base.action_space, Discrete):
        return ()
    return base.action_meanings


def _with_channel(image: Array) -> Array:
    return jnp.expand_dims(image, -1)


def _to_unit(image: Array) -> Array:
    return image.astype(jnp.float32) / 255.0
