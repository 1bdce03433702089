"""AleEnv: any single-player game of the Arcade Learning Environment."""

import functools
import importlib.util
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, InvalidField, did_you_mean
from jaxenvs.host import HostFunction, host_call
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Dict, Discrete
from jaxenvs_ale_bridge import host
from jaxenvs_ale_bridge.games import ACTION_MEANINGS, GAMES, TWO_PLAYER_GAMES, Game
from jaxenvs_ale_bridge.layout import SOUND_BYTES, SOUND_FRAMES, WARM_FRAMES, Fact, Field, GameProgram, Machine
from jaxenvs_ale_bridge.pool import POOL

_NOOP = 0
_USUAL_INTERVAL = 32


class AleState(jaxenvs.PyTreeNode):
    """The complete state of `AleEnv`, from which any process can continue.

    Attributes:
        snapshot: (8448,) uint8; the length of a serialised emulator some frames ago, followed by that emulator.
        log: (frames,) uint8; the ALE's actions in the frames since then, followed by zeros.
        log_strength: (frames,) float32; how far the joystick was pushed in them; None for discrete actions.
        log_length: () int32; number of these frames.
        previous_action: () int32; the ALE's action in the last frame, which a sticky action repeats.
        previous_strength: () float32; how far the joystick was pushed in it; None for discrete actions.
        lives: () int32; lives left, 0 in games that have none.
        episode_frame_number: () int32; frames since the episode began.
        frame_number: () int32; frames since the console was switched on, which is at the start of every episode.
        key: () key that sticky actions and random frame skips are drawn from.
    """

    snapshot: Array
    log: Array
    log_strength: Array | None
    log_length: Array
    previous_action: Array
    previous_strength: Array | None
    lives: Array
    episode_frame_number: Array
    frame_number: Array
    key: Key


