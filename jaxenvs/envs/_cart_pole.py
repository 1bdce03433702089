"""The equations of motion of a pole on a cart, which several environments share."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.trigonometry import cos, sin


def accelerations(
    theta: Array, theta_dot: Array, push: Array, gravity: Any, cart_mass: Any, pole_mass: Any, half_length: Any
) -> tuple[Array, Array]:
    """The accelerations of a cart without friction and of the pole on it.

    R. V. Florian, "Correct equations for the dynamics of the cart-pole system", 2007.

    Args:
        theta: () angle of the pole from upright, rad, positive to the right.
        theta_dot: () its angular velocity, rad/s.
        push: () force on the cart, N, positive to the right.
        gravity: acceleration of gravity, m/s^2.
        cart_mass: mass of the cart, kg.
        pole_mass: mass of the pole, kg.
        half_length: half the length of the pole, m.

    Returns:
        The acceleration of the cart, () m/s^2, and of the pole's angle, () rad/s^2.
    """
    sine, cosine = sin(theta), cos(theta)
    total_mass = cart_mass + pole_mass
    moment = pole_mass * half_length
    thrust = (push + moment * jnp.square(theta_dot) * sine) / total_mass
    theta_acc = (gravity * sine - cosine * thrust) / (
        half_length * (4.0 / 3.0 - pole_mass * jnp.square(cosine) / total_mass)
    )
    return thrust - moment * theta_acc * cosine / total_mass, theta_acc
