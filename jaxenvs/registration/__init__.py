"""The registry: ids, specs and `make`."""

from jaxenvs.registration.find import find_id as find_id
from jaxenvs.registration.make import make as make
from jaxenvs.registration.registry import pprint_registry as pprint_registry
from jaxenvs.registration.registry import register as register
from jaxenvs.registration.registry import registry as registry
from jaxenvs.registration.registry import spec as spec
from jaxenvs.registration.spec import EnvSpec as EnvSpec
