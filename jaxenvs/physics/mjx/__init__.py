"""MuJoCo's physics in pure JAX: a thin pipeline over MJX's functions, corrected to follow C MuJoCo step by step.

`engine` is the way in. The corrections lie in a file each: `plane_capsule`, `capsule_cylinder`, `runge_kutta`,
`kinematic_tree`, `cholesky`, `newton` and `collision` say what differs in MJX, and why.
"""
