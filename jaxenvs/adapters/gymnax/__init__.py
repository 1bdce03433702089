"""gymnax: environments behind its interface, and its own (`from_gymnax`) as ours."""
