"""Each check fails for an environment with its fault, and no check fails for one without faults."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.testing import CHECKS, ConformanceError, Subject, check_env
from tests.conformance import faults, goals, impurities
from tests.conformance.sound import Sound

FAULTS = {
    faults.ListField: "pytree",
    faults.NoSpace: "spaces",
    faults.ActionOutside: "spaces",
    faults.NoPair: "timestep",
    faults.PythonFlag: "timestep",
    faults.WideReward: "timestep",
    faults.IntegerReward: "timestep",
    faults.InfoDrift: "info",
    faults.InfoShapeDrift: "info",
    faults.InfoNone: "info",
    faults.DtypeChange: "same_types",
    faults.OtherFinalObservation: "same_types",
    faults.WeakLeaf: "no_weak_types",
    faults.InPlace: "inputs_kept",
    faults.HostCounter: "pure",
    faults.MutableGlobal: "pure",
    faults.NumpyRandom: "pure",
    impurities.SeedsNumpy: "pure",
    impurities.SeedsPython: "pure",
    impurities.SetsJax: "pure",
    impurities.ChangesItself: "pure",
    impurities.KeepsTable: "pure",
    impurities.RandomPicture: "pure",
    impurities.DrawsTwice: "keys_used_once",
    impurities.DrawsTwiceInLoop: "keys_used_once",
    impurities.KeepsKey: "keys_used_once",
    impurities.KeepsDrawnKey: "keys_used_once",
    impurities.ConstantNoise: "keys_used_once",
    faults.IgnoredKey: "keys_used_once",
    impurities.OtherSpaces: "spaces",
    impurities.NanRange: "spaces",
    faults.LeakedTracer: "no_leaks",
    faults.StaticStride: "one_trace",
    faults.ReadsParameter: "one_trace",
    faults.RewardAtReset: "episode_start",
    impurities.RarelyOver: "episode_start",
    faults.ObservesBefore: "observes",
    faults.Unvalidated: "bad_action_refused",
    faults.UncheckedKey: "bad_key_refused",
    faults.EagerBranch: "all_transformations_agree",
    faults.EnclosedArray: "steps_in_mapped_cond",
    goals.OtherRewardOfGoals: "goals_judge_steps",
    goals.SumsOverBatch: "goals_judge_steps",
    goals.OnlyJaxGoals: "goals_judge_steps",
    goals.NoDesiredGoal: "goals_judge_steps",
    faults.ForgetsBatch: "batch_of_parameters",
    faults.DefaultFloat: "x64",
    faults.DefaultRandom: "x64",
    faults.local_class(): "survives_pickle",
    faults.HostRender: "renders",
    faults.FloatRender: "renders",
    faults.BlankRender: "renders",
    faults.HostCallback: "same_key_same_trajectory",
    faults.Deterministic: "other_key_other_trajectory",
    faults.ObservationOutside: "in_spaces",
    faults.FinalOutside: "in_spaces",
    faults.NarrowRewards: "rewards_in_range",
    faults.NanAfterDone: "finite",
    faults.NanState: "finite",
    impurities.OtherShape: "in_spaces",
    impurities.Donates: "all_transformations_agree",
    faults.Truncates: "base_never_truncates",
    impurities.ResetsItself: "base_never_resets",
    impurities.BeginsAnew: "base_never_resets",
    impurities.GoesBack: "base_never_resets",
    faults.NeverEnds: "ends_are_reached",
}
"""The fault, and the check that `check_env` must name for it."""

SMALL = {"steps": 200, "lanes": 4}


def named(fault):
    """The fault as a parameter; slow if its check comes after those that compile programs."""
    order = [check.name for check in CHECKS]
    is_late = order.index(FAULTS[fault]) > order.index("bad_key_refused")
    return pytest.param(fault, id=fault.__name__, marks=pytest.mark.slow if is_late else ())


@pytest.mark.parametrize("fault", [named(fault) for fault in FAULTS])
def test_check_env_names_the_fault(fault):
    with pytest.raises(ConformanceError) as caught:
        check_env(fault(), **SMALL)
    assert caught.value.check == FAULTS[fault], str(caught.value)
    assert str(caught.value).startswith(f"{fault.__name__} fails `{FAULTS[fault]}`: ")
    assert caught.value.remedy.endswith((".", "`"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda cls: cls.__name__)
def test_its_check_finds_the_fault(fault):
    check = next(check for check in CHECKS if check.name == FAULTS[fault])
    with pytest.raises(ConformanceError) as caught:
        check(Subject(fault(), **SMALL))
    assert str(caught.value).startswith(f"{fault.__name__} fails `{FAULTS[fault]}`: ")


def test_every_check_has_a_fault_that_it_catches():
    assert {check.name for check in CHECKS} == set(FAULTS.values())


LIMITED = jaxenvs.TimeLimit(Sound(), max_episode_steps=30)


@pytest.mark.parametrize(
    "env",
    [
        pytest.param(Sound(), id="bare"),
        pytest.param(LIMITED, id="wrapped", marks=pytest.mark.slow),  # as most of the catalog is
        pytest.param(jaxenvs.AutoReset(LIMITED), id="in AutoReset"),
    ],
)
def test_a_sound_environment_passes(env):
    check_env(env, **SMALL)


@pytest.mark.parametrize("wrap", [lambda env: env, lambda env: jaxenvs.TimeLimit(env, max_episode_steps=2)])
def test_sound_goals_judge_their_steps(wrap):
    check = next(check for check in CHECKS if check.name == "goals_judge_steps")
    check(Subject(wrap(goals.SoundGoals()), **SMALL))


class Empty(Sound):
    """Has an array without elements in its state."""

    def reset(self, key):
        state, timestep = Sound.reset(self, key)
        return {"walk": state, "nothing": jnp.zeros((0, 2), jnp.float32)}, timestep

    def step(self, state, action):
        walk, timestep = Sound.step(self, state["walk"], action)
        return {"walk": walk, "nothing": state["nothing"]}, timestep


@pytest.mark.parametrize("env", [jaxenvs.AutoReset(Sound()), Empty(), LIMITED], ids=["AutoReset", "empty", "limited"])
def test_no_new_start_is_seen_where_none_is(env):
    subject = Subject(env, steps=400, lanes=4)
    assert np.asarray(subject.plain_rollout.first_end.found).sum() >= 2
    next(check for check in CHECKS if check.name == "base_never_resets")(subject)
