"""What a program says about how much a kernel can gain, before it is run."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import jaxenvs
from jaxenvs import fusion
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.program import program
from jaxenvs.fusion.work import Work, in_words, work_of


def _work(function, *arguments):
    closed = lane_program(function, jax.eval_shape(lambda: arguments)).closed
    return work_of(program(closed, [False] * len(arguments)))


def _until(count, x):
    return lax.fori_loop(0, count, lambda _, x: x * 2 + 1, x)


def test_large_arrays_and_loops_that_end_in_some_lanes_earlier_are_told_apart():
    large, small, count = jnp.zeros(1000), jnp.zeros(999), jnp.int32(3)
    assert _work(lambda x: x * 2 + 1, small).large == 0
    mixed = _work(lambda x, y: (x * 2, y * 2), large, small)
    assert 0.5 < mixed.large < 0.51 and mixed.waiting == 0
    assert _work(_until, count, large).waiting > 0.99
    # A loop whose end all lanes know, and one that all lanes leave together, make no lane wait.
    shared = _work(lambda x: _until(7, x), large)
    assert shared.large > 0.99 and shared.waiting == 0
    assert _work(_until, count, small).waiting == 0
    assert _work(lambda: jnp.int32(1)) == Work(0.0, 0.0)


def test_what_happens_within_a_loop_counts_more_than_what_a_branch_may_skip():
    x, flag = jnp.zeros(1000), jnp.array(True)
    looped = _work(lambda x, y: (lax.fori_loop(0, 50, lambda _, x: x * 2, x), y * 2, y + 1), x, jnp.zeros(900))
    assert looped.large > 0.9
    skipped = _work(lambda f, x, y: (lax.cond(f, lambda: x * 2, lambda: x), y * 2), flag, x, jnp.zeros(900))
    assert skipped.large < 0.2


@pytest.mark.parametrize(
    ("id", "said"),
    [("CartPole-v1", ""), ("MinAtar/Breakout-v1", ""), ("gymnax/Pong-v0", "% of its work is on arrays of 1,000")],
)
def test_explain_says_why_a_kernel_may_gain_little(id, said):
    explanation = fusion.explain(jaxenvs.AutoReset(jaxenvs.make(id)))
    assert explanation.fused and said in explanation.doubt and bool(said) == bool(explanation.doubt)
    assert explanation.doubt in str(explanation)


def test_lanes_that_wait_are_named_first():
    assert "until the last one is done" in in_words(_work(_until, jnp.int32(3), jnp.zeros(1000)))
