"""Recording jitted loops, rollouts and evaluations: the episodes are those that are counted step by step."""

import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import outcome, read_episodes, record
from jaxenvs.wrappers import EpisodeStatistics, NormalizeReward
from tests.monitor.recording.replaying import check_replayer, check_replays, replays_of

LANES, STEPS, CHUNKS = 4, 30, 3
ENV = jaxenvs.make("CartPole-v1", max_episode_steps=16)
"""With random actions, some of its episodes terminate and others are truncated."""
AUTO = jaxenvs.AutoReset(ENV)
KEY = jaxenvs.random.key(0)


@partial(jax.jit, static_argnames="form")
def play(env, state, actions, form="timesteps"):
    forms = {"timesteps": lambda timestep: timestep, "outcomes": outcome}

    def step(state, action):
        state, timestep = jax.vmap(env.step)(state, action)
        return state, forms[form](timestep)

    return jax.lax.scan(step, state, actions)


@partial(jax.jit, static_argnames="lanes")
def begin(env, key, lanes):
    return jax.vmap(env.reset)(jax.random.split(key, lanes))[0]


def random_actions(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 2, shape), jnp.int32)


def counted(timesteps, lanes=LANES):
    """The episodes of (steps, lanes) timesteps, step by step: lane, return, length, flags and steps of all lanes."""
    rewards, terminated, truncated = (
        np.asarray(x) for x in (timesteps.reward, timesteps.terminated, timesteps.truncated)
    )
    returns, lengths, rows = [0.0] * lanes, [0] * lanes, []
    for step in range(len(rewards)):
        for lane in range(lanes):
            returns[lane] += float(rewards[step, lane])
            lengths[lane] += 1
            flags = bool(terminated[step, lane]), bool(truncated[step, lane])
            if any(flags):
                rows.append((lane, returns[lane], lengths[lane], *flags, (step + 1) * lanes))
                returns[lane], lengths[lane] = 0.0, 0
    return rows


def rows_of(episodes, **wanted):
    chosen = np.ones(len(episodes["lane"]), bool)
    for name, value in wanted.items():
        chosen &= episodes[name] == value
    names = "lane", "episode_return", "length", "terminated", "truncated", "env_steps"
    return list(zip(*(episodes[name][chosen].tolist() for name in names)))


@pytest.mark.parametrize("form", ["timesteps", "outcomes", "statistics"])
def test_a_loop_in_chunks_records_the_episodes_that_are_counted_step_by_step(tmp_path, form):
    env = EpisodeStatistics(AUTO) if form == "statistics" else AUTO
    state = start = begin(env, KEY, LANES)
    actions = random_actions(CHUNKS, STEPS, LANES)
    with record(env, tmp_path / "run", start=start) as recorder:
        for chunk in actions:
            state, steps = play(env, state, chunk, form="outcomes" if form == "outcomes" else "timesteps")
            recorder.add(steps, chunk)
    whole = play(AUTO, begin(AUTO, KEY, LANES), actions.reshape(-1, LANES))[1]
    expected = counted(whole)
    assert {row[3] for row in expected} == {row[4] for row in expected} == {True, False}
    episodes = read_episodes(recorder.run)
    assert rows_of(episodes) == expected
    assert episodes["episode"].tolist() == list(range(len(expected)))
    assert set(episodes["mode"]) == {"training"} and not episodes["seed"].any()
    assert (np.diff(episodes["seconds"]) >= 0).all() and episodes["seconds"][0] > 0
    assert check_replays(recorder.run, ENV) == len(expected)
    check_replayer(recorder.run)


def test_states_may_be_donated_and_actions_overwritten(tmp_path):
    actions = np.array(random_actions(STEPS, LANES))
    donating = jax.jit(partial(play, AUTO), donate_argnums=0)
    state = begin(AUTO, KEY, LANES)
    with record(AUTO, tmp_path / "run", start=state) as recorder:
        _, timesteps = donating(state, actions)
        recorder.add(timesteps, actions)
        expected = counted(timesteps)
        actions[:] = 1
    assert state.key.is_deleted()
    assert check_replays(recorder.run, ENV) == len(expected) > 3


def test_what_was_added_is_there_after_a_flush(tmp_path):
    actions = random_actions(STEPS, LANES)
    state, timesteps = play(AUTO, begin(AUTO, KEY, LANES), actions)
    with record(AUTO, tmp_path / "run") as recorder:
        recorder.add(timesteps)
        recorder.flush()
        assert rows_of(read_episodes(recorder.run)) == counted(timesteps)
        recorder.add(play(AUTO, state, actions)[1])
    assert len(read_episodes(recorder.run)["lane"]) > len(counted(timesteps))


