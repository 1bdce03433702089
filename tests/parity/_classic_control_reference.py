"""Gymnasium's classic control environments, stepped from injected states, and ours for comparison."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.envs._hill import MountainCarState
from jaxenvs.envs.classic_control.acrobot import Acrobot, AcrobotState
from jaxenvs.envs.classic_control.cart_pole import CartPole, CartPoleState
from jaxenvs.envs.classic_control.mountain_car import MountainCar
from jaxenvs.envs.classic_control.mountain_car_continuous import MountainCarContinuous
from jaxenvs.envs.classic_control.pendulum import Pendulum, PendulumState


@dataclasses.dataclass(frozen=True)
class Transitions:
    """Results of many steps, one per row.

    Attributes:
        state: (n, k) float64.
        observation: (n, m) float64.
        reward: (n,) float64.
        terminated: (n,) bool.
    """

    state: np.ndarray
    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray


@dataclasses.dataclass(frozen=True)
class Case:
    """An environment with some options, here and in Gymnasium.

    Attributes:
        id: Gymnasium's id and ours.
        env: ours.
        kwargs: arguments of Gymnasium's constructor.
        attributes: attributes to set on Gymnasium's environment.
    """

    id: str
    env: Any
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        changed = [*self.kwargs, *self.attributes]
        return f"{self.id}[{','.join(changed[:2]) or 'default'}]"

    def reference(self) -> Any:
        """A fresh Gymnasium environment with this case's options."""
        env = gymnasium.make(self.id, **self.kwargs).unwrapped
        for name, value in self.attributes.items():
            setattr(env, name, value)
        env.reset(seed=0)
        return env

    def state(self, columns: np.ndarray, dtype: Any) -> Any:
        """Our state, batched, of (n, k) numbers."""
        parts = [jnp.asarray(column, dtype) for column in columns.T]
        if isinstance(self.env, CartPole):
            return CartPoleState(*parts, jnp.zeros(len(columns), bool))
        if isinstance(self.env, Pendulum):
            return PendulumState(*parts, jnp.zeros(len(columns), dtype))
        return (AcrobotState if isinstance(self.env, Acrobot) else MountainCarState)(*parts)


