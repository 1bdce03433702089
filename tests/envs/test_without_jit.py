"""Who resets, steps and draws without `jit` waits for the compiler once, not at each call."""

import jax
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.registration.catalog import CATALOG

FAST = ["ReversedAddition-v0", "rlenvs/Blackjack-v0", "two_player/Hex9x9-v0"]
"""The others take up to half a minute each to compile."""


@pytest.fixture
def compiled():
    """The names of what has been compiled since the list was cleared."""
    names = []

    def note(event, _, *, fun_name="", **__):
        if event.endswith("backend_compile_duration"):
            names.append(fun_name)

    jax.monitoring.register_event_duration_secs_listener(note)
    yield names
    jax.monitoring.unregister_event_duration_listener(note)


def check(env_id, compiled):
    try:
        env = jaxenvs.make(env_id)
    except DependencyNotInstalled as error:
        pytest.skip(str(error))
    actions = [env.action_space.sample(jaxenvs.random.key(number)) for number in range(4)]

    def play(key):
        state, _ = env.reset(key)
        for action in actions:
            state, _ = env.step(state, action)
        return env.render(state) if env.can_render else state

    for seed in range(2):  # a key of its own, and the dtypes of later states
        jax.block_until_ready(play(jaxenvs.random.key(seed)))
    compiled.clear()
    jax.block_until_ready(play(jaxenvs.random.key(2)))
    assert not compiled


@pytest.mark.parametrize("env_id", FAST)
def test_a_second_episode_compiles_nothing(env_id, compiled):
    check(env_id, compiled)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", [spec.id for spec in CATALOG if spec.id not in FAST])
def test_a_second_episode_of_every_id_compiles_nothing(env_id, compiled):
    check(env_id, compiled)