def test_several_seeds_and_a_second_recorder_in_the_same_folder(tmp_path):
    keys = jax.random.split(KEY, 2)
    starts = jax.vmap(lambda key: begin(AUTO, key, LANES))(keys)
    actions = random_actions(2, 2, STEPS, LANES)
    mapped = jax.jit(jax.vmap(lambda state, actions: play(AUTO, state, actions)))
    with record(AUTO, tmp_path / "run", start=starts) as recorder:
        state, first = mapped(starts, actions[0])
        recorder.add(first, actions[0])
        _, second = mapped(state, actions[1])
        recorder.add(second, actions[1])
    episodes = read_episodes(recorder.run)
    for seed in range(2):
        whole = jax.tree.map(lambda a, b, s=seed: jnp.concatenate([a[s], b[s]]), first, second)
        assert rows_of(episodes, seed=seed) == counted(whole)
    assert (np.diff(episodes["env_steps"]) >= 0).all()
    assert check_replays(recorder.run, ENV) == len(episodes["lane"])
    with record(AUTO, tmp_path / "run", mode="evaluation") as other:
        other.add(jax.tree.map(lambda x: x[0], first))
    both = read_episodes(recorder.run)
    assert set(zip(both["writer"], both["mode"])) == {("training", "training"), ("evaluation", "evaluation")}


def test_one_environment_without_an_axis_of_lanes(tmp_path):
    actions = random_actions(60)
    state = jax.jit(AUTO.reset)(KEY)[0]
    timesteps = jax.jit(lambda state: jax.lax.scan(AUTO.step, state, actions))(state)[1]
    with record(AUTO, tmp_path / "run", start=state) as recorder:
        recorder.add(timesteps, actions)
    expected = counted(jax.tree.map(lambda x: x[:, None], timesteps), lanes=1)
    assert rows_of(read_episodes(recorder.run)) == expected
    assert check_replays(recorder.run, ENV, least=2) == len(expected)


@pytest.mark.parametrize("num_envs", [None, LANES])
@pytest.mark.parametrize("env", [ENV, AUTO], ids=["one episode each", "resets itself"])
def test_rollouts_begin_anew_and_can_be_replayed(tmp_path, env, num_envs):
    key, other = jaxenvs.random.key(1), jaxenvs.random.key(2)
    policy = jaxenvs.RandomPolicy(ENV.action_space)
    with record(env, tmp_path / "run", mode="evaluation") as recorder:
        for each in (key, other):
            trajectory = jaxenvs.rollout(env, policy, each, STEPS, num_envs=num_envs)[1]
            recorder.add_rollout(trajectory, key=each)
            if each is key:
                first = trajectory.timesteps
    if num_envs is None:
        first = jax.tree.map(lambda x: x[:, None], first)
    lanes = num_envs or 1
    expected = counted(first, lanes)
    if env is ENV:
        expected = [row for i, row in enumerate(expected) if row[0] not in {r[0] for r in expected[:i]}]
    episodes = read_episodes(recorder.run)
    assert rows_of(episodes)[: len(expected)] == expected
    assert len(episodes["lane"]) > len(expected)
    assert check_replays(recorder.run, ENV) == len(episodes["lane"])


def test_a_loop_goes_on_in_the_middle_of_its_episodes_after_a_rollout(tmp_path):
    state = begin(AUTO, KEY, LANES)
    actions = random_actions(2, STEPS, LANES)
    policy = jaxenvs.RandomPolicy(ENV.action_space)
    with record(AUTO, tmp_path / "run") as recorder:
        state, first = play(AUTO, state, actions[0])
        recorder.add(first)
        recorder.add_rollout(jaxenvs.rollout(AUTO, policy, KEY, STEPS, num_envs=3)[1])
        between = len(first.reward) * LANES + STEPS * 3
        recorder.add(play(AUTO, state, actions[1])[1])
    whole = counted(play(AUTO, begin(AUTO, KEY, LANES), actions.reshape(-1, LANES))[1])
    episodes = read_episodes(recorder.run)
    steps = episodes["env_steps"]
    of_loop = [
        row[:5]
        for row in rows_of({name: x[(steps <= STEPS * LANES) | (steps > between)] for name, x in episodes.items()})
    ]
    assert of_loop == [row[:5] for row in whole]


UNCLOSED = """
import sys
import jax
import jaxenvs
from jaxenvs.monitor import record
env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1", max_episode_steps=4))
state = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 2))[0]
timesteps = jax.lax.scan(jax.vmap(env.step), state, jax.numpy.zeros((8, 2), "int32"))[1]
record(env, sys.argv[1]).add(timesteps)
"""


def test_a_recorder_that_nobody_closed_writes_its_last_steps_when_python_ends(tmp_path):
    subprocess.run([sys.executable, "-c", UNCLOSED, tmp_path / "run"], check=True)
    assert read_episodes(tmp_path / "run")["length"].tolist() == [4] * 4


