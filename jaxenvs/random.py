"""Random keys: `jaxenvs.random.key(seed)`; see `jaxenvs.core.random`."""

from jaxenvs.core.random import Key as Key
from jaxenvs.core.random import check_key as check_key
from jaxenvs.core.random import draw_below as draw_below
from jaxenvs.core.random import implementation as implementation
from jaxenvs.core.random import key as key
from jaxenvs.core.random import keys as keys