class AleEnv(jaxenvs.Env[AleState, Any]):
    """A game of the Atari 2600, played on the emulator of the Arcade Learning Environment (ale-py).

    The emulators run in worker processes, which a callback reaches with one call for a whole batch, however `vmap`s are
    nested. `step` is nevertheless a pure function. The state holds a snapshot of the emulator and the actions since
    then. A worker that is already at that state continues from there; any other restores the snapshot and repeats the
    actions, with exactly the same result. So states can be branched, permuted across lanes, written to disk and stepped
    in another process.

    Observation: depends on `obs_type`, as in Gymnasium.

        | obs_type    | meaning                     | shape            | dtype | min | max |
        |-------------|-----------------------------|------------------|-------|-----|-----|
        | "rgb"       | the screen                  | (height, 160, 3) | uint8 | 0   | 255 |
        | "grayscale" | the luminance of the screen | (height, 160)    | uint8 | 0   | 255 |
        | "ram"       | the console's memory        | (128,)           | uint8 | 0   | 255 |

    With `sound_obs` it is a Dict of that as `image`, and of the last frame's `sound`, (512,) uint8. With
    `frames="last_two"` or `"maximum"` it covers the last two frames of a step, which preprocessing against flicker
    needs. Both are the same frame at reset, and if a step ends before its last frame.

    Action: () int32: an index into the actions that make a difference in this game (`action_meanings`), or with
        `full_action_space` into all that it allows. With `continuous`, (3,) float32: the joystick's radius (0 to 1),
        its angle (radians from right, counter-clockwise) and the button (0 to 1).

    Reward: the change of the game's score, not clipped.

    Start: the newly booted console, followed by at most `noop_max` no-ops.

    Episode end:
        Termination: the game is over, according to the ALE. Later steps change nothing and reward 0.
        Truncation: none here; `make` adds Gymnasium's time limit of 108,000 frames, which is 27,000 steps of four
            frames.

    Info: () int32 each: `lives`, `episode_frame_number`, `frame_number`.

    Parameters:
        game: name in snake_case, such as `"space_invaders"`.
        mode: position of the mode switch; None for the game's default.
        difficulty: position of the difficulty switch; None for the game's default.
        obs_type: what is observed.
        frameskip: frames per step, or (low, high) to draw their number from low to high - 1.
        repeat_action_probability: probability that a frame repeats the previous frame's action.
        full_action_space: whether to offer all actions that the game allows.
        continuous: whether actions are continuous.
        continuous_action_threshold: how far the joystick or the button must be pushed to count, from 0 to 1.
        sound_obs: whether sound is observed.
        noop_max: if positive, an episode begins with 1 to `noop_max` frames without action.
        frames: which of a step's frames are observed: `"last"`, `"last_two"` in order on a new first axis, or their
            pixelwise `"maximum"`.
        stop_at_life_loss: whether a step ends with the frame that loses a life, even if it has frames left, as in
            Gymnasium's `AtariPreprocessing` with `terminal_on_life_loss`. To end the episode as well, use
            `EpisodicLife`.
        snapshot_interval: frames between two snapshots. A worker that is not at a state repeats about that many frames
            to get there, so fewer are better for searching trees. None for 32, or more with a long frame skip.

    Differences from the reference: randomness comes from the state's key, so sticky actions follow another random
        stream than ale-py's. Each episode begins with the newly booted console, and `frame_number` with 0; in Gymnasium
        that is so only after `reset(seed=...)`. ale-py (0.12.1) neither saves nor resets its sound generator, so with
        `sound_obs` states hold all actions of their episode and each episode boots a console (0.1 s).

    Source: M. G. Bellemare et al., "The Arcade Learning Environment", JAIR 2013; M. C. Machado et al., "Revisiting the
        Arcade Learning Environment", JAIR 2018; ale-py 0.12.1.

    Version history:
        v5: frame skip 4, sticky actions with probability 0.25.
    """

    reset_is_costly = True
    frames_per_second = 15
    training_fields: ClassVar[Mapping[str, Any]] = {"stop_at_life_loss": False}

    game: str = jaxenvs.static()
    mode: int | None = jaxenvs.static(default=None)
    difficulty: int | None = jaxenvs.static(default=None)
    obs_type: Literal["rgb", "grayscale", "ram"] = jaxenvs.static(default="rgb")
    frameskip: int | tuple[int, int] = jaxenvs.static(default=4)
    repeat_action_probability: ArrayLike = 0.25
    full_action_space: bool = jaxenvs.static(default=False)
    continuous: bool = jaxenvs.static(default=False)
    continuous_action_threshold: ArrayLike = 0.5
    sound_obs: bool = jaxenvs.static(default=False)
    noop_max: int = jaxenvs.static(default=0)
    frames: Literal["last", "last_two", "maximum"] = jaxenvs.static(default="last")
    stop_at_life_loss: bool = jaxenvs.static(default=False)
    snapshot_interval: int | None = jaxenvs.static(default=None)

    def check_fields(self) -> None:
        """Checks that the game is known, and that it has the chosen options."""
        _check_installed()
        game = _find_game(self.game)
        _check_choice("mode", self.mode, (None, *game.modes), game)
        _check_choice("difficulty", self.difficulty, (None, *game.difficulties), game)
        _check_choice("obs_type", self.obs_type, ("rgb", "grayscale", "ram"))
        _check_choice("frames", self.frames, ("last", "last_two", "maximum"))
        _check_frameskip(self.frameskip)
        for name, most in (("repeat_action_probability", 1.0), ("continuous_action_threshold", 1.0)):
            value = getattr(self, name)
            if isinstance(value, int | float | np.number) and not 0 <= value <= most:
                raise InvalidField(f"AleEnv: `{name}` must be from 0 to {most:g}, got {value!r}.")
        if not isinstance(self.noop_max, int) or isinstance(self.noop_max, bool) or self.noop_max < 0:
            raise InvalidField(f"AleEnv: `noop_max` must be an integer of at least 0, got {self.noop_max!r}.")
        least = self._most_frames + WARM_FRAMES
        interval = self.snapshot_interval
        if interval is not None and (not isinstance(interval, int) or isinstance(interval, bool) or interval < least):
            raise InvalidField(
                f"AleEnv: `snapshot_interval` must be an integer of at least {least} with this frame skip, or None,"
                f" got {interval!r}."
            )

    @property
    def observation_space(self) -> Box | Dict:
        image = Box(0, 255, self._program.outcome["observation"].shape, np.uint8)
        return Dict({"image": image, "sound": Box(0, 255, (SOUND_BYTES,), np.uint8)}) if self.sound_obs else image

    @property
    def action_space(self) -> Box | Discrete:
        if not self.continuous:
            return Discrete(len(self._actions))
        return Box(np.array([0, -np.pi, 0], np.float32), np.array([1, np.pi, 1], np.float32))

    @property
    def action_meanings(self) -> tuple[str, ...]:
        """The meaning of each discrete action, such as `"UPFIRE"`."""
        return tuple(ACTION_MEANINGS[action] for action in self._actions)

    def reset(self, key: Key) -> tuple[AleState, jaxenvs.TimeStep[Any]]:
        """Begins with the newly booted console, after a random number of no-ops if `noop_max` is positive."""
        POOL.check_process()
        key, noop_key = jax.random.split(check_key(key))
        noops = jnp.zeros((), jnp.int32)
        if self.noop_max:
            noops = jax.random.randint(noop_key, (), 1, self.noop_max + 1, jnp.int32)
        program = self._program
        start = _call(host.reset_function(program, self.noop_max), program.state | program.outcome, {"noops": noops})
        strength = jnp.ones((), jnp.float32) if self.continuous else None
        state = _state_from(start, jnp.asarray(_NOOP, jnp.int32), strength, key)
        return state, jaxenvs.restart(self._observation(start), _info(state))

    def step(self, state: AleState, action: Array) -> tuple[AleState, jaxenvs.TimeStep[Any]]:
        """Holds the joystick in this position for `frameskip` frames, except in sticky ones.

        An action outside the space makes the compiled program raise an error when it runs.
        """
        POOL.check_process()
        action = self.action_space.validate(action)
        key, skip_key, sticky_key = jax.random.split(state.key, 3)
        draws = jax.random.uniform(sticky_key, (self._most_frames,), jnp.float32)
        # After the first frame that takes the new action, repeating the previous one changes nothing.
        taken = jax.lax.cummax((draws >= self.repeat_action_probability).astype(jnp.int32)) > 0
        wanted, strength, is_legal = self._joystick(action)
        actions = jnp.where(taken, wanted, state.previous_action)
        count = self._draw_count(skip_key)
        program = self._program
        arguments = _arguments(program, state) | {"actions": actions.astype(jnp.uint8)}
        arguments["counts"] = jnp.stack([state.log_length, jnp.where(is_legal, count, -1)])
        last_strength = None
        if state.previous_strength is not None:
            strengths = jnp.where(taken, strength, state.previous_strength)
            arguments["strengths"] = strengths
            last_strength = strengths[count - 1]
        result = _call(host.step_function(program), program.state | program.outcome, arguments)
        state = _state_from(result, actions[count - 1], last_strength, key)
        reward, terminated = result["facts"][Fact.REWARD], result["facts"][Fact.TERMINATED] == 1
        return state, jaxenvs.transition(self._observation(result), reward, terminated, _info(state))

    def render(self, state: AleState) -> Array:
        """(height, 160, 3) uint8: the screen."""
        program = self._program
        arguments = _arguments(program, state)
        arguments["counts"] = jnp.stack([state.log_length, jnp.zeros((), jnp.int32)])
        return _call(host.render_function(program), program.picture, arguments)["picture"]

    def _joystick(self, action: Array) -> tuple[Array, Array, Array]:
        """The ALE's action, the strength, and whether the action lies in its space."""
        if not self.continuous:
            table = jnp.asarray(self._actions, jnp.int32)
            inside = (action >= 0) & (action < len(self._actions))
            return table[jnp.where(inside, action, 0)], jnp.ones((), jnp.float32), inside
        radius, angle, button = action[0], action[1], action[2]
        x, y = radius * jnp.cos(angle), radius * jnp.sin(angle)
        threshold = jnp.asarray(self.continuous_action_threshold, jnp.float32)
        across = (x > threshold).astype(jnp.int32) - (x < -threshold).astype(jnp.int32)
        along = (y > threshold).astype(jnp.int32) - (y < -threshold).astype(jnp.int32)
        pressed = (button > threshold).astype(jnp.int32)
        table = jnp.asarray(_JOYSTICK, jnp.int32)
        return table[across + 1, along + 1, pressed], radius, jnp.isfinite(action).all()

    def _draw_count(self, key: Key) -> Array:
        if isinstance(self.frameskip, int):
            return jnp.asarray(self.frameskip, jnp.int32)
        return jax.random.randint(key, (), *self.frameskip, jnp.int32)

    def _observation(self, result: dict[str, Array]) -> Any:
        image = result["observation"]
        return {"image": image, "sound": result["sound"]} if self.sound_obs else image

    @property
    def _actions(self) -> tuple[int, ...]:
        game = GAMES[self.game]
        return game.legal_actions if self.full_action_space else game.minimal_actions

    @property
    def _most_frames(self) -> int:
        return self.frameskip if isinstance(self.frameskip, int) else self.frameskip[1] - 1

    @property
    def _program(self) -> GameProgram:
        interval = self.snapshot_interval or max(_USUAL_INTERVAL, self._most_frames + WARM_FRAMES)
        return GameProgram(
            machine=Machine(self.game, self.mode, self.difficulty, self.sound_obs),
            height=GAMES[self.game].height,
            view=self.obs_type,
            frames=self.frames,
            frameskip=self._most_frames,
            interval=SOUND_FRAMES if self.sound_obs else interval,
            continuous=self.continuous,
            stops_at_life_loss=self.stop_at_life_loss,
        )


