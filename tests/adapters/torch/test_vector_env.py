"""TorchVectorEnv: the same numbers as with NumPy, and the documented ownership of memory."""

import gc
import itertools
import subprocess
import sys

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxenvs
from jaxenvs.adapters import GymnasiumVectorEnv, TorchVectorEnv, from_torch
from jaxenvs.adapters._host_loop.lanes import Lanes
from jaxenvs.adapters.torch.vector_env import ResetNeeded
from jaxenvs.errors import InvalidAction, InvalidField, WrapperOrderError
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary
from jaxenvs.wrappers import StickyAction


def tensors_of(tree):
    return [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, torch.Tensor)]


# The same as with NumPy

CASES = {
    "CartPole": (lambda: jaxenvs.make("CartPole-v1", max_episode_steps=15), torch.int64),
    "Pendulum": (lambda: jaxenvs.make("Pendulum-v1", max_episode_steps=5), torch.float64),
    "Blackjack": (lambda: jaxenvs.make("Blackjack-v1"), torch.int32),
}


@pytest.mark.parametrize("mode", ["same_step", "next_step"])
@pytest.mark.parametrize("case", CASES)
def test_it_does_what_gymnasium_vector_env_does(case, mode):
    make, dtype = CASES[case]
    env, lanes = make(), 3
    ours = TorchVectorEnv(env, lanes, autoreset_mode=mode)
    theirs = GymnasiumVectorEnv(env, lanes, autoreset_mode={"same_step": "SameStep", "next_step": "NextStep"}[mode])
    theirs.action_space.seed(0)
    assert_same(ours.reset(seed=7)[0], theirs.reset(seed=7)[0])
    over, ends = np.zeros(lanes, bool), 0
    returns, lengths = np.zeros(lanes), np.zeros(lanes, int)
    for _ in range(40):
        action = theirs.action_space.sample()
        *seen, info = ours.step(torch.as_tensor(action).to(dtype))
        *expected, expected_info = theirs.step(action)
        assert_same(seen, expected)
        running = ~over if mode == "next_step" else np.ones(lanes, bool)
        returns, lengths = (returns + expected[1]) * running, (lengths + 1) * running
        np.testing.assert_allclose(info["episode_return"].numpy(), returns, rtol=1e-5)
        np.testing.assert_array_equal(info["episode_length"].numpy(), lengths)
        over = expected[2] | expected[3]
        ends += over.sum()
        if mode == "same_step":
            for lane in np.flatnonzero(over):
                final = jax.tree.map(lambda x, lane=lane: x[lane], info["final_observation"])
                assert_same(final, expected_info["final_obs"][lane])
                assert all(
                    info["final_info"][k][lane] == v[lane]
                    for k, v in expected_info.get("final_info", {}).items()
                    if k[0] != "_"
                )
            returns, lengths = returns * ~over, lengths * ~over
        assert_same(
            {k: v for k, v in info.items() if k in expected_info}, {k: v for k, v in expected_info.items() if k in info}
        )
    assert ends >= lanes
    again = [7, None, 3]
    assert_same(ours.reset(seed=again)[0], theirs.reset(seed=again)[0])


def assert_same(tensors, arrays):
    pairs = zip(jax.tree.leaves(tensors), jax.tree.leaves(arrays), strict=True)
    assert all(np.array_equal(tensor.numpy(), array) for tensor, array in pairs)


def test_dtypes_and_the_tensors_of_an_info():
    envs = TorchVectorEnv("CartPole-v1", 4)
    envs.reset(seed=0)
    observation, reward, terminated, truncated, info = envs.step(torch.ones(4, dtype=torch.int32))
    dtypes = [x.dtype for x in (observation, reward, terminated, truncated)]
    assert dtypes == [torch.float32, torch.float32, torch.bool, torch.bool]
    assert (info["episode_return"].dtype, info["episode_length"].dtype) == (torch.float32, torch.int32)
    assert torch.equal(info["final_observation"], observation)  # no episode has ended
    assert info["final_info"] == {}


