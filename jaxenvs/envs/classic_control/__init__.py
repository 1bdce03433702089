"""Classic control: low-dimensional systems with analytic dynamics."""
