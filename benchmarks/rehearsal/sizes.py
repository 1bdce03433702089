"""Sizes of the rehearsal: in full on an accelerator, and a little of everything on any machine."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes of all sections.

    Attributes:
        ids: ids of the catalog section; empty for all.
        lanes: parallel environments in its rollouts.
        steps: steps of each of them.
        robot_lanes: number of these that the processor computes as well if the environment is a robot.
        workers: processes that compile the programs of the catalog in parallel.
        tasks: ids whose speed is measured.
        speed_lanes: parallel environments in these measurements.
        most_steps: maximum number of steps in a call.
        repeats: number of times that each program is timed.
        seconds: minimum duration of each timing.
        fused_tasks: ids whose fused scans are measured.
        fused_lanes: parallel environments in these measurements.
        copied: size in bytes of the array that is copied to measure the memory bandwidth.
        robots: ids of robots whose speed is measured.
        robot_batches: parallel environments in these measurements.
        learnt: ids that PPO learns, and the mean returns to reach.
        learning_steps: steps after which it gives up; None for those of the preset.
        learning_envs: parallel environments when the speed of PPO is measured.
    """

    ids: tuple[str, ...] = ()
    lanes: int = 1024
    steps: int = 100
    robot_lanes: int = 64
    workers: int = 12
    tasks: tuple[str, ...] = (
        "CartPole-v1",
        "MinAtar/Breakout-v1",
        "Pendulum-v1",
        "MinAtar/Asterix-v1",
        "Taxi-v4",
        "Acrobot-v1",
        "MountainCar-v0",
    )
    speed_lanes: tuple[int, ...] = (2**11, 2**16, 2**20)
    most_steps: int = 256
    repeats: int = 3
    seconds: float = 0.1
    fused_tasks: tuple[str, ...] = ("CartPole-v1", "MinAtar/Breakout-v1", "MinAtar/Asterix-v1")
    fused_lanes: int = 2**17
    copied: int = 2**30
    robots: tuple[str, ...] = ("HalfCheetah-v5", "Humanoid-v5")
    robot_batches: tuple[int, ...] = (1024, 8192)
    learnt: tuple[tuple[str, float], ...] = (("CartPole-v1", 475.0), ("MinAtar/Breakout-v1", 10.0))
    learning_steps: int | None = None
    learning_envs: int = 4096


FULL = Sizes()
SMALL = Sizes(
    ids=("CartPole-v1", "FrozenLake-v1", "MinAtar/Breakout-v1", "InvertedPendulum-v5"),
    lanes=8,
    steps=5,
    robot_lanes=4,
    workers=1,
    tasks=("CartPole-v1", "Taxi-v4"),
    speed_lanes=(16,),
    most_steps=4,
    repeats=2,
    seconds=0.01,
    fused_tasks=("CartPole-v1",),
    fused_lanes=16,
    copied=2**16,
    robots=("InvertedPendulum-v5",),
    robot_batches=(4,),
    learnt=(("CartPole-v1", 15.0),),
    learning_steps=2048,
    learning_envs=8,
)