def test_final_observations_are_those_before_the_reset():
    envs = TorchVectorEnv("CartPole-v1", 4, max_episode_steps=2)
    plain = TorchVectorEnv("CartPole-v1", 4, max_episode_steps=-1)
    envs.reset(seed=0), plain.reset(seed=0)
    for step in (1, 2):
        action = torch.ones(4, dtype=torch.int64)
        observation, _, terminated, truncated, info = envs.step(action)
        unbroken = plain.step(action)[0]
        assert torch.equal(info["final_observation"], unbroken)
        assert truncated.tolist() == [step == 2] * 4 and not terminated.any()
        assert torch.equal(observation, unbroken) == (step == 1)
    assert info["episode_length"].tolist() == [2] * 4


# Memory


def test_a_step_moves_nothing_over_the_host():
    envs = TorchVectorEnv("CartPole-v1", 8)
    envs.reset(seed=0)
    action = torch.ones(8, dtype=torch.int32)
    envs.step(action)
    with jax.transfer_guard("disallow"):
        with pytest.raises(Exception, match="Disallowed host-to-device"):  # what a detour through NumPy would meet
            envs._lanes.step(action.numpy(), "same_step")
        observation = envs.step(action)[0]
    assert observation.data_ptr() == envs._lanes._seen[0].unsafe_buffer_pointer()
    assert envs._checked_action(action).unsafe_buffer_pointer() == action.data_ptr()


class Mirror(jaxenvs.Env):
    """A state that is also the observation, and a constant of it in `info`: with as much shared as possible."""

    @property
    def observation_space(self):
        return Dict({"all": Box(-np.inf, np.inf, (2,)), "same": Box(-np.inf, np.inf, (2,))})

    @property
    def action_space(self):
        return Box(-1.0, 1.0, (2,))

    def _timestep(self, state, reward):
        position, goal = state
        return jaxenvs.transition({"all": position, "same": position}, reward, False, {"goal": goal, "at": position})

    def reset(self, key):
        goal = jax.random.uniform(key, (2,), jnp.float32)
        return (goal, goal), self._timestep((goal, goal), 0.0)

    def step(self, state, action):
        state = (state[0] + self.action_space.validate(action), state[1])
        return state, self._timestep(state, 1.0)

    def render(self, state):
        return jnp.zeros((2, 2, 3), jnp.uint8)


@pytest.mark.parametrize("mode", ["same_step", "next_step"])
def test_writing_to_what_was_returned_changes_nothing_else(mode):
    def play(scribble):
        envs = TorchVectorEnv(jaxenvs.TimeLimit(Mirror(), 3), 2, autoreset_mode=mode)
        seen = []
        for output in (envs.reset(seed=0), *(envs.step(torch.ones(2, 2) * i) for i in range(8))):
            tensors = tensors_of(output)
            seen.append([x.clone() for x in tensors])
            spans = sorted((x.data_ptr(), x.data_ptr() + x.numel() * x.element_size()) for x in tensors)
            assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
            if scribble:
                for tensor in tensors:
                    tensor.fill_(1)
        return seen

    for untouched, scribbled in zip(play(False), play(True), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(untouched, scribbled, strict=True))


def test_what_was_returned_stays_as_it_was():
    envs = TorchVectorEnv("CartPole-v1", 4)
    envs.reset(seed=0)
    kept = [tensors_of(envs.step(torch.ones(4, dtype=torch.int32))) for _ in range(5)]
    copies = [[x.clone() for x in tensors] for tensors in kept]
    for _ in range(20):
        envs.step(torch.zeros(4, dtype=torch.int32))
    envs.reset(seed=1)
    del envs
    gc.collect()
    assert all(torch.equal(x, y) for xs, ys in zip(kept, copies, strict=True) for x, y in zip(xs, ys, strict=True))


class Slow(Mirror):
    """Mirror whose steps take about ten milliseconds before they read the action."""

    def step(self, state, action):
        work = jax.lax.fori_loop(0, 20, lambda _, x: jnp.tanh(x @ x), jnp.full((256, 256), 0.01, jnp.float32))
        # A number that is always 1, which only the computation shows.
        return Mirror.step(self, state, action * jnp.where(work.sum() < 1e9, 1, 0).astype(jnp.float32))


