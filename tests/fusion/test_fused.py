"""jaxenvs.fuse: what users call, on a CPU."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import fusion
from jaxenvs.errors import InvalidAction, InvalidField, JaxenvsError
from jaxenvs.fusion import fused as fused_module
from jaxenvs.fusion import native, primitives
from jaxenvs.fusion.lanes import lane_program
from tests.fusion.trees import assert_trees_close

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

STEPS = 12


def _start(env, lanes, steps=STEPS):
    state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), lanes))
    sample = jax.vmap(jax.vmap(env.action_space.sample))
    return state, sample(jax.random.split(jaxenvs.random.key(1), (steps, lanes)))


@pytest.fixture(scope="module")
def cart_pole():
    return jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.TimeLimit(jaxenvs.unwrap(jaxenvs.make("CartPole-v1")), 5)))


@pytest.mark.parametrize("lanes", [1, 15, 16, 33, 400, 530])
def test_scan_gives_what_a_scan_of_mapped_steps_gives(cart_pole, lanes):
    state, actions = _start(cart_pole, lanes)
    expected = jax.jit(lambda *xs: jax.lax.scan(jax.vmap(cart_pole.env.step), *xs))(state, actions)
    assert expected[1].truncated.sum() == 2 * lanes  # so that resets are compared too
    assert_trees_close(cart_pole.scan(state, actions), expected)
    assert_trees_close(jax.jit(cart_pole.scan)(state, actions), expected)


def test_mapped_steps_are_kernels_in_any_loop(cart_pole):
    state, actions = _start(cart_pole, 32)
    program = jax.jit(lambda *xs: jax.lax.scan(jax.vmap(cart_pole.step), *xs))
    assert "custom_call @jaxenvs_" in program.lower(state, actions).as_text()
    assert_trees_close(program(state, actions), cart_pole.scan(state, actions))
    assert_trees_close(
        jax.vmap(cart_pole.step)(state, actions[0])[1], jax.tree.map(lambda x: x[0], program(state, actions)[1])
    )


def test_a_step_is_read_once_for_each_environment_and_shape(cart_pole, monkeypatch):
    read = []
    monkeypatch.setattr(fused_module, "lane_program", lambda *xs: read.append(1) or lane_program(*xs))
    fused_module._lane_step.cache_clear()
    state, actions = _start(cart_pole, 16)
    first = jax.vmap(cart_pole.step)(state, actions[0])
    assert_trees_close(jax.vmap(cart_pole.step)(state, actions[0]), first)
    assert len(read) == 1
    heavier = jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1", gravity=30.0)))
    state, actions = _start(heavier, 16)
    second = jax.vmap(heavier.step)(state, actions[0])
    assert len(read) == 2
    assert_trees_close(second, jax.vmap(heavier.env.step)(state, actions[0]))
    jax.vmap(heavier.step)(state, actions[0].astype(jnp.int16))  # becomes an element of the action space first
    assert len(read) == 2
    car = jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.make("MountainCar-v0")))
    state, actions = _start(car, 16)
    jax.vmap(car.step)(state, actions[0])
    assert len(read) == 3


def test_a_single_environment_steps_as_without(cart_pole):
    state, _ = cart_pole.reset(jaxenvs.random.key(3))
    expected = cart_pole.env.step(state, jnp.int32(1))
    assert_trees_close(cart_pole.step(state, jnp.int32(1)), expected)
    assert_trees_close(jax.jit(cart_pole.step)(state, jnp.int32(1)), expected)


def test_an_action_outside_the_space_is_refused_as_without(cart_pole):
    state, _ = cart_pole.reset(jaxenvs.random.key(3))
    for env in (cart_pole, cart_pole.env):
        with pytest.raises(InvalidAction, match="from 0 to 1"):
            env.step(state, 2)


def test_batches_of_parameters_and_of_batches():
    actions = _start(jaxenvs.make("CartPole-v1"), 20)[1]

    def play(gravity, wrap):
        env = wrap(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1", gravity=gravity)))
        state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 20))
        return jax.lax.scan(jax.vmap(env.step), state, actions)

    gravities = jnp.linspace(5.0, 15.0, 3)
    fused = jax.jit(jax.vmap(lambda gravity: play(gravity, jaxenvs.fuse)))(gravities)
    plain = jax.jit(jax.vmap(lambda gravity: play(gravity, lambda env: env)))(gravities)
    assert_trees_close(fused, plain)
    assert not np.array_equal(fused[1].observation[0], fused[1].observation[2])
    nested = jax.jit(
        jax.vmap(
            lambda gravity: fusion.scan(lambda carry, x: (carry + gravity * x, carry), jnp.zeros(20), jnp.ones((4, 20)))
        )
    )(gravities)
    np.testing.assert_allclose(nested[0], np.repeat(4 * np.asarray(gravities)[:, None], 20, 1), rtol=1e-6)
    np.testing.assert_allclose(nested[1][:, 1], np.repeat(np.asarray(gravities)[:, None], 20, 1), rtol=1e-6)


def test_rollout_with_a_policy_is_one_kernel(cart_pole):
    policy = jaxenvs.RandomPolicy(cart_pole.action_space)
    fused = jaxenvs.rollout(cart_pole, policy, jaxenvs.random.key(2), STEPS, num_envs=40, keep_states=True)
    plain = jaxenvs.rollout(cart_pole.env, policy, jaxenvs.random.key(2), STEPS, num_envs=40, keep_states=True)
    assert_trees_close(fused, plain)


def test_evaluate_plays_fused_episodes():
    env = jaxenvs.make("CartPole-v1")
    policy = jaxenvs.RandomPolicy(env.action_space)
    fused = jaxenvs.evaluate(jaxenvs.fuse(env), policy, jaxenvs.random.key(2), num_episodes=32)
    plain = jaxenvs.evaluate(env, policy, jaxenvs.random.key(2), num_episodes=32)
    np.testing.assert_array_equal(fused.lengths, plain.lengths)


def test_sums_stay_in_the_kernel_and_shared_weights_are_read(cart_pole):
    weights = jax.random.normal(jax.random.key(0), (4, 2))
    state, _ = _start(cart_pole, 32)
    observation = jax.random.normal(jax.random.key(1), (32, 4))

    def step(carry, _):
        state, observation, total = carry
        state, timestep = cart_pole.env.step(state, jnp.argmax(observation @ weights).astype(jnp.int32))
        return (state, timestep.observation, total + timestep.reward), None

    carry = state, observation, jnp.zeros(32)
    (_, _, fused), _ = jax.jit(lambda carry: fusion.scan(step, carry, length=7))(carry)
    (_, _, plain), _ = jax.lax.scan(jax.vmap(step, in_axes=(0, None)), carry, length=7)
    np.testing.assert_array_equal(fused, plain)


def test_large_constants_are_read_where_they_lie():
    """Written into a kernel, a million numbers would take LLVM two seconds."""
    table = np.arange(70_000, dtype=np.int32).reshape(700, 100)
    few = np.arange(100, dtype=np.int32)

    def step(state, x):
        return state + 1, jnp.asarray(table)[state, x] + jnp.asarray(few)[x]

    lane = lane_program(step, (jax.ShapeDtypeStruct((), np.int32),) * 2)
    assert [x.shape for x in lane.captured] == [table.shape]
    state, xs = np.arange(20, dtype=np.int32), np.arange(40, dtype=np.int32).reshape(2, 20)
    scan = lambda state, xs: fusion.scan(step, state, xs)  # noqa: E731
    for after, rows in (scan(state, xs), jax.jit(scan)(state, xs)):
        np.testing.assert_array_equal(after, state + 2)
        np.testing.assert_array_equal(rows, table[np.stack([state, state + 1]), xs] + xs)


def test_derivatives_are_refused(cart_pole):
    state, actions = _start(cart_pole, 16)

    def loss(force):
        env = jaxenvs.fuse(jaxenvs.make("CartPole-v1", force=force))
        return jax.vmap(env.step)(state.inner, actions[0])[1].observation.sum()

    with pytest.raises(JaxenvsError, match="no derivative"):
        jax.grad(loss)(10.0)


def test_export_is_refused_by_name(cart_pole):
    state, actions = _start(cart_pole, 16)
    exported = jax.export.export(jax.jit(lambda s, a: jax.vmap(cart_pole.step)(s, a)[1].observation))
    with pytest.raises(JaxenvsError, match=r"cannot be exported.* `fused\.env`"):
        exported(state, actions[0])


def test_what_cannot_be_fused_runs_without_and_says_why():
    pytest.importorskip("mujoco", reason="Hopper needs mujoco")
    env = jaxenvs.fuse(jaxenvs.make("Hopper-v5"))
    explanation = env.explain()
    assert not explanation.fused
    assert "calls back" in explanation.reason
    state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 16))
    actions = jnp.zeros((16, 3))
    assert_trees_close(jax.vmap(env.step)(state, actions), jax.vmap(env.env.step)(state, actions))


def test_explain_counts_operations():
    explanation = fusion.explain(jaxenvs.make("CartPole-v1"))
    assert explanation.fused
    assert explanation.equations > 20
    assert str(explanation).startswith("One kernel of")


def test_bad_axes_are_named(cart_pole):
    state, actions = _start(cart_pole, 16)
    with pytest.raises(InvalidField, match=r"lanes \[16, 17\]"):
        cart_pole.scan(state, jnp.zeros((3, 17), jnp.int32))
    with pytest.raises(InvalidField, match="axis of lanes"):
        cart_pole.scan(jax.tree.map(lambda x: x[0], state), actions)
    with pytest.raises(InvalidField, match=r"in the actions: \(\). .* make an array of a list") as error:
        cart_pole.scan(state, actions.tolist())
    assert len(str(error.value)) < 400
    with pytest.raises(InvalidField, match="pass `length`"):
        fusion.scan(lambda carry, _: (carry, None), jnp.zeros(16))
    with pytest.raises(InvalidField, match="carry like the one"):
        fusion.scan(lambda carry, _: (carry > 0, None), jnp.zeros(16), length=2)


def test_a_function_that_returns_no_pair_and_a_bad_length_are_refused():
    for function in (lambda carry, _: carry, lambda carry, _: (carry,) * 3, lambda carry, _: [carry, None]):
        with pytest.raises(InvalidField, match=r"pair \(carry, y\)"):
            fusion.scan(function, jnp.zeros(16), length=2)
    for length in (-1, 2.5, "3", True):
        with pytest.raises(InvalidField, match="`length` of a fused scan must be an integer"):
            fusion.scan(lambda carry, _: (carry, None), jnp.zeros(16), length=length)
    with pytest.raises(InvalidField, match="integer from 0 on that is known"):
        jax.jit(lambda n: fusion.scan(lambda carry, _: (carry, None), jnp.zeros(16), length=n))(3)


def test_what_is_fused_twice_is_one_kernel():
    inner = jaxenvs.fuse(jaxenvs.make("CartPole-v1"))
    outer = jaxenvs.fuse(jaxenvs.AutoReset(inner))
    assert outer.explain().fused
    assert fusion.explain(inner).fused
    state, actions = _start(outer, 16)
    assert "custom_call @jaxenvs_" in jax.jit(outer.scan).lower(state, actions).as_text()
    plain = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    expected = jax.lax.scan(jax.vmap(plain.step), _start(plain, 16)[0], actions)[1]
    assert_trees_close(outer.scan(state, actions)[1], expected)


def test_what_is_not_an_environment_is_refused():
    env = jaxenvs.make("CartPole-v1")
    for wrong in ([env], "CartPole-v1", jaxenvs.AutoReset, None, env.step):
        with pytest.raises(InvalidField, match=r"jaxenvs\.fuse takes"):
            jaxenvs.fuse(wrong)
        with pytest.raises(InvalidField, match="Fused"):
            fusion.explain(wrong)


@pytest.mark.parametrize("wrap", [jax.vmap, lambda f: jax.jit(f, donate_argnums=0), jax.checkpoint])
def test_steps_within_other_transforms(cart_pole, wrap):
    state, actions = _start(cart_pole, 32)
    states, several = jax.tree.map(lambda x: jnp.stack([x, x]), (state, actions))
    given = (states, several) if wrap is jax.vmap else (jax.tree.map(jnp.copy, state), actions)
    expected = cart_pole.scan(state, actions)[1].observation
    result = wrap(cart_pole.scan)(*given)[1].observation
    np.testing.assert_array_equal(result[1] if wrap is jax.vmap else result, expected)


@pytest.mark.parametrize("lanes", [32, 8])  # the second by XLA
@pytest.mark.parametrize("in_a_loop", [False, True])
def test_steps_on_a_device_of_a_mesh(cart_pole, in_a_loop, lanes):
    state, actions = _start(cart_pole, lanes)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("lanes",))
    axis, rows = jax.sharding.PartitionSpec("lanes"), jax.sharding.PartitionSpec(None, "lanes")
    play = (lambda *xs: jax.lax.scan(jax.vmap(cart_pole.step), *xs)) if in_a_loop else cart_pole.scan
    on_mesh = jax.shard_map(play, mesh=mesh, in_specs=(axis, rows), out_specs=(axis, rows))
    assert_trees_close(jax.jit(on_mesh)(state, actions), cart_pole.scan(state, actions))


def test_nothing_is_moved_without_being_asked_for(cart_pole):
    state, actions = _start(cart_pole, 16)
    with jax.transfer_guard("disallow"):
        cart_pole.scan(state, actions)


def test_without_jit_operations_run_one_by_one(cart_pole):
    state, actions = _start(cart_pole, 16)
    with jax.disable_jit():
        of_scan = cart_pole.scan(state, actions[:2])
        of_step = jax.vmap(cart_pole.step)(state, actions[0])
    assert_trees_close(of_scan, cart_pole.scan(state, actions[:2]))
    assert_trees_close(of_step, jax.vmap(cart_pole.step)(state, actions[0]))


def test_no_steps_give_empty_arrays(cart_pole):
    state, actions = _start(cart_pole, 16)
    after, trajectory = cart_pole.scan(state, actions[:0])
    assert trajectory.reward.shape == (0, 16)
    assert_trees_close(after, state)


def test_a_kernel_comes_from_the_cache_and_a_damaged_one_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))

    def run(number):
        return fusion.scan(lambda carry, _: (carry * 1.5 + 0.25, None), jnp.full(16, number), length=3)[0]

    expected = run(1.0)
    (file,) = (tmp_path / "kernels").iterdir()
    compile_object, compiled = native.compile_object, []
    monkeypatch.setattr(native, "compile_object", lambda *xs: compiled.append(1) or compile_object(*xs))
    monkeypatch.setattr(primitives, "_registered", {})
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(jax.ffi, "register_ffi_target", lambda *_, **__: None)  # JAX keeps the first
    jax.clear_caches()
    np.testing.assert_array_equal(run(1.0), expected)
    assert not compiled
    file.write_bytes(file.read_bytes()[:-100])
    monkeypatch.setattr(primitives, "_registered", {})
    monkeypatch.setattr(native, "_loaded", {})
    jax.clear_caches()
    np.testing.assert_array_equal(run(1.0), expected)
    assert compiled == [1]


def test_a_full_disk_leaves_no_pieces_behind(tmp_path, monkeypatch):
    def replace(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(native.os, "replace", replace)
    native.keep(tmp_path / "a.o", [b"code"])
    assert not list(tmp_path.iterdir())


def test_without_a_home_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("JAXENVS_CACHE", raising=False)
    monkeypatch.setattr(native, "user_cache", lambda: None)
    result = fusion.scan(lambda carry, _: (carry * 1.75 + 0.25, None), jnp.ones(16), length=2)[0]
    np.testing.assert_array_equal(result, np.full(16, 3.75))


def test_without_llvmlite_the_command_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(jaxenvs.errors.DependencyNotInstalled, match=r'pip install "jaxenvs\[fuse\]"'):
        jaxenvs.fuse(jaxenvs.make("CartPole-v1"))


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="the system has no large pages")
def test_large_pages_are_asked_for_where_an_output_fills_them():
    """Else the first write to new memory stops at each 4 KiB, which takes longer than a cheap environment's steps."""
    rows = fusion.scan(lambda carry, _: (carry + 1, carry), jnp.zeros(1 << 16), length=40)[1]
    page = 2 << 20
    begin, end = rows.unsafe_buffer_pointer(), rows.unsafe_buffer_pointer() + rows.nbytes
    flags = []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            first, last = (int(x, 16) for x in line.split()[0].split("-"))
        elif line.startswith("VmFlags:") and first < end // page * page and last > -(-begin // page) * page:
            flags.append("hg" in line.split())
    assert flags and all(flags)
