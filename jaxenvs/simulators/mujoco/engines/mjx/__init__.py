"""MuJoCo's physics in pure JAX: a thin pipeline over MJX's functions, corrected to follow C MuJoCo step by step.

`engine` is the way in. The corrections lie in a file each: `plane_capsule`, `capsule_cylinder`, `runge_kutta`, `tree`,
`cholesky`, `newton` and `collision` say what differs in MJX, and why.
"""

import contextlib
import importlib
import io

with contextlib.redirect_stdout(io.StringIO()):  # where it prints that Warp is missing, which nothing here needs
    importlib.import_module("mujoco.mjx")
