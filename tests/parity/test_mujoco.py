"""The robots of MuJoCo in lockstep with Gymnasium's own environments, which run C MuJoCo one at a time."""

import gymnasium
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy import stats

import jaxenvs
from tests.parity.differences import record, relative
from tests.parity.rows_mujoco import ROWS

TOLERANCE = {row.id: row.tolerance for row in ROWS}
IDS = list(TOLERANCE)

LEGS = {"ctrl_cost_weight": 0.3, "forward_reward_weight": 2.0, "exclude_current_positions_from_observation": False}
HUMANOID = {"exclude_current_positions_from_observation": False, "include_cinert_in_observation": False}
OPTIONS = [
    ("Ant-v5", {**LEGS, "main_body": "aux_1", "include_cfrc_ext_in_observation": False, "frame_skip": 2}),
    ("Ant-v5", {"healthy_z_range": (0.5, 0.8), "contact_force_range": (-30.0, 2.5), "contact_cost_weight": 0.1}),
    ("HalfCheetah-v5", {**LEGS, "frame_skip": 1, "reset_noise_scale": 0.5}),
    (
        "Hopper-v5",
        {**LEGS, "healthy_state_range": (-1.5, 1.5), "healthy_angle_range": (-3.0, 3.0), "healthy_reward": 3.0},
    ),
    ("Hopper-v5", {"terminate_when_unhealthy": False}),
    ("Humanoid-v5", {**HUMANOID, "contact_cost_range": (0.01, 0.5), "contact_cost_weight": 1e-5}),
    ("Humanoid-v5", {"include_cvel_in_observation": False, "include_qfrc_actuator_in_observation": False}),
    ("HumanoidStandup-v5", {**HUMANOID, "include_cfrc_ext_in_observation": False, "impact_cost_weight": 1e-4}),
    ("InvertedDoublePendulum-v5", {"healthy_reward": 2.0, "frame_skip": 3}),
    ("Pusher-v5", {"reward_near_weight": 2.0, "reward_dist_weight": 3.0, "reward_control_weight": 4.0}),
    ("Reacher-v5", {"reward_dist_weight": 3.0, "reward_control_weight": 4.0}),
    ("Swimmer-v5", LEGS),
    ("Walker2d-v5", {**LEGS, "healthy_z_range": (1.0, 1.3), "xml_file": "walker2d.xml"}),
]


class Lockstep:
    """Our environment and Gymnasium's, set to the same state and stepped with the same actions."""

    def __init__(self, id, precision="float32", **options):
        self.theirs = gymnasium.make(id, **options).unwrapped
        self.ours = jaxenvs.unwrap(jaxenvs.make(id, engine="c", precision=precision, **options))
        self.id, self.dtype, self.tolerance = id, np.dtype(precision), TOLERANCE[id]
        self.step_ours, self.begin_ours = jax.jit(self.ours.step), jax.jit(self.ours.state_at)
        self.random = np.random.default_rng(5)
        self.terminations = self.contacts = 0

    def begin(self, key):
        """Starts both in the state of our reset, and compares the observations."""
        self.state, timestep = self.begin_ours(*jax.jit(self.ours.start)(key))
        mujoco.mj_resetData(self.theirs.model, self.theirs.data)
        self.theirs.set_state(np.float64(self.state.qpos), np.float64(self.state.qvel))
        self.compare_observations(self.theirs._get_obs(), timestep.observation)
        self.compare_infos(self.theirs._get_reset_info(), timestep.info)
        self.info_keys = set(timestep.info)

    def throw(self, size):
        """Overwrites the positions and velocities of both; nothing is derived from them."""
        move = np.float32(self.random.normal(0, size, self.theirs.model.nv))
        mujoco.mj_integratePos(self.theirs.model, self.theirs.data.qpos, np.float64(move), 1.0)
        qpos = self.theirs.data.qpos.astype(self.dtype)
        qvel = (self.theirs.data.qvel + 10 * move).astype(self.dtype)
        self.theirs.data.qpos[:], self.theirs.data.qvel[:] = qpos, qvel
        self.state = self.state.replace(qpos=jnp.asarray(qpos), qvel=jnp.asarray(qvel))

    def step(self):
        """Takes one random step with both, and compares all results."""
        space = self.ours.action_space
        action = self.random.uniform(1.3 * space.low, 1.3 * space.high).astype(np.float32)  # also beyond the limits
        observation, reward, terminated, _, info = self.theirs.step(action)
        self.state, timestep = self.step_ours(self.state, action)
        self.compare_observations(observation, timestep.observation)
        gap, scale = abs(float(timestep.reward) - reward), max(1.0, abs(reward), self.largest(info))
        record(self.id, gap / scale)
        assert gap <= self.tolerance * scale
        assert bool(timestep.terminated) == terminated
        assert set(info) == set(timestep.info) == self.info_keys
        self.compare_infos(info, timestep.info)
        assert np.array_equal(self.state.qacc_warmstart, self.theirs.data.qacc_warmstart.astype(self.dtype))
        self.terminations += bool(terminated)
        self.contacts += self.theirs.data.ncon > 0

    def compare_observations(self, theirs, ours):
        """Asserts that both are equal bit by bit in the precision."""
        assert ours.dtype == self.dtype
        record(self.id, relative(ours, theirs.astype(self.dtype)))
        np.testing.assert_array_equal(np.asarray(ours), theirs.astype(self.dtype))

    def compare_infos(self, theirs, ours):
        """Asserts that all entries are equal to the tolerance."""
        for name, value in theirs.items():
            gap = np.abs(np.asarray(ours[name]) - value).max(initial=0)
            assert gap <= self.tolerance * max(1.0, np.abs(value).max(initial=0)), name

    @staticmethod
    def largest(info):
        """The largest of the reward's terms, whose rounding errors the reward has as well."""
        return max(
            np.abs(value).max(initial=0) for name, value in info.items() if "reward" in name or "penalty" in name
        )


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", IDS)
def test_every_step_is_gymnasiums(id):
    pair = Lockstep(id)
    pair.begin(jaxenvs.random.key(3))
    for number in range(60):
        if number in (20, 40):
            pair.throw(0.01)
        pair.step()
    assert pair.contacts or id in ("InvertedDoublePendulum-v5", "InvertedPendulum-v5", "Reacher-v5", "Swimmer-v5")
    can_end = ("Hopper-v5", "Humanoid-v5", "InvertedDoublePendulum-v5", "InvertedPendulum-v5", "Walker2d-v5")
    assert pair.terminations or id not in can_end


