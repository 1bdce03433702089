"""The module before the colon of `module:id`, which registers the id when it is imported."""

import importlib
import re
from types import ModuleType

from jaxenvs.core.env import Env
from jaxenvs.errors import NameNotFound, RegistrationError


def import_before_colon(module: str, id: str) -> ModuleType:
    """Imports `module`, which registers `id`.

    Raises:
        RegistrationError: it is a file rather than the name of a module, or none.
        ModuleNotFoundError: it cannot be imported.
    """
    drive = len(module) == 1 and id.startswith(("/", "\\"))
    path, _, name = f"{module}:{id}".rpartition(":") if drive else (module, "", id)
    if drive or "/" in path or "\\" in path or path.endswith(".py"):
        stem = re.split(r"[/\\]", path)[-1].removesuffix(".py")
        raise RegistrationError(
            f"`{path}` is a file. Before the colon is the name of a module that registers ids, as `import` finds it:"
            f" `{stem}:{name}`."
        )
    if not module or module.startswith("."):
        raise RegistrationError(
            f"`{module}:{id}` does not name a module before the colon. Write its full name, as `import` finds it."
        )
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}. Environment registration via importing a module failed."
            f" Check whether '{module}' contains env registration and can be imported."
        ) from error


def refuse_class_without_id(module: ModuleType, id: str) -> None:
    """Raises `NameNotFound` if `id` is the name of a class of environments rather than an id."""
    cls, name = vars(module).get(id), module.__name__
    if isinstance(cls, type) and issubclass(cls, Env):
        raise NameNotFound(
            f"Environment `{id}` doesn't exist: `{name}.{id}` is a class that has no id. Write into `{name}`:"
            f' `jaxenvs.register("{id}-v0", {id})`, and then use `{name}:{id}-v0`.'
        )
