"""Gymnasium's options, and randomness."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidAction, InvalidField
from jaxenvs.spaces import from_gymnasium
from jaxenvs_ale_bridge import GAMES, AleEnv
from jaxenvs_ale_bridge.games import ACTION_MEANINGS
from tests.ale_bridge.raw import RawGame, wandering_actions

STEPS = 25
KEY = jaxenvs.random.key(0)


def play(env, actions, key=KEY):
    """The start, and the states and timesteps that `actions` lead to."""

    def program(key, actions):
        state, start = env.reset(key)

        def body(state, action):
            state, timestep = env.step(state, action)
            return state, (state, timestep)

        return start, *jax.lax.scan(body, state, actions)[1]

    return jax.device_get(jax.jit(program)(key, actions))


SAME_AS_GYMNASIUM = [
    {"obs_type": "rgb"},
    {"obs_type": "grayscale", "frameskip": 1},
    {"obs_type": "ram", "full_action_space": True},
    {"obs_type": "ram", "mode": 4, "difficulty": 1},
    {"obs_type": "grayscale", "continuous": True},
    {"obs_type": "ram", "continuous": True, "continuous_action_threshold": 0.2, "frameskip": 2},
    {"obs_type": "ram", "sound_obs": True},
]


@pytest.mark.gymnasium
@pytest.mark.parametrize("options", SAME_AS_GYMNASIUM, ids=str)
def test_every_option_does_what_it_does_in_gymnasium(options):
    import ale_py

    gymnasium.register_envs(ale_py)
    options = {"repeat_action_probability": 0.0, **options}
    theirs = gymnasium.make("ALE/Breakout-v5", **options).unwrapped
    ours = AleEnv(game="breakout", **options)
    assert ours.action_space == from_gymnasium(theirs.action_space)
    assert ours.observation_space == from_gymnasium(theirs.observation_space)
    rng = np.random.default_rng(0)
    if ours.continuous:
        actions = rng.uniform([0, -np.pi, 0], [1, np.pi, 1], (STEPS, 3)).astype(np.float32)
    else:
        assert list(ours.action_meanings) == theirs.get_action_meanings()
        actions = wandering_actions(rng, STEPS, 1, ours.action_space.n)[:, 0]
    start, _, timesteps = play(ours, actions)
    observation, info = theirs.reset(seed=0)
    expect(start.observation, observation)
    assert {name: int(value) for name, value in start.info.items()} == {name: info[name] for name in start.info}
    for step, action in enumerate(actions):
        observation, reward, terminated, _, info = theirs.step(action)
        expect(jax.tree.map(lambda x, i=step: x[i], timesteps.observation), observation)
        assert (timesteps.reward[step], timesteps.terminated[step]) == (reward, terminated)
        assert {name: int(value[step]) for name, value in timesteps.info.items()} == info


def expect(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_a_random_frame_skip_and_sticky_actions_are_drawn_from_the_key():
    probability = 0.3
    env = AleEnv(
        game="pong", obs_type="ram", frameskip=(2, 5), repeat_action_probability=probability, snapshot_interval=1000
    )
    actions = wandering_actions(np.random.default_rng(0), 240, 1, env.action_space.n)[:, 0]
    actions[::2] = (actions[::2] + 1) % env.action_space.n  # so that an action is never the one before
    _, states, timesteps = play(env, actions)
    counts = np.diff(states.log_length, prepend=0)
    assert sorted(set(counts)) == [2, 3, 4]
    # With so long an interval the log holds every frame: what the emulator was really told.
    log = states.log[-1][: states.log_length[-1]]
    raw, frame, previous, fresh = RawGame("pong"), 0, 0, []
    for step, count in enumerate(counts):
        used, wanted = log[frame : frame + count], GAMES["pong"].minimal_actions[actions[step]]
        took = np.flatnonzero(used != previous)
        first = took[0] if took.size else count
        assert (used[:first] == previous).all() and (used[first:] == wanted).all()
        if wanted != previous:
            fresh.append(first > 0)
        assert raw.step(used) == timesteps.reward[step]
        np.testing.assert_array_equal(timesteps.observation[step], raw.ale.getRAM())
        frame, previous = frame + count, used[-1]
    assert abs(np.mean(fresh) - probability) < 4 * np.sqrt(probability * (1 - probability) / len(fresh))
    _, others, _ = play(env, actions, jaxenvs.random.key(1))
    assert (others.log[-1] != states.log[-1]).any()


def test_no_ops_at_the_start_are_between_one_and_the_most():
    env = AleEnv(game="breakout", obs_type="ram", noop_max=30)
    keys = jax.random.split(KEY, 600)
    states, starts = jax.device_get(jax.jit(jax.vmap(env.reset))(keys))
    assert set(starts.info["frame_number"]) == set(range(1, 31))
    raw = RawGame("breakout")
    assert int(states.log_length.max()) <= 6  # starts are kept with recent snapshots: few frames to replay
    for noops in range(1, 31):
        raw.step([0])
        lanes = np.flatnonzero(states.frame_number == noops)
        np.testing.assert_array_equal(starts.observation[lanes], np.tile(raw.ale.getRAM(), (len(lanes), 1)))
    # An episode continues from there as in ale-py.
    latest = jax.tree.map(lambda leaf: leaf[np.argmax(states.frame_number)], states)
    state, timestep = jax.jit(env.replace(repeat_action_probability=0.0).step)(latest, jnp.int32(2))
    raw.step([GAMES["breakout"].minimal_actions[2]] * 4)
    np.testing.assert_array_equal(timestep.observation, raw.ale.getRAM())
    assert state.frame_number == 34


@pytest.mark.parametrize("frames", ["last_two", "maximum"])
@pytest.mark.parametrize("frameskip", [1, 4])
def test_the_last_two_frames_are_seen_in_one_call(frames, frameskip):
    options = {"game": "ms_pacman", "obs_type": "grayscale", "repeat_action_probability": 0.0}
    env = AleEnv(frames=frames, frameskip=frameskip, **options)
    actions = wandering_actions(np.random.default_rng(0), STEPS, 1, env.action_space.n)[:, 0]
    start, _, timesteps = play(env, actions)
    raw = RawGame("ms_pacman")
    first = raw.ale.getScreenGrayscale()
    np.testing.assert_array_equal(start.observation, np.stack([first, first]) if frames == "last_two" else first)
    for step, action in enumerate(actions):
        pair = []
        used = [GAMES["ms_pacman"].minimal_actions[action]] * frameskip
        raw.step(used[:-1])
        pair.append(raw.ale.getScreenGrayscale())
        raw.step(used[-1:])
        pair.append(raw.ale.getScreenGrayscale())
        expected = np.stack(pair) if frames == "last_two" else np.maximum(*pair)
        np.testing.assert_array_equal(timesteps.observation[step], expected, f"step {step}")


def test_an_illegal_action_is_an_error_and_the_state_can_still_be_stepped():
    env = AleEnv(game="breakout", obs_type="ram")
    states, _ = jax.vmap(env.reset)(jax.random.split(KEY, 2))
    step = jax.jit(jax.vmap(env.step))
    with pytest.raises(Exception, match="An action lies outside the action space"):
        jax.block_until_ready(step(states, jnp.array([0, 4], jnp.int32)))
    with pytest.raises(InvalidAction):
        env.step(jax.tree.map(lambda leaf: leaf[0], states), jnp.float32(1))
    _, timestep = step(states, jnp.array([0, 3], jnp.int32))
    assert (timestep.info["frame_number"] == 4).all()


BAD_FIELDS = [
    ({"game": "brekout"}, "no game 'brekout'. Did you mean: `breakout`"),
    ({"game": "SpaceInvaders"}, "Did you mean: `space_invaders`"),
    ({"game": "combat"}, "is a game for two players"),
    ({"game": "pong", "mode": 7}, "`mode` in pong must be one of None, 0, 1; got 7"),
    ({"game": "pong", "difficulty": True}, "`difficulty` in pong must be one of"),
    ({"game": "pong", "obs_type": "gray"}, "`obs_type` must be one of 'rgb', 'grayscale', 'ram'"),
    ({"game": "pong", "frames": "max"}, "`frames` must be one of"),
    ({"game": "pong", "frameskip": (4, 4)}, "`frameskip` must be an integer of at least 1, or a pair"),
    ({"game": "pong", "frameskip": 0}, "`frameskip` must be"),
    ({"game": "pong", "repeat_action_probability": 1.5}, "`repeat_action_probability` must be from 0 to 1"),
    ({"game": "pong", "noop_max": -1}, "`noop_max` must be"),
    ({"game": "pong", "snapshot_interval": 5}, "`snapshot_interval` must be an integer of at least 7"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS, ids=[str(fields) for fields, _ in BAD_FIELDS])
def test_a_wrong_option_is_refused_with_what_would_be_right(fields, message):
    with pytest.raises(InvalidField) as caught:
        AleEnv(**fields)
    assert message in str(caught.value)


def test_the_joystick_knows_every_direction():
    env = AleEnv(game="pong", continuous=True)
    found = set()
    for angle in np.arange(8) * np.pi / 4:
        for button in (0.0, 1.0):
            wrapped = (angle + np.pi) % (2 * np.pi) - np.pi
            found.add(int(env._joystick(jnp.array([1.0, wrapped, button], jnp.float32))[0]))
    found.add(int(env._joystick(jnp.array([0.1, 0.0, 1.0], jnp.float32))[0]))
    found.add(int(env._joystick(jnp.array([0.1, 0.0, 0.0], jnp.float32))[0]))
    assert found == set(range(len(ACTION_MEANINGS)))
