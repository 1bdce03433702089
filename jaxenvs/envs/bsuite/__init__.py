"""bsuite's tasks: small ones that each ask one thing of an agent. `jaxenvs.bsuite` knows bsuite's own ids."""