def columns(state: Any) -> np.ndarray:
    """(..., k) float64: the numbers of one of our states that Gymnasium has too."""
    if isinstance(state, PendulumState):
        state = state.theta, state.theta_dot
    leaves = [leaf for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return np.stack([np.asarray(leaf, np.float64) for leaf in leaves], -1)


def action_for_gymnasium(action: np.ndarray) -> Any:
    """An action as Gymnasium takes it; floats in float64, so that its arithmetic is not rounded to float32."""
    return int(action) if action.ndim == 0 else action.astype(np.float64)


def step_reference(case: Case, states: np.ndarray, actions: np.ndarray) -> Transitions:
    """Steps Gymnasium's environment once from each state, as if an episode began there."""
    env = case.reference()
    results = []
    for state, action in zip(states, actions, strict=True):
        env.state = np.array(state, np.float64)
        env.steps_beyond_terminated = None
        observation, reward, terminated, truncated, info = env.step(action_for_gymnasium(action))
        assert not truncated and info == {}
        results.append((np.array(env.state, np.float64), np.array(observation, np.float64), float(reward), terminated))
    return Transitions(*(np.stack(part) for part in zip(*results, strict=True)))


def follow_reference(case: Case, state: np.ndarray, actions: np.ndarray) -> Transitions:
    """Steps Gymnasium's environment through one episode and beyond its end."""
    env = case.reference()
    env.state = np.array(state, np.float64)
    results = []
    for action in actions:
        observation, reward, terminated, _, _ = env.step(action_for_gymnasium(action))
        results.append((np.array(env.state, np.float64), np.array(observation, np.float64), float(reward), terminated))
    return Transitions(*(np.stack(part) for part in zip(*results, strict=True)))


@jax.jit
def _step(env: Any, state: Any, action: jax.Array) -> Any:
    return jax.vmap(env.step)(state, action)


@jax.jit
def _scan(env: Any, state: Any, action: jax.Array) -> Any:
    def step(state: Any, action: jax.Array) -> Any:
        state, timestep = jax.vmap(env.step)(state, action)
        return state, (state, timestep)

    return jax.lax.scan(step, state, action)[1]


def _run(program: Callable[..., Any], case: Case, states: np.ndarray, actions: np.ndarray, dtype: Any) -> Transitions:
    state = case.state(states, dtype)
    kinds = jax.tree.map(lambda leaf: leaf.dtype, state)
    state, timestep = program(case.env, state, jnp.asarray(actions))
    assert jax.tree.map(lambda leaf: leaf.dtype, state) == kinds
    assert timestep.observation.dtype == timestep.reward.dtype == jnp.float32
    return Transitions(
        columns(state),
        np.asarray(timestep.observation, np.float64),
        np.asarray(timestep.reward, np.float64),
        np.asarray(timestep.terminated),
    )


def step_ours(case: Case, states: np.ndarray, actions: np.ndarray, dtype: Any) -> Transitions:
    """Steps ours once from each of (n, k) states."""
    return _run(_step, case, states, actions, dtype)


def follow_ours(case: Case, states: np.ndarray, actions: np.ndarray, dtype: Any) -> Transitions:
    """Steps ours through (steps, n) actions from (n, k) states; the results have leading axes (steps, n)."""
    return _run(_scan, case, states, actions, dtype)


@functools.partial(jax.jit, static_argnums=2)
def _pump(env: Any, state: Any, steps: int) -> Any:
    def act(state: Any) -> jax.Array:
        if isinstance(env, Pendulum):
            return env.max_torque * jnp.sign(state.theta_dot)[None].astype(jnp.float32)
        if isinstance(env, MountainCarContinuous):
            return jnp.sign(state.velocity)[None].astype(jnp.float32)
        speed = state.theta2_dot if isinstance(env, Acrobot) else state.velocity
        return jnp.where(speed >= 0, 2, 0).astype(jnp.int32)

    def step(state: Any, _: None) -> Any:
        action = jax.vmap(act)(state)
        return jax.vmap(env.step)(state, action)[0], action

    return jax.lax.scan(step, state, length=steps)[1]


def pumping_actions(case: Case, states: np.ndarray, steps: int) -> np.ndarray:
    """(steps, n, ...) actions that push the way things move, and so bring all but CartPole to its goal."""
    return np.asarray(_pump(case.env, case.state(states, jnp.float32), steps))


_CART = {"gravity": 3.7, "masscart": 1.3, "masspole": 0.27, "total_mass": 1.3 + 0.27, "length": 0.6}
_CART |= {
    "polemass_length": 0.27 * 0.6,
    "force_mag": 7.5,
    "tau": 0.03,
    "x_threshold": 1.9,
    "theta_threshold_radians": 0.3,
}
_CART_FIELDS: dict[str, Any] = {"gravity": 3.7, "cart_mass": 1.3, "pole_mass": 0.27, "half_length": 0.6, "force": 7.5}
_CART_FIELDS |= {"tau": 0.03, "x_threshold": 1.9, "theta_threshold": 0.3}
_VALLEY = {"goal_position": 0.3, "goal_velocity": 0.02, "min_position": -1.0, "max_position": 0.5, "max_speed": 0.05}
_ARM = {"LINK_LENGTH_1": 1.1, "LINK_MASS_1": 0.8, "LINK_MASS_2": 1.3, "LINK_COM_POS_1": 0.4, "LINK_COM_POS_2": 0.6}
_ARM |= {"LINK_MOI": 1.2, "MAX_VEL_1": 3.0, "MAX_VEL_2": 5.0, "AVAIL_TORQUE": [-2.0, 0.5, 1.5], "dt": 0.1}
_ARM_FIELDS = {"link_length_1": 1.1, "link_mass_1": 0.8, "link_mass_2": 1.3, "link_com_1": 0.4, "link_com_2": 0.6}
_ARM_FIELDS |= {"link_moi": 1.2, "max_velocity_1": 3.0, "max_velocity_2": 5.0, "torques": (-2.0, 0.5, 1.5), "tau": 0.1}

CASES = [
    Case("CartPole-v1", CartPole()),
    Case("CartPole-v0", CartPole()),
    Case("CartPole-v1", CartPole(sutton_barto_reward=True), {"sutton_barto_reward": True}),
    Case(
        "CartPole-v1",
        CartPole(kinematics_integrator="semi-implicit euler"),
        attributes={"kinematics_integrator": "semi-implicit euler"},
    ),
    Case("CartPole-v1", CartPole(**_CART_FIELDS), attributes=_CART),
    Case("MountainCar-v0", MountainCar()),
    Case("MountainCar-v0", MountainCar(goal_velocity=0.03), {"goal_velocity": 0.03}),
    Case(
        "MountainCar-v0",
        MountainCar(**_VALLEY, force=0.002, gravity=0.004),
        attributes={**_VALLEY, "force": 0.002, "gravity": 0.004},
    ),
    Case("MountainCarContinuous-v0", MountainCarContinuous()),
    Case("MountainCarContinuous-v0", MountainCarContinuous(goal_velocity=0.03), {"goal_velocity": 0.03}),
    Case(
        "MountainCarContinuous-v0",
        MountainCarContinuous(**_VALLEY, power=0.003, min_action=-0.5, max_action=0.7),
        attributes={**_VALLEY, "power": 0.003, "min_action": -0.5, "max_action": 0.7},
    ),
    Case("Pendulum-v1", Pendulum()),
    Case("Pendulum-v1", Pendulum(gravity=3.7), {"g": 3.7}),
    Case(
        "Pendulum-v1",
        Pendulum(mass=0.7, length=1.4, tau=0.02, max_speed=3.0, max_torque=1.1),
        attributes={"m": 0.7, "l": 1.4, "dt": 0.02, "max_speed": 3.0, "max_torque": 1.1},
    ),
    Case("Acrobot-v1", Acrobot()),
    Case("Acrobot-v1", Acrobot(book_or_nips="nips"), attributes={"book_or_nips": "nips"}),
    Case("Acrobot-v1", Acrobot(**_ARM_FIELDS), attributes=_ARM),
]
"""Every id, and every option of Gymnasium's constructors and environments that changes a transition."""

DEFAULTS = [case for case in CASES if not case.kwargs and not case.attributes and case.id != "CartPole-v0"]
