"""The registry: ids, specs and `make`."""

from jaxenvs.registry.make import make as make
from jaxenvs.registry.registry import pprint_registry as pprint_registry
from jaxenvs.registry.registry import register as register
from jaxenvs.registry.registry import registry as registry
from jaxenvs.registry.registry import spec as spec
from jaxenvs.registry.spec import EnvSpec as EnvSpec