_ACROSS, _ALONG, _BUTTON = ("LEFT", "", "RIGHT"), ("DOWN", "", "UP"), ("", "FIRE")
_JOYSTICK = tuple(
    tuple(tuple(ACTION_MEANINGS.index(along + across + fire or "NOOP") for fire in _BUTTON) for along in _ALONG)
    for across in _ACROSS
)
"""The ALE's action by horizontal (left, middle, right) and vertical (down, middle, up) position, and button."""


def _call(function: HostFunction, results: dict[str, Field], arguments: dict[str, Array]) -> dict[str, Array]:
    forms = {name: jax.ShapeDtypeStruct(field.shape, field.dtype) for name, field in results.items()}
    return host_call(function, forms, arguments, hint="Emulators compute no derivatives.")


def _arguments(program: GameProgram, state: AleState) -> dict[str, Array]:
    return {name: getattr(state, name) for name in program.state}


def _state_from(result: dict[str, Array], action: Array, strength: Array | None, key: Key) -> AleState:
    facts = result["facts"]
    return AleState(
        snapshot=result["snapshot"],
        log=result["log"],
        log_strength=result.get("log_strength"),
        log_length=facts[Fact.LOG_LENGTH],
        previous_action=action,
        previous_strength=strength,
        lives=facts[Fact.LIVES],
        episode_frame_number=facts[Fact.EPISODE_FRAME_NUMBER],
        frame_number=facts[Fact.FRAME_NUMBER],
        key=key,
    )


