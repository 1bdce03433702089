"""The worker processes: started late, ended with their parent, restarted when they die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import ForkedProcess, InvalidField
from jaxenvs.testing.trees import identical
from jaxenvs_ale_bridge import AleEnv, close_workers, set_num_workers
from jaxenvs_ale_bridge.pool import POOL

ROOT = Path(__file__).parents[2]
LANES = 4


def program(env, steps):
    """A compiled rollout that always uses the same actions, and its first state."""
    keys = jax.random.split(jaxenvs.random.key(0), LANES)
    actions = jnp.asarray(np.arange(steps * LANES).reshape(steps, LANES) // 5 % env.action_space.n, jnp.int32)
    roll = jax.jit(lambda state: jax.lax.scan(jax.vmap(env.step), state, actions))
    return roll, jax.jit(jax.vmap(env.reset))(keys)[0]


@pytest.fixture
def own_workers():
    yield
    set_num_workers(None)


def run(code, timeout=120, **kwargs):
    """Runs a script in a new process."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=ROOT, check=False, **kwargs)


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_no_worker_runs_before_the_first_step_and_none_imports_jax():
    code = """
    import jaxenvs
    from jaxenvs_ale_bridge.pool import POOL
    env = jaxenvs.make("ALE/Pong-v5")
    env.observation_space, env.action_space
    assert not POOL.pids
    import jax
    env.reset(jaxenvs.random.key(0))
    for pid in POOL.pids:
        maps = open(f"/proc/{pid}/maps").read()
        assert "ale_py" in maps and "jaxlib" not in maps
    print("workers", len(POOL.pids))
    """
    done = run("from jaxenvs_ale_bridge import register_all; register_all()\n" + textwrap.dedent(code))
    assert done.stdout.startswith("workers"), done.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_worker_killed_in_mid_rollout_costs_no_step(how, own_workers):
    env = AleEnv(game="breakout", obs_type="ram")
    roll, state = program(env, 300)
    expected = jax.block_until_ready(roll(state))
    set_num_workers(2)
    killed = []

    def kill(frame):
        # From within the rollout, so that it certainly runs.
        if frame == 400 and not killed:
            killed.append(POOL.pids[1])
            os.kill(killed[0], how)

    def body(state, step):
        jax.debug.callback(kill, state.frame_number[0])
        return jax.vmap(env.step)(state, step)

    actions = jnp.asarray(np.arange(300 * LANES).reshape(300, LANES) // 5 % env.action_space.n, jnp.int32)
    found = jax.block_until_ready(jax.jit(lambda s: jax.lax.scan(body, s, actions))(state))
    assert killed and killed[0] not in POOL.pids
    assert identical(found, expected)


def test_a_worker_that_cannot_start_is_an_error_not_a_hang(monkeypatch):
    close_workers()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    env = AleEnv(game="breakout", obs_type="ram", snapshot_interval=31)  # which no other test has begun
    with pytest.raises(Exception, match="died 3 times at the same request"):
        jax.block_until_ready(env.reset(jaxenvs.random.key(0)))


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_the_number_of_workers_changes_nothing_else(count, own_workers):
    env = AleEnv(game="breakout", obs_type="ram")
    roll, state = program(env, 20)
    expected = jax.block_until_ready(roll(state))
    set_num_workers(count)
    assert identical(roll(state), expected)
    assert len(POOL.pids) == count


def test_a_wrong_number_of_workers_is_refused():
    with pytest.raises(InvalidField, match="positive integer or None, got 0"):
        set_num_workers(0)


def start_pong():
    """The code of a process that has workers and prints their ids."""
    return """
    import jaxenvs
    from jaxenvs_ale_bridge import AleEnv
    from jaxenvs_ale_bridge.pool import POOL
    env = AleEnv(game="pong", obs_type="ram")
    state, _ = env.reset(jaxenvs.random.key(0))
    print(*POOL.pids, flush=True)
    """


ENDINGS = [
    "",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    pytest.param("import os; os._exit(1)", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_workers_end_with_their_parent_however_it_ends(ending):
    done = run(textwrap.dedent(start_pong()) + ending)
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids, done.stderr
    assert wait_until(lambda: not any(map(is_alive, pids))), "a worker outlives its parent"


def test_workers_end_even_where_another_process_holds_the_pipes():
    code = textwrap.dedent(start_pong()) + textwrap.dedent("""
    import os, signal, time, warnings
    warnings.simplefilter("ignore")
    if os.fork() == 0:
        os.close(1); os.close(2)
        time.sleep(60)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = run(code)
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids and wait_until(lambda: not any(map(is_alive, pids)))


def test_ctrl_c_stops_a_rollout_and_leaves_a_working_process():
    code = textwrap.dedent(start_pong()) + textwrap.dedent("""
    import jax, jax.numpy as jnp, os, signal, threading, time
    step = jax.jit(env.step)
    step(state, jnp.int32(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us with it ignored
    threading.Timer(1.0, os.killpg, (os.getpgid(0), signal.SIGINT)).start()
    try:
        current = state
        while True:
            current, _ = step(current, jnp.int32(2))
    except BaseException as error:
        print("KeyboardInterrupt" in repr(error), flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    again, first = step(state, jnp.int32(0)), step(state, jnp.int32(0))
    print(int(again[1].info["frame_number"]), bool((again[1].observation == first[1].observation).all()))
    """)
    done = run(code, start_new_session=True)
    lines = done.stdout.splitlines()
    # JAX wraps an exception raised by a callback in its own error, which quotes it.
    assert lines[1:] == ["True", "4 True"], done.stderr[-3000:]


def in_a_fork(queue):
    try:
        AleEnv(game="pong", obs_type="ram").reset(jaxenvs.random.key(0))
        queue.put("it went on")
    except ForkedProcess as error:
        queue.put(str(error))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_a_forked_process_is_refused_and_does_its_parent_no_harm():
    env = AleEnv(game="breakout", obs_type="ram")
    roll, state = program(env, 20)
    expected = jax.block_until_ready(roll(state))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=in_a_fork, args=(queue,))
    process.start()
    assert "forked from one that has used the bridge" in queue.get(timeout=60)
    process.join(timeout=60)
    assert identical(roll(state), expected)


def in_a_spawned_process(queue):
    env = AleEnv(game="breakout", obs_type="ram")
    queue.put(np.asarray(env.reset(jaxenvs.random.key(0))[1].observation))


def test_a_spawned_process_has_workers_of_its_own():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=in_a_spawned_process, args=(queue,))
    process.start()
    expected = AleEnv(game="breakout", obs_type="ram").reset(jaxenvs.random.key(0))[1].observation
    np.testing.assert_array_equal(queue.get(timeout=120), expected)
    process.join(timeout=60)
    assert process.exitcode == 0


def resident_kilobytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.slow
def test_a_hundred_thousand_steps_leak_nothing():
    env = jaxenvs.AutoReset(AleEnv(game="pong", obs_type="grayscale", frameskip=1))
    keys = jax.random.split(jaxenvs.random.key(0), LANES)
    state, _ = jax.jit(jax.vmap(env.reset))(keys)

    @jax.jit
    def roll(state):
        actions = jnp.zeros((2500, LANES), jnp.int32)
        return jax.lax.scan(lambda s, a: (jax.vmap(env.step)(s, a)[0], None), state, actions)[0]

    sizes, files = [], []
    for _ in range(10):  # 10 times 2,500 times 4 lanes
        state = jax.block_until_ready(roll(state))
        sizes.append([resident_kilobytes(pid) for pid in [os.getpid(), *POOL.pids]])
        files.append(len(os.listdir("/proc/self/fd")))
    growth = np.array(sizes[-1]) - np.array(sizes[2])
    assert (growth < 20_000).all(), f"kilobytes: {sizes}"
    assert files[-1] <= files[2] + 2
