"""What the first mistakes with the engine say, when a world is described and when it is stepped."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.simulators.box2d import (
    Body,
    Drive,
    Model,
    RevoluteJoint,
    box,
    polygon,
    step,
    with_impulse,
    world_at_rest,
)

BODY = Body(box(0.5, 0.5), 1.0)
HINGE = RevoluteJoint(0, 1, (0.5, 0.0), (-0.5, 0.0), -1.0, 1.0)


def model(**fields):
    return Model(
        **{
            "bodies": (BODY, BODY),
            "joints": (HINGE,),
            "edge_friction": (0.5,),
            "time_step": 0.02,
            "velocity_iterations": 8,
            "position_iterations": 3,
            **fields,
        }
    )


SHAPES = {
    "a hull of 2 points": (lambda: polygon([(0, 0), (1, 0)]), r"must span an area, got \[\[0.0, 0.0\], \[1.0, 0.0\]\]"),
    "points on a line": (lambda: polygon([(0, 0), (1, 0), (2, 0)]), "must span an area"),
    "equal points": (lambda: polygon([(1, 1)] * 4), "must span an area"),
    "no points": (lambda: polygon([]), r"pairs \(x, y\) of finite numbers in m, got \[\]"),
    "NaN": (lambda: polygon([(0, 0), (1, 0), (math.nan, 1)]), "of finite numbers"),
    "infinity": (lambda: polygon([(0, 0), (1, 0), (math.inf, 1)]), "of finite numbers"),
    "three numbers": (lambda: polygon([(0, 0, 0), (1, 0, 0), (0, 1, 0)]), "must be pairs"),
    "words": (lambda: polygon("square"), "must be pairs"),
    "traced": (
        lambda: jax.jit(lambda p: polygon(p).vertices)(jnp.eye(2)),
        "the points are traced.*Make the model outside",
    ),
    "a traced corner": (
        lambda: jax.jit(lambda x: polygon([(0, 0), (x, 0), (0, 1)]).vertices)(1.0),
        "the points are traced",
    ),
    "many": (
        lambda: polygon([(1e3 * math.cos(t / 41), 1e3 * math.sin(t / 41)) for t in range(257)]),
        "at most 255 vertices, got 25[67]",
    ),
    "a negative box": (lambda: box(-1, 1), "box: `half_width` must be above 0"),
    "a flat box": (lambda: box(1, 0), "box: `half_height` must be above 0"),
    "points for a shape": (
        lambda: Body([(0, 0), (1, 0), (0, 1)], 1.0),
        r"Body: a shape is made by `polygon\(points\)`",
    ),
    "no density": (lambda: Body(box(1, 1), 0.0), "Body: `density` must be above 0"),
    "friction": (lambda: Body(box(1, 1), 1.0, -0.5), "Body: `friction` must be at least 0"),
    "one body twice": (lambda: RevoluteJoint(1, 1, (0, 0), (0, 0), -1, 1), "got body 1 twice"),
    "limits": (lambda: RevoluteJoint(0, 1, (0, 0), (0, 0), 1, -1), "`lower_angle` must be at most"),
    "no bodies": (lambda: model(bodies=(), joints=()), "at least one `Body`"),
    "a shape for a body": (lambda: model(bodies=(box(1, 1),), joints=()), "at least one `Body`"),
    "an unknown body": (
        lambda: model(joints=(RevoluteJoint(0, 2, (0, 0), (0, 0), -1, 1),)),
        "joint 0 names body 2, and bodies are numbered from 0 to 1",
    ),
    "a body of its own": (lambda: model(joints=()), "no joint leads from body 0 to body 1"),
    "a joint of another kind": (lambda: model(joints=((0, 1),)), "tuple of `RevoluteJoint`"),
    "no time": (lambda: model(time_step=0.0), "`time_step` must be above 0"),
    "half an iteration": (lambda: model(position_iterations=2.5), "`position_iterations` must be an integer"),
    "iterations": (lambda: model(velocity_iterations=10), "`velocity_iterations` must be a multiple of 4, got 10"),
    "no room": (lambda: model(pairs=0), "`pairs` must be an integer of at least 1"),
    "more boxes than parts": (lambda: model(boxes=2), "`boxes` must be an integer from 0 to 1"),
    "slippery": (lambda: model(edge_friction=(-1.0,)), "`edge_friction` must be at least 0"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_wrong_description_is_refused_when_it_is_made(name):
    make, message = SHAPES[name]
    with pytest.raises(InvalidField, match=message):
        make()


@pytest.mark.parametrize("points", [[(0, 0), (0, 1), (1, 0)], [(0, 0), (1, 0), (0, 1), (0.2, 0.2), (1, 0)]])
def test_order_repetitions_and_points_within_do_not_matter(points):
    np.testing.assert_array_equal(polygon(points).vertices, [[1, 0], [0, 1], [0, 0]])


def test_a_tuple_or_an_array_of_joined_bodies_in_any_order_is_accepted():
    chain = (RevoluteJoint(2, 3, (0, 0), (0, 0), -1, 1), RevoluteJoint(1, 2, (0, 0), (0, 0), -1, 1), HINGE)
    assert model(bodies=(BODY,) * 4, joints=chain).inverse_masses.shape == (4,)


WORLD = world_at_rest(model(), jnp.array([[0.0, 2.0], [1.0, 2.0]]), jnp.zeros(2))
GROUND = jnp.array([[[-5.0, 0.0], [5.0, 0.0]]])


def drive(**fields):
    none = {"force": jnp.zeros((2, 2)), "torque": jnp.zeros(2), "motor_speed": jnp.zeros(1)}
    return Drive(**{"gravity": jnp.float32(-10), **none, "max_motor_torque": jnp.zeros(1), **fields})


CALLS = {
    "origins": (
        lambda: world_at_rest(model(), jnp.zeros((3, 2)), jnp.zeros(2)),
        "world_at_rest: `origin`.*(2, 2).*(3, 2)",
    ),
    "angles": (lambda: world_at_rest(model(), jnp.zeros((2, 2)), 0.0), "world_at_rest: `angle`.*(2,).*()"),
    "exchanged": (lambda: step(WORLD, model(), GROUND, drive()), "`model` must be a Model, got World. Write `step("),
    "a model for what acts": (lambda: step(model(), WORLD, GROUND, model()), "`drive` must be a Drive, got Model"),
    "too much ground": (lambda: step(model(), WORLD, jnp.zeros((2, 2, 2)), drive()), "`ground`.*(1, 2, 2).*(2, 2, 2)"),
    "no ground": (
        lambda: step(model(edge_friction=()), WORLD, jnp.zeros((0, 2, 2)), drive()),
        "the model has no ground. If nothing is ever to touch, pass `airborne=True`",
    ),
    "a force": (lambda: step(model(), WORLD, GROUND, drive(force=jnp.zeros(2))), "`drive.force`.*(2, 2).*(2,)"),
    "gravity": (lambda: step(model(), WORLD, GROUND, drive(gravity=jnp.array([0, -10.0]))), "`drive.gravity`"),
    "a motor": (lambda: step(model(), WORLD, GROUND, drive(motor_speed=0.0)), "`drive.motor_speed`.*(1,)"),
    "a solver": (lambda: step(model(), WORLD, GROUND, drive(), "exakt"), "Did you mean: `exact`"),
    "a batch": (
        lambda: step(model(), jax.tree.map(lambda x: jnp.stack([x, x, x]), WORLD), GROUND, drive()),
        "`world.position`.*Map over a batch: `jax.vmap`",
    ),
    "another body": (
        lambda: with_impulse(model(), WORLD, 2, jnp.ones(2), jnp.ones(2), True),
        "`body`.*from 0 to 1, got 2",
    ),
    "an impulse": (lambda: with_impulse(model(), WORLD, 0, 1.0, jnp.ones(2), True), "`impulse`.*(2,)"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_refused_before_anything_is_compiled(name):
    call, message = CALLS[name]
    with pytest.raises(InvalidField, match=re.escape(message).replace(r"\.\*", ".*")):
        call()


def fallen(steps, **options):
    """A block that is joined to nothing, let fall from a height of 1 m. The ground and the start may be lists."""
    block = model(bodies=(BODY,), joints=())
    none = jnp.zeros(0)
    push = Drive(gravity=-10, force=jnp.zeros((1, 2)), torque=jnp.zeros(1), motor_speed=none, max_motor_torque=none)

    def fall(world, _):
        world, began = step(block, world, [[[-5, 0], [5, 0]]], push, **options)
        return world, (world.position[0, 1], began[0])

    start = world_at_rest(block, [[0, 1]], [0])
    return jax.jit(lambda world: jax.lax.scan(fall, world, length=steps))(start)


def test_a_body_that_is_joined_to_nothing_falls():
    _, (heights, _) = fallen(5, airborne=True)
    np.testing.assert_allclose(heights, 1 - 10 * 0.02**2 * np.cumsum(np.arange(1, 6)), atol=1e-6)


@pytest.mark.slow
def test_a_body_that_is_joined_to_nothing_comes_to_rest():
    world, (_, began) = fallen(100)
    assert began.sum() == 1 and not world.awake and not world.overflow
    np.testing.assert_allclose(world.position, [[0, 0.5]], atol=0.02)
