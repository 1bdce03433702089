"""gymnax: our environments behind its interface, and its environments (`from_gymnax`) as ours."""
