"""SimulationState: a simulation at one moment."""

from jax import Array

from jaxenvs.core.pytree import PyTreeNode


class SimulationState(PyTreeNode):
    """A simulation at one moment, as MuJoCo's data has it, on any engine.

    To put a robot somewhere, replace `qpos` and `qvel`: the next step begins there. What is derived still tells of
    the last step then, as when one writes into MuJoCo's data; `MujocoEnv.state_at` computes it, too.

    Attributes:
        qpos: (nq,) positions: m, rad, or unit quaternions.
        qvel: (nv,) velocities: m/s or rad/s.
        act: (na,) activations of actuators that have any.
        qacc_warmstart: (nv,) accelerations that the solver begins with.
        time: () s since the start.
        derived: what else the task reads, by the names of its readings, as MuJoCo leaves it after a step: positions
            of bodies and forces are those at the beginning of the last substep. `displacement` is how far the point
            moved whose velocity is rewarded.
        exact: (3, numbers) float32 that add up to the same in float64, by which the engine `c` goes on: time, qpos,
            qvel, act, qacc_warmstart, and that point. The first of the three is the number above; where that was
            replaced, they do not count. (1, numbers) in float64; None on other engines.
    """

    qpos: Array
    qvel: Array
    act: Array
    qacc_warmstart: Array
    time: Array
    derived: dict[str, Array]
    exact: Array | None = None


CARRIED = ("qpos", "qvel", "act", "qacc_warmstart", "time")
"""The fields of a state that a substep goes on from, by the names of MuJoCo's data."""