def test_evaluations_are_recorded_with_their_flags(tmp_path):
    evaluation = jaxenvs.evaluate(ENV, jaxenvs.RandomPolicy(ENV.action_space), KEY, num_episodes=8)
    cut = jaxenvs.evaluate(ENV, jaxenvs.RandomPolicy(ENV.action_space), KEY, num_episodes=8, max_steps=1)
    with record(ENV, tmp_path / "run", mode="evaluation") as recorder:
        recorder.add_evaluation(evaluation, seed=3, env_steps=100)
        recorder.add_evaluation(cut, env_steps=200)
    episodes = read_episodes(recorder.run)
    whole = {name: values[:8] for name, values in episodes.items()}
    assert (whole["terminated"] ^ whole["truncated"]).all() and whole["terminated"].any() and whole["truncated"].any()
    assert (whole["truncated"] == (whole["length"] == 16)).all()
    assert (whole["episode_return"] == np.asarray(evaluation.returns)).all() and set(whole["seed"]) == {3}
    assert not (episodes["terminated"] | episodes["truncated"])[8:].any() and set(episodes["length"][8:]) == {1}


def test_floats_are_added_in_single_precision_in_the_order_of_steps(tmp_path):
    env = jaxenvs.AutoReset(jaxenvs.make("Pendulum-v1", max_episode_steps=20))
    state = begin(env, KEY, 2)
    actions = jnp.asarray(np.random.default_rng(0).uniform(-2, 2, (40, 2, 1)), jnp.float32)
    timesteps = play(env, state, actions)[1]
    with record(env, tmp_path / "run", start=state) as recorder:
        recorder.add(timesteps, actions)
    episodes = read_episodes(recorder.run)
    total = np.float32(0)
    for reward in np.asarray(timesteps.reward)[:20, 0]:
        total += reward
    assert episodes["episode_return"][0] == float(total) and episodes["length"].tolist() == [20] * 4
    assert check_replays(recorder.run, env.env) == 4
    check_replayer(recorder.run)


def test_mistakes_are_explained(tmp_path):
    timesteps = play(AUTO, begin(AUTO, KEY, LANES), random_actions(STEPS, LANES))[1]
    with record(AUTO, tmp_path / "run") as recorder:
        with pytest.raises(InvalidField, match=r"a function that JAX traces. Return `outcome\(timestep\)`"):
            jax.jit(recorder.add)(timesteps)
        with pytest.raises(InvalidField, match=r"takes no actions\. Pass `start=state` to `record`"):
            recorder.add(timesteps, random_actions(STEPS, LANES))
        recorder.add(timesteps)
        with pytest.raises(InvalidField, match="those before were of"):
            recorder.add(jax.tree.map(lambda x: x[:, :2], timesteps))
        with pytest.raises(InvalidField, match="takes steps with axes"):
            recorder.add(jax.tree.map(lambda x: x[0, 0], timesteps))
    start = begin(AUTO, KEY, LANES)
    with (
        record(AUTO, tmp_path / "run", start=start) as recorder,
        pytest.raises(InvalidField, match="needs the actions"),
    ):
        recorder.add(timesteps)
    with record(AUTO, tmp_path / "run", start=start) as recorder:
        with pytest.raises(
            InvalidField, match=r"the axes of their steps, \(\d+, \d+\), and then their own; got \[\(3,"
        ):
            recorder.add(timesteps, random_actions(3, LANES))
        with pytest.raises(InvalidField, match=rf"has {LANES} lanes, and these steps are of 2\."):
            recorder.add(jax.tree.map(lambda x: x[:, :2], timesteps), random_actions(STEPS, 2))
        with pytest.raises(InvalidField, match=r"takes what .* returned, timesteps, .* got int"):
            recorder.add(3, random_actions(STEPS, LANES))
    for env in ("CartPole-v1", jaxenvs.AutoReset):
        with pytest.raises(InvalidField, match=r"record takes (an environment, got the string|.* the class AutoReset)"):
            record(env, tmp_path / "none")
    with record(ENV, tmp_path / "plain") as recorder, pytest.raises(InvalidField, match="does not reset itself"):
        recorder.add(timesteps)
    assert not len(read_episodes(recorder.run)["lane"])
    with pytest.raises(InvalidField, match="another environment"):
        record(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1", gravity=1.6)), tmp_path / "run")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (ENV, "Only a loop over an environment in AutoReset"),
        (NormalizeReward(AUTO), "NormalizeReward around it changes actions or rewards"),
        (jaxenvs.AutoReset(jaxenvs.make("Copy-v0")), "each depends on those before"),
    ],
    ids=["no AutoReset", "rewards", "levels"],
)
def test_what_cannot_be_replayed_is_refused_at_once(tmp_path, env, message):
    state = jax.eval_shape(env.reset, KEY)[0]
    with pytest.raises(InvalidField, match=message):
        record(env, tmp_path / "run", start=state)
    assert not (tmp_path / "run").exists()


def test_a_start_that_is_no_state_is_refused(tmp_path):
    with pytest.raises(InvalidField, match="`start` must be the state that `reset` of the environment returned"):
        record(AUTO, tmp_path / "run", start=KEY)


def test_nothing_is_recorded_of_replays_without_a_start(tmp_path):
    with record(AUTO, tmp_path / "run") as recorder:
        recorder.add(play(AUTO, begin(AUTO, KEY, LANES), random_actions(STEPS, LANES))[1])
    assert not (recorder.run.path / "replays").exists()
    with pytest.raises(FileNotFoundError):
        replays_of(recorder.run)
