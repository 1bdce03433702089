"""bsuite's own ids. That each is built as bsuite builds it, `tests/parity/test_bsuite.py` shows."""

import jax
import jax.numpy as jnp
import pytest

import jaxenvs
from jaxenvs.bsuite import EXPERIMENTS, bsuite_ids, make_bsuite
from jaxenvs.errors import UnregisteredEnv


def test_settings_are_looked_up_by_experiment_and_number():
    assert make_bsuite("deep_sea/3") == jaxenvs.make("bsuite/DeepSea-v0", size=16)
    assert EXPERIMENTS["memory_len"][-1].fields["memory_length"] == 100
    assert "umbrella_distract/22" in bsuite_ids()


def test_scaled_and_noisy_rewards_are_those_of_the_plain_task():
    plain, scaled, noisy = (make_bsuite(id) for id in ("bandit/1", "bandit_scale/1", "bandit_noise/1"))
    rewards = []
    for env in (plain, scaled, noisy):
        state, _ = env.reset(jaxenvs.random.key(0))
        rewards.append(float(jax.jit(env.step)(state, jnp.int32(4))[1].reward))
    assert rewards[1] == pytest.approx(0.001 * rewards[0]) and rewards[0] > 0
    assert 0 < abs(rewards[2] - rewards[0]) < 0.5


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("deepsea/3", "no experiment `deepsea`. Did you mean: `deep_sea`?"),
        ("deep_sea/21", "`deep_sea/21` is not an id of bsuite: they go from deep_sea/0 to deep_sea/20"),
        ("deep_sea", "they go from deep_sea/0"),
        ("deep_sea/-1", "they go from deep_sea/0"),
        ("deep_sea/x", "they go from deep_sea/0"),
    ],
)
def test_an_unknown_id_is_refused(id, message):
    with pytest.raises(UnregisteredEnv, match=message.replace("?", r"\?")):
        make_bsuite(id)
