"""Adapters in several processes: they work in new processes, and raise an error in forked ones."""

import ast
import multiprocessing
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from jaxenvs.adapters import GymnasiumEnv
from jaxenvs.adapters._host_loop import processes
from jaxenvs.errors import ForkedProcess


def run(program):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def play(seed, results):
    env = GymnasiumEnv("CartPole-v1")
    results.put((env.reset(seed=seed)[0], env.step(1)[0]))


def test_a_process_started_anew_plays_the_same_episode():
    env = GymnasiumEnv("CartPole-v1")
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=play, args=(3, results))
    process.start()
    first, second = results.get(timeout=60)
    process.join(60)
    np.testing.assert_array_equal(first, env.reset(seed=3)[0])
    np.testing.assert_array_equal(second, env.step(1)[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_process_is_refused_rather_than_left_to_hang():
    result = run("""
        import multiprocessing
        from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv

        env, envs = GymnasiumEnv("CartPole-v1"), GymnasiumVectorEnv("CartPole-v1", 2)
        env.reset(seed=0), envs.reset(seed=0)

        def child():
            calls = lambda: GymnasiumEnv("CartPole-v1"), env.reset, lambda: env.step(1)
            for call in (*calls, envs.reset, lambda: envs.step([0, 1])):
                try:
                    call()
                except Exception as error:
                    print(type(error).__name__, "spawn" in str(error), flush=True)

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(30)
        print(process.exitcode, env.step(1)[1])
    """)
    assert result.stdout.splitlines() == ["ForkedProcess True"] * 5 + ["0 1.0"], result.stderr


def run_async(context, tmp_path):
    """A script that steps an AsyncVectorEnv; Gymnasium's default context is the system's."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import gymnasium, jaxenvs
            if __name__ == "__main__":
                envs = gymnasium.make_vec(
                    "jaxenvs/CartPole-v1", 2, vectorization_mode="async", vector_kwargs={{"context": {context!r}}}
                )
                print(envs.reset(seed=0)[0].shape)
                envs.set_attr("gravity", [500.0, 9.81])
                print(envs.get_attr("gravity"))
                print(envs.step([1, 1])[0].tolist())
                envs.close()
        """)
    )
    return subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, check=False, timeout=300
    )


def test_gymnasiums_async_vector_env(tmp_path):
    result = run_async("spawn", tmp_path)
    assert result.returncode == 0, result.stderr
    shape, gravity, observations = result.stdout.splitlines()
    assert (shape, gravity) == ("(2, 4)", "(500.0, 9.81)")
    env = GymnasiumEnv("CartPole-v1", gravity=500.0)
    env.reset(seed=0)
    np.testing.assert_array_equal(np.array(ast.literal_eval(observations)[0], np.float32), env.step(1)[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_gymnasiums_async_vector_env_by_fork_raises_the_message(tmp_path):
    """If it were raised while workers make their environments, it would be lost among broken pipes."""
    result = run_async("fork", tmp_path)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("jaxenvs.errors.ForkedProcess:") and '"context": "spawn"' in last
    assert "BrokenPipeError" not in result.stderr and "EOFError" not in result.stderr


def test_the_check_is_of_the_process_that_began(monkeypatch):
    GymnasiumEnv("CartPole-v1")
    processes.check_process()
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(ForkedProcess, match="spawn"):
        processes.check_process()
