"""The peers themselves, if they are installed."""

import ctypes
import importlib.util
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.bench.comparison import OURS
from jaxenvs.bench.peers import c_peer
from jaxenvs.bench.subject import AvailablePeer
from jaxenvs.bench.tasks import JAXENVS, PEER_FOLDER, PEERS
from jaxenvs.envs.classic_control.cart_pole import CartPole, CartPoleState

ROWS = {peer.name: peer for peer in PEERS}
needs_compiler = pytest.mark.skipif(c_peer.missing() is not None, reason=str(c_peer.missing()))

RUNS = [
    # peer, its task, options
    pytest.param("jaxenvs", "CartPole-v1", {}),
    pytest.param("jaxenvs", "Pendulum-v1", {}),
    pytest.param("gymnasium-sync", "Pendulum-v1", {"mode": "sync"}),
    pytest.param("gymnasium-vector", "CartPole-v1", {"mode": "vector_entry_point"}),
    pytest.param("c", "CartPole-v1", {}),
    pytest.param("gymnax", "Pendulum-v1", {}, marks=pytest.mark.neighbours),
    pytest.param("gymnax", "Breakout-MinAtar", {"max_steps_in_episode": 50}, marks=pytest.mark.neighbours),
    pytest.param("envpool", "Pendulum-v1", {}),
    pytest.param("jaxenvs", "ALE/Pong-v5", JAXENVS.tasks["ALE/Pong-v5"].options),
    pytest.param("ale-vector", "pong", {"use_fire_reset": False}),
    pytest.param("minatar", "breakout", {}),
]


def test_every_peer_has_a_run():
    assert {run.values[0] for run in RUNS} == {OURS.peer.name, *ROWS}


@pytest.mark.parametrize(("name", "task", "options"), RUNS, ids=[" ".join(run.values[:2]) for run in RUNS])
def test_a_peer_runs(name, task, options, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXENVS_BENCH_CACHE", str(tmp_path))
    if name == "c" and c_peer.missing():
        pytest.skip(f"needs a compiler for C: {c_peer.missing()}")
    package = ROWS[name].distribution if name in ROWS else None
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}")
    subject = AvailablePeer(ROWS[name]) if name in ROWS else OURS
    with subject.start("cpu") as process:
        assert process.ask("find", limit=60)["missing"] is None
        versions = process.ask("import", modules=None, limit=120)["versions"]
        assert package is None or package in versions
        prepared = process.ask("prepare", task=task, options=options, num_envs=3, steps=4, limit=300)
        assert prepared["steps"] in (1, 4) and prepared["device"]
        assert (prepared["compile_seconds"] is None) == (prepared["steps"] == 1)
        answer = process.ask("run", seconds=0.01, limit=60)
        assert answer["env_steps"] > 0 and answer["env_steps"] % (3 * prepared["steps"]) == 0


def test_jaxenvs_chooses_steps_whose_observations_fit_in_caches(monkeypatch):
    monkeypatch.syspath_prepend(PEER_FOLDER)  # as the worker has it
    from jaxenvs.bench.peers import jaxenvs_peer

    assert jaxenvs_peer.prepare("Taxi-v4", 2, None)["steps"] == 1000
    assert jaxenvs_peer.prepare("CartPole-v1", 2**12, None)["steps"] == 2**22 // (2**12 * 16)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXENVS_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        library, seconds = c_peer.build()
        assert seconds > 0
        assert c_peer.build()[1] is None  # it is there now
    return library


@needs_compiler
def test_the_c_program_steps_as_our_environment_does(library):
    """From states in and beyond the bounds; 2e-6 is a few ulps of float32, of -ffast-math and fused products."""
    rng = np.random.default_rng(0)
    states = rng.uniform([-3, -4, -0.3, -4], [3, 4, 0.3, 4], (1000, 4)).astype(np.float32)
    actions = rng.integers(2, size=1000, dtype=np.int32)
    ours, timesteps = jax.vmap(CartPole().step)(
        CartPoleState(*jnp.asarray(states.T), fallen=jnp.zeros(1000, bool)), jnp.asarray(actions)
    )
    theirs, terminated = states.copy(), np.zeros(1000, np.uint8)
    library.step_states(
        ctypes.c_int64(1000), *(array.ctypes.data_as(ctypes.c_void_p) for array in (theirs, actions, terminated))
    )
    np.testing.assert_allclose(theirs, timesteps.observation, rtol=2e-6, atol=2e-6)
    beyond = np.abs(np.asarray(ours.x)) - 2.4, np.abs(np.asarray(ours.theta)) - CartPole().theta_threshold
    clear = np.minimum(*np.abs(beyond)) > 1e-5  # not within rounding of a threshold
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(terminated[clear], np.asarray(timesteps.terminated)[clear])


@needs_compiler
@pytest.mark.parametrize("lanes", [5, 1030], ids=["few", "more than a block"])
def test_the_c_loop_begins_fresh_episodes_where_one_ended(library, lanes):
    """Random play lasts about 22 steps; all starts differ and lie within 0.05."""
    steps = 2000 if lanes < 10 else 100
    for name, kind in (("observations", ctypes.c_float), ("dones", ctypes.c_uint8)):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.POINTER(kind), (ctypes.c_void_p,)
    batch = library.create(lanes, steps, 7)
    seen = []
    for _ in range(2):
        library.advance(batch)
        observations = np.ctypeslib.as_array(library.observations(batch), (steps, lanes, 4)).copy()
        dones = np.ctypeslib.as_array(library.dones(batch), (steps, lanes)).astype(bool)
        seen.append(observations)
        starts, others = observations[dones], observations[~dones]
        assert (np.abs(starts) <= 0.05).all() and starts.std() == pytest.approx(0.1 / 12**0.5, rel=0.05)
        assert len(np.unique(starts, axis=0)) == len(starts)
        assert np.isfinite(others).all() and (np.abs(others[:, 0]) <= 2.4).all()
        assert 18 < dones.size / dones.sum() < 27
    assert not np.array_equal(*seen)


@needs_compiler
def test_a_compiler_that_fails_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXENVS_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", f"{shutil.which('cc')} -no-such-flag")
    with pytest.raises(RuntimeError, match="no-such-flag"):
        c_peer.build()
    assert not list(tmp_path.iterdir())


def test_a_compiler_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    assert c_peer.missing() == "there is no C compiler `no-such-compiler`"