@pytest.mark.parametrize(("id", "options"), OPTIONS, ids=lambda value: value if isinstance(value, str) else None)
def test_options_do_what_gymnasiums_do(id, options):
    pair = Lockstep(id, **options)
    pair.begin(jaxenvs.random.key(1))
    for _ in range(15):
        pair.step()


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("seed", range(3))
def test_long_rollouts_stay_in_lockstep(id, seed):
    pair = Lockstep(id)
    pair.random = np.random.default_rng(seed)
    pair.begin(jaxenvs.random.key(seed))
    for number in range(1000):
        if number % 100 == 50:
            pair.throw(0.05)
        pair.step()


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_in_double_precision_observations_are_gymnasiums_own(id):
    with jax.enable_x64(True):
        pair = Lockstep(id, precision="float64")
        pair.begin(jaxenvs.random.key(0))
        for number in range(100):
            if number == 50:
                pair.throw(0.01)
            pair.step()


@pytest.mark.parametrize("id", IDS)
def test_spaces_are_gymnasiums(id):
    theirs, ours = gymnasium.make(id).unwrapped, jaxenvs.make(id)
    assert ours.action_space.to_gymnasium() == theirs.action_space
    assert ours.observation_space.shape == theirs.observation_space.shape
    spec = gymnasium.spec(id)
    assert (spec.max_episode_steps, spec.reward_threshold) == (
        ours.max_episode_steps,
        jaxenvs.spec(id).reward_threshold,
    )
    assert type(jaxenvs.unwrap(ours)).frames_per_second == theirs.metadata["render_fps"]


@pytest.mark.parametrize("id", IDS)
def test_starts_are_distributed_as_gymnasiums(id):
    theirs, ours = gymnasium.make(id).unwrapped, jaxenvs.unwrap(jaxenvs.make(id))
    theirs.reset(seed=0)
    rows = []
    for _ in range(400):
        theirs.reset_model()
        rows.append(np.concatenate([theirs.data.qpos, theirs.data.qvel]))
    qpos, qvel = jax.jit(jax.vmap(ours.start))(jax.random.split(jaxenvs.random.key(0), 4000))
    for mine, reference in zip(np.concatenate([qpos, qvel], axis=1).T, np.float32(rows).T, strict=True):
        if np.ptp(reference) == 0:
            assert np.ptp(mine) == 0 and mine[0] == reference[0]
        else:
            assert stats.ks_2samp(mine, reference).pvalue > 1e-4
