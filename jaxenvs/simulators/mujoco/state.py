"""SimulationState: a simulation at one moment."""

from jax import Array

from jaxenvs.core.pytree import PyTreeNode


class SimulationState(PyTreeNode):
    """A simulation at one moment, like MuJoCo's data, on any engine.

    To move a robot, replace `qpos` and `qvel`: the next step begins there. `derived` still belongs to the last step
    then, as when writing to MuJoCo's data; `MujocoEnv.state_at` computes it as well.

    Attributes:
        qpos: (nq,) positions: m, rad, or unit quaternions.
        qvel: (nv,) velocities: m/s or rad/s.
        act: (na,) activations of actuators that have them.
        qacc_warmstart: (nv,) accelerations with which the solver begins.
        time: () time since the start, s.
        derived: the task's readings, by name, as MuJoCo leaves them after a step: positions of bodies and forces are
            those at the beginning of the last substep. `displacement` is the displacement of the point whose velocity
            is rewarded. `pose` is the pose of a hand that a mocap body leads.
        exact: (3, numbers) float32 that add up to the exact float64 numbers with which the engine `c` continues: time,
            qpos, qvel, act, qacc_warmstart, and that point or pose. The first of the three is the number above; if that
            was replaced, they are not used. (1, numbers) in float64; None on other engines.
    """

    qpos: Array
    qvel: Array
    act: Array
    qacc_warmstart: Array
    time: Array
    derived: dict[str, Array]
    exact: Array | None = None


CARRIED = ("qpos", "qvel", "act", "qacc_warmstart", "time")
"""The fields of a state that a substep continues from, by the names of MuJoCo's data."""
