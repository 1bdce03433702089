"""MuJoCo's physics in pure JAX: a thin pipeline over MJX's functions, corrected to follow C MuJoCo step by step.

`engine` is the entry point. Each correction has a file: `plane_capsule`, `capsule_cylinder`, `cylinder_box`,
`sphere_box`, `box_box`, `standing_mesh`, `weld`, `advance`, `runge_kutta`, `tree`, `cholesky`, `newton` and `collision`
say what differs in MJX, and why.
"""

import contextlib
import importlib
import io

with contextlib.redirect_stdout(io.StringIO()):  # it prints that Warp is missing, which is not needed here
    importlib.import_module("mujoco.mjx")