@pytest.mark.parametrize(
    ("env", "dtype"),
    [
        (Slow(), torch.float32),
        (StickyAction(jaxenvs.make("CartPole-v1"), 0.5), torch.int32),
    ],
    ids=["slow", "the state keeps the action"],
)
def test_an_action_may_be_overwritten_as_soon_as_the_step_returned(env, dtype):
    careful, careless = (TorchVectorEnv(env, 4) for _ in range(2))
    shape = (4, *env.action_space.shape)
    careful.reset(seed=0), careless.reset(seed=0)
    shared = torch.zeros(shape, dtype=dtype)
    for action in torch.randint(0, 2, (12, *shape), generator=torch.Generator().manual_seed(0)):
        shared.copy_(action)
        seen = careless.step(shared)
        shared.fill_(0 if action.flatten()[0] else 1)
        expected = careful.step(action.clone().to(dtype))
        assert all(torch.equal(x, y) for x, y in zip(tensors_of(seen), tensors_of(expected), strict=True))


def test_no_state_keeps_the_memory_of_an_action():
    lanes = Lanes(StickyAction(jaxenvs.make("CartPole-v1"), 0.5), 4, "a test")
    lanes.reset([0, 1, 2, 3])
    action = torch.ones(4, dtype=torch.int32)
    jax.block_until_ready(lanes.step(from_torch(action), "same_step"))
    kept = lanes._state.env.inner.action
    action.zero_()
    assert kept.tolist() == [1] * 4


# Errors


def step_with(action, env="CartPole-v1"):
    envs = TorchVectorEnv(env, 3)
    envs.reset(seed=0)
    return envs.step(action)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (torch.ones(2, dtype=torch.int32), r"`action` must be a tensor of shape \(3,\) and torch.int32 on cpu.*\(2,\)"),
        (torch.ones(3), "got torch.float32. Round it"),
        (np.ones(3, np.int32), "of type ndarray"),
        (1, "of type int"),
        ([0, 1, 1], r"`action` must be a tensor of shape \(3,\).*a list of length 3: write `torch.tensor\(action\)`"),
        ((torch.ones(3), torch.ones(3)), "`action` must be a tensor of shape .*got a tuple of length 2"),
        (None, "`action` must be a tensor of shape .*got None of type NoneType"),
        (torch.ones(3, dtype=torch.int32, device="meta"), r"got one on meta. Pass `action.to\(envs.device\)`"),
        (torch.tensor([0, 1, 2]), r"`action` of environment 2 must lie in Discrete\(2\), got 2\."),
        (torch.tensor([0, -1, 1], dtype=torch.int32), "`action` of environment 1 "),
        (torch.tensor([0, 1, 2**32]), "`action` of environment 2 "),
    ],
)
def test_an_action_of_the_wrong_form_is_refused_and_loses_nothing(action, message):
    envs, untouched = (TorchVectorEnv("CartPole-v1", 3) for _ in range(2))
    envs.reset(seed=0), untouched.reset(seed=0)
    with pytest.raises(InvalidAction, match=message):
        envs.step(action)
    good = torch.ones(3, dtype=torch.uint8)
    assert torch.equal(envs.step(good)[0], untouched.step(good)[0])


def test_a_float_that_is_nan_is_refused_and_one_of_few_bits_is_not():
    step_with(torch.zeros(3, 1, dtype=torch.bfloat16), "Pendulum-v1")
    with pytest.raises(InvalidAction, match="`action` of environment 1 "):
        step_with(torch.tensor([[0.0], [torch.nan], [0.0]]), "Pendulum-v1")


def test_an_action_that_only_begins_an_episode_may_be_anything():
    envs = TorchVectorEnv("CartPole-v1", 2, max_episode_steps=1, autoreset_mode="next_step")
    envs.reset(seed=0)
    envs.step(torch.tensor([0, 1]))
    envs.step(torch.tensor([7, 1]))
    with pytest.raises(InvalidAction, match="`action` of environment 0 "):
        envs.step(torch.tensor([7, 1]))


def test_an_action_that_requires_a_gradient_is_refused():
    with pytest.raises(InvalidAction, match=r"action.detach\(\)"):
        step_with(torch.ones(3, 1, requires_grad=True), "Pendulum-v1")


class Buttons(Mirror):
    """Mirror with an action of several parts."""

    @property
    def action_space(self):
        return Dict({"push": Box(-1.0, 1.0, (2,)), "which": MultiBinary(3), "one": Discrete(4)})

    def step(self, state, action):
        action = self.action_space.validate(action)
        total = action["push"] + action["which"].sum().astype(jnp.float32) + action["one"].astype(jnp.float32)
        return (state[0] + total, state[1]), self._timestep(state, total.sum())


