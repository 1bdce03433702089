"""Adapters: our environments behind the interfaces of other libraries, and the environments of other libraries as ours.

Each library has a folder or a file. `from_gymnax`, `from_pgx` and `from_gymnasium_functional` import a library's
environments; the classes export ours to it. Each name is imported on first use, so that an adapter needs no other
library than its own.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from jaxenvs.errors import DependencyNotInstalled, JaxenvsError

if TYPE_CHECKING:
    from jaxenvs.adapters.brax import BraxEnv as BraxEnv
    from jaxenvs.adapters.brax import wrap_with_fresh_starts as wrap_with_fresh_starts
    from jaxenvs.adapters.dm_environment import DmEnvironment as DmEnvironment
    from jaxenvs.adapters.gymnasium.env import GymnasiumEnv as GymnasiumEnv
    from jaxenvs.adapters.gymnasium.from_functional import from_gymnasium_functional as from_gymnasium_functional
    from jaxenvs.adapters.gymnasium.legacy_gym import LegacyGym as LegacyGym
    from jaxenvs.adapters.gymnasium.vector_env import GymnasiumVectorEnv as GymnasiumVectorEnv
    from jaxenvs.adapters.gymnax.env import GymnaxEnv as GymnaxEnv
    from jaxenvs.adapters.gymnax.from_gymnax import from_gymnax as from_gymnax
    from jaxenvs.adapters.pettingzoo.aec_env import PettingZooAECEnv as PettingZooAECEnv
    from jaxenvs.adapters.pettingzoo.parallel_env import PettingZooParallelEnv as PettingZooParallelEnv
    from jaxenvs.adapters.pgx import from_pgx as from_pgx
    from jaxenvs.adapters.recording import record as record
    from jaxenvs.adapters.stable_baselines3.vec_env import StableBaselines3VecEnv as StableBaselines3VecEnv
    from jaxenvs.adapters.torch.arrays import from_torch as from_torch
    from jaxenvs.adapters.torch.arrays import to_torch as to_torch
    from jaxenvs.adapters.torch.vector_env import TorchVectorEnv as TorchVectorEnv

_MODULES = {
    "GymnasiumEnv": "gymnasium.env",
    "GymnasiumVectorEnv": "gymnasium.vector_env",
    "LegacyGym": "gymnasium.legacy_gym",
    "StableBaselines3VecEnv": "stable_baselines3.vec_env",
    "TorchVectorEnv": "torch.vector_env",
    "to_torch": "torch.arrays",
    "from_torch": "torch.arrays",
    "GymnaxEnv": "gymnax.env",
    "BraxEnv": "brax",
    "wrap_with_fresh_starts": "brax",
    "DmEnvironment": "dm_environment",
    "PettingZooAECEnv": "pettingzoo.aec_env",
    "PettingZooParallelEnv": "pettingzoo.parallel_env",
    "from_gymnax": "gymnax.from_gymnax",
    "from_pgx": "pgx",
    "from_gymnasium_functional": "gymnasium.from_functional",
    "record": "recording",
}

_INSTALL = {
    "gymnasium": "jaxenvs[gymnasium]",
    "stable_baselines3": "jaxenvs[sb3]",
    "torch": "jaxenvs[sb3]",
    "pettingzoo": "jaxenvs[pettingzoo]",
    "gymnax": "gymnax",
    "brax": "brax",
    "dm_env": "dm_env",
    "pgx": "pgx",
}
"""What to install for a package that an adapter needs."""


class AdapterUnavailable(JaxenvsError, AttributeError):
    """The package that `jaxenvs.adapters.<name>` needs is missing; the message gives the `pip install` line.

    `from jaxenvs.adapters import <name>` raises `DependencyNotInstalled` instead. A missing attribute must raise an
    AttributeError, or else `hasattr`, `help` and `inspect` would fail, and an ImportError cannot be one as well.
    """


def __getattr__(name: str) -> Any:
    if name == "__all__":  # what `import *` imports: the adapters whose packages are installed
        return [each for each in _MODULES if hasattr(sys.modules[__name__], each)]
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(_MODULES)}.")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _INSTALL:
            raise
        # An import statement looks up the name from within importlib, and would replace the text of an AttributeError.
        is_import = sys._getframe(1).f_code.co_name == "_handle_fromlist"
        raise (DependencyNotInstalled if is_import else AdapterUnavailable)(
            f"`jaxenvs.adapters.{name}` needs `{missing}`, which is not installed:"
            f' run `pip install "{_INSTALL[missing]}"`.'
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
