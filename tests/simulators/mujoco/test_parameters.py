"""What follows from a model's numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.mujoco.model import load_model
from jaxenvs.simulators.mujoco.parameters import subtree_masses


@pytest.mark.parametrize(("numpy", "dtype", "tolerance"), [(np, np.float64, 1e-7), (jnp, np.float32, 1e-6)])
def test_masses_of_subtrees_are_mujocos(numpy, dtype, tolerance):
    model = load_model("humanoid.xml").mj_model
    masses = numpy.asarray(model.body_mass[None].astype(dtype))
    total = subtree_masses(masses, model.body_parentid, numpy)
    assert (total.dtype, total.shape) == (dtype, masses.shape)
    np.testing.assert_allclose(total[0], model.body_subtreemass, rtol=tolerance)