def test_actions_of_several_parts_are_trees_of_tensors():
    action = {"push": torch.ones(3, 2), "which": torch.ones(3, 3, dtype=torch.bool), "one": torch.arange(3)}
    assert step_with(action, Buttons())[1].tolist() == [8.0, 10.0, 12.0]
    with pytest.raises(InvalidAction, match=r"`action\['one'\]` must be a tensor of shape \(3,\)"):
        step_with({**action, "one": torch.ones(3, 1)}, Buttons())
    with pytest.raises(InvalidAction, match=r"The action must be .*'one'"):
        step_with({"push": torch.ones(3, 2)}, Buttons())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TorchVectorEnv("CartPole-v1", 0), InvalidField, "num_envs"),
        (lambda: TorchVectorEnv(Mirror(), 2, max_episode_steps=5), InvalidField, "goes with an id"),
        (lambda: TorchVectorEnv(Mirror(), 2, autoreset="x"), InvalidField, "Did you mean: `autoreset_mode`"),
        (lambda: TorchVectorEnv("CartPole-v1", 2, autoreset_mode="disabled"), InvalidField, "GymnasiumVectorEnv"),
        (lambda: TorchVectorEnv("CartPole-v1", 2, gravitas=1.0), InvalidField, "Did you mean: `gravity`"),
        (
            lambda: TorchVectorEnv(jaxenvs.AutoReset(Mirror()), 2),
            WrapperOrderError,
            "TorchVectorEnv, or the library it is for",
        ),
        (lambda: TorchVectorEnv(gymnasium.Env(), 2), InvalidField, "takes an id or a jaxenvs.Env"),
        (lambda: TorchVectorEnv("CartPole-v1", 2).step(torch.ones(2)), ResetNeeded, "`step` before the first `reset`"),
        (lambda: TorchVectorEnv("CartPole-v1", 2).render(), ResetNeeded, "`render` before the first `reset`"),
        (lambda: TorchVectorEnv("CartPole-v1", 2).reset(seed=[1]), InvalidField, "must match num_envs=2"),
        (lambda: TorchVectorEnv("CartPole-v1", 2).reset(seed=-1), InvalidField, "non-negative"),
        (
            lambda: TorchVectorEnv("CartPole-v1", 2).reset(seed=True),
            InvalidField,
            "non-negative",
        ),
        (lambda: TorchVectorEnv("CartPole-v1", 2).reset(options={"lo": 1}), InvalidField, "no reset option `lo`"),
    ],
)
def test_mistakes_are_told(make, error, message):
    with pytest.raises(error, match=message):
        make()


# The rest


def test_fields_options_and_gymnasiums_modes_pass():
    envs = TorchVectorEnv("CartPole-v1", 2, gravity=1.6, autoreset_mode=gymnasium.vector.AutoresetMode.NEXT_STEP)
    assert (envs.autoreset_mode, envs.device) == ("next_step", torch.device("cpu"))
    assert envs.single_action_space.to_gymnasium() == gymnasium.spaces.Discrete(2)
    assert envs.single_observation_space.shape == (4,)
    observation, _ = envs.reset(options={"low": 0.5, "high": 0.6})
    assert ((observation >= 0.5) & (observation <= 0.6)).all()
    observation, _ = envs.reset()
    assert (observation.abs() <= 0.05).all()


def test_render_gives_a_picture_of_each():
    envs = TorchVectorEnv("CartPole-v1", 2)
    envs.reset(seed=0)
    pictures = envs.render()
    assert (pictures.dtype, pictures.ndim, pictures.shape[0], pictures.shape[3]) == (torch.uint8, 4, 2, 3)
    assert not torch.equal(pictures[0], pictures[1])
    envs.close()


def test_gymnasium_is_not_needed():
    code = """
import sys
sys.modules["gymnasium"] = None
import importlib.util
importlib.util.find_spec = lambda name, find=importlib.util.find_spec: None if name == "gymnasium" else find(name)
import torch
from jaxenvs.adapters import TorchVectorEnv
envs = TorchVectorEnv("CartPole-v1", 2)
envs.reset(seed=0)
print(envs.step(torch.ones(2, dtype=torch.int64))[1].tolist(), sys.modules["gymnasium"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.split("\n")[0] == "[1.0, 1.0] None", result.stderr[-2000:]
