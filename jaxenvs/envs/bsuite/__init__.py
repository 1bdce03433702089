"""bsuite's tasks: small ones that each test one capability of an agent."""
