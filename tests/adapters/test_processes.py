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

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")


def run(program):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
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


@needs_fork
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


def run_async(context, tmp_path, id="CartPole-v1", before=""):
    """A script that steps an AsyncVectorEnv, whose processes start after `before`."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import gymnasium, jax, jaxenvs
            if __name__ == "__main__":
                env = gymnasium.make("jaxenvs/{id}")
                {before}
                envs = gymnasium.make_vec(
                    "jaxenvs/{id}", 2, vectorization_mode="async", vector_kwargs={{"context": {context!r}}}
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


@pytest.mark.parametrize(
    "context", ["spawn", pytest.param("fork", marks=needs_fork), pytest.param("forkserver", marks=needs_fork)]
)
def test_gymnasiums_async_vector_env(context, tmp_path):
    """Making an environment does not start JAX, so processes may be forked afterwards, as by AsyncVectorEnv."""
    result = run_async(context, tmp_path)
    assert result.returncode == 0, result.stderr
    shape, gravity, observations = result.stdout.splitlines()
    assert (shape, gravity) == ("(2, 4)", "(500.0, 9.81)")
    env = GymnasiumEnv("CartPole-v1", gravity=500.0)
    env.reset(seed=0)
    np.testing.assert_array_equal(np.array(ast.literal_eval(observations)[0], np.float32), env.step(1)[0])


@needs_fork
@pytest.mark.parametrize("used", ["env.reset()", "jax.numpy.zeros(3)"])
def test_a_fork_after_jax_was_used_raises_the_message(used, tmp_path):
    """If it were raised while workers make their environments, it would be lost among broken pipes."""
    result = run_async("fork", tmp_path, before=used)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("jaxenvs.errors.ForkedProcess:") and '"context": "spawn"' in last and "forkserver" in last
    assert "BrokenPipeError" not in result.stderr and "EOFError" not in result.stderr


@needs_fork
@pytest.mark.parametrize("used", [False, True])
def test_stable_baselines3s_subproc_vec_env_by_fork(used):
    pytest.importorskip("stable_baselines3", reason="needs the extra `sb3`")
    result = run(f"""
        import gymnasium, jaxenvs
        from stable_baselines3.common.env_util import make_vec_env
        from stable_baselines3.common.vec_env import SubprocVecEnv

        env = gymnasium.make("jaxenvs/CartPole-v1")
        if {used}:
            env.reset()
        fork = {{"start_method": "fork"}}
        envs = make_vec_env("jaxenvs/CartPole-v1", 2, vec_env_cls=SubprocVecEnv, vec_env_kwargs=fork)
        envs.reset()
        print(envs.step([0, 1])[1].tolist())
        envs.close()
    """)
    if used:
        assert "ForkedProcess" in result.stderr and 'start_method="spawn"' in result.stderr
    else:
        assert result.stdout.splitlines() == ["[1.0, 1.0]"], result.stderr


def test_making_an_environment_does_not_start_jax():
    """All ids, their spaces, and their adapters; a field that is a JAX array has started it already."""
    result = run("""
        import gymnasium, jaxenvs, sys
        from jax._src import xla_bridge
        from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
        from jaxenvs.errors import DatasetNotFound, DependencyNotInstalled

        def refuse(*args, **kwargs):
            raise RuntimeError("JAX starts")

        xla_bridge.backends = xla_bridge.get_backend = refuse
        count = 0
        for id in jaxenvs.registry:
            try:
                GymnasiumEnv(id).close()
                count += 1
            except (DatasetNotFound, DependencyNotInstalled):
                pass
            except RuntimeError as error:
                print(id, error)
        GymnasiumVectorEnv("CartPole-v1", 2)
        print(count)
    """)
    (count,) = result.stdout.splitlines()
    assert int(count) > 80, result.stderr


def test_the_check_is_of_a_process_whose_parent_had_used_jax(monkeypatch):
    processes.check_process()
    monkeypatch.setattr("jaxenvs.core.processes._jax_had_begun", True)
    with pytest.raises(ForkedProcess, match="spawn"):
        processes.check_process()
    with pytest.raises(ForkedProcess, match="spawn"):
        GymnasiumEnv("CartPole-v1")


def test_that_jax_has_begun_is_known():
    """JAX has no public name for it; without this one, every fork is taken for one that came too late."""
    result = run("""
        import jax, jaxenvs
        from jaxenvs.core.processes import jax_has_begun
        before = jax_has_begun()
        jax.numpy.zeros(3)
        print(before, jax_has_begun())
    """)
    assert result.stdout.split() == ["False", "True"], result.stderr
