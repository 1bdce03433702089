"""Adapters in several processes: they work where those are started anew, and say so where they cannot."""

import multiprocessing
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from jaxenvs.adapters import GymnasiumEnv, _processes
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


@pytest.mark.parametrize(("context", "works"), [("spawn", True), ("fork", False)])
def test_gymnasiums_async_vector_env(context, works, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import gymnasium, jaxenvs
            if __name__ == "__main__":
                envs = gymnasium.make_vec(
                    "jaxenvs/CartPole-v1", 2, vectorization_mode="async", vector_kwargs={{"context": {context!r}}}
                )
                print(envs.reset(seed=0)[0].shape)
                envs.close()
        """)
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    if works:
        assert result.stdout.strip() == "(2, 4)", result.stderr
    else:
        assert result.returncode != 0 and "ForkedProcess" in result.stderr


def test_the_check_is_of_the_process_that_began(monkeypatch):
    GymnasiumEnv("CartPole-v1")
    _processes.check_process()
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(ForkedProcess, match="spawn"):
        _processes.check_process()