def _info(state: AleState) -> dict[str, Array]:
    return {name: getattr(state, name) for name in ("lives", "episode_frame_number", "frame_number")}


@functools.cache
def _check_installed() -> None:
    if importlib.util.find_spec("ale_py") is None:
        raise DependencyNotInstalled(
            'The games of the ALE need `ale_py`, which is not installed: run `pip install "jaxenvs[atari]"`.'
        )


def _find_game(name: Any) -> Game:
    if name in TWO_PLAYER_GAMES:
        raise InvalidField(
            f"AleEnv: {name!r} is a game for two players, which an environment with one agent cannot play."
        )
    if name not in GAMES:
        by_title = {game.title.lower(): game.name for game in GAMES.values()}
        plain = str(name).lower()
        near = by_title.get(plain.replace("_", "").replace(" ", ""))
        hint = f" Did you mean: `{near}`?" if near else did_you_mean(plain, GAMES)
        raise InvalidField(f"AleEnv: there is no game {name!r}.{hint} `jaxenvs_ale_bridge.GAMES` contains them all.")
    return GAMES[name]


def _check_choice(field: str, value: Any, known: tuple[Any, ...], game: Game | None = None) -> None:
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in known):
        listed = ", ".join(repr(choice) for choice in known[:30])
        of_game = f" in {game.name}" if game else ""
        raise InvalidField(f"AleEnv: `{field}`{of_game} must be one of {listed}; got {value!r}.")


def _check_frameskip(value: Any) -> None:
    parts = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    are_integers = all(isinstance(part, int) and not isinstance(part, bool) and part >= 1 for part in parts)
    if not are_integers or (len(parts) == 2 and parts[0] >= parts[1]):
        raise InvalidField(
            "AleEnv: `frameskip` must be an integer of at least 1, or a pair (low, high) of them with low < high,"
            f" got {value!r}."
        )
