"""The registry: the ids that exist, and what they mean."""

import dataclasses
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jaxenvs.errors import (
    DeprecatedEnv,
    NameNotFound,
    NamespaceNotFound,
    RegistrationError,
    VersionNotFound,
    did_you_mean,
)
from jaxenvs.registration.atari import ALE_NAMESPACE, atari_ids
from jaxenvs.registration.catalog import CATALOG, RENAMED
from jaxenvs.registration.modules import import_before_colon, refuse_class_without_id
from jaxenvs.registration.spec import GYMNASIUM_NAMESPACE, EnvSpec, format_id, gymnasium_id, parse_id

ENTRY_POINT_GROUP = "jaxenvs.envs"
"""The entry point group of plug-ins. A module or function that a package names in this group is loaded before the first
look-up that needs it; loading it registers the package's ids."""


def _is_defined_again(old: EnvSpec, new: EnvSpec) -> bool:
    """Whether only a class differs, which has the same name: a cell was run again, or a module was reloaded."""
    before, after = old.entry_point, new.entry_point
    if isinstance(before, str) or isinstance(after, str):
        return False
    names = (before.__module__, before.__qualname__), (after.__module__, after.__qualname__)
    return names[0] == names[1] and dataclasses.replace(old, entry_point=after) == new


class Registry(Mapping[str, EnvSpec]):
    """All registered specs by id, including those of plug-ins; read it like a dict.

    Ids that `on_missing` makes on demand can be looked up here, but are neither counted nor listed.
    """

    def __init__(self, specs: tuple[EnvSpec, ...]) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self._plugins_loaded = False
        self._listeners: list[Callable[[EnvSpec], None]] = []
        self._makers: list[Callable[[str], EnvSpec | None]] = []

    def __getitem__(self, id: str) -> EnvSpec:
        if id not in self._specs:
            self.load_plugins()
        if id not in self._specs and isinstance(id, str):
            for maker in tuple(self._makers):
                if spec := self._made(maker, id):
                    return spec
        return self._specs[id]

    def _made(self, maker: Callable[[str], EnvSpec | None], id: str) -> EnvSpec | None:
        try:
            return maker(id)
        except Exception as error:  # noqa: BLE001  # a plug-in's function must not break other look-ups
            self._makers.remove(maker)
            _warn(
                f"The function `{getattr(maker, '__qualname__', maker)}`, which makes specs on demand, failed at"
                f" `{id}` and is not called again: {type(error).__name__}: {error}."
            )
            return None

    def __iter__(self) -> Iterator[str]:
        self.load_plugins()
        return iter(self._specs)

    def __len__(self) -> int:
        self.load_plugins()
        return len(self._specs)

    def __repr__(self) -> str:
        return f"<{len(self)} ids; `jaxenvs.pprint_registry()` lists them, `jaxenvs.spec(id)` describes one>"

    def add(self, spec: EnvSpec) -> None:
        """Adds a spec; one of the same id is replaced, with a warning unless its class has been defined again."""
        if spec.id in self._specs and not _is_defined_again(self._specs[spec.id], spec):
            _warn(f"Overriding environment {spec.id} already in registry.")
        self._specs[spec.id] = spec
        for listener in self._listeners:
            listener(spec)

    def on_add(self, listener: Callable[[EnvSpec], None]) -> None:
        """Calls `listener` with each spec that is added from now on."""
        self._listeners.append(listener)

    def on_missing(self, maker: Callable[[str], EnvSpec | None]) -> None:
        """Asks `maker` for the spec of an id that is not registered, for families too large to be listed.

        Args:
            maker: returns the spec of an id, or None if it does not make this id. If it is given twice, it is still
                called once.
        """
        if maker not in self._makers:
            self._makers.append(maker)

    def load_plugins(self) -> None:
        """Loads every entry point of the group once; one that fails is reported and left out."""
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        failures = []
        for plugin in _entry_points(failures):
            try:
                loaded = plugin.load()
                if callable(loaded):
                    loaded()
            # A plug-in must not break the rest, nor end the process.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                failures.append(
                    f"The jaxenvs plug-in `{plugin.name}` ({plugin.value}) could not be loaded:"
                    f" {type(error).__name__}: {error}. Its environments are missing."
                )
        for failure in failures:  # at the end, since a warning may raise
            _warn(failure)

    def loaded(self) -> list[EnvSpec]:
        """The specs registered so far, without those of plug-ins that are not loaded yet.

        `register` uses only these: a plug-in that registers while its module is being imported must not trigger the
        import of that same module.
        """
        return list(self._specs.values())


def _entry_points(failures: list[str]) -> list[importlib.metadata.EntryPoint]:
    """The plug-ins, each once even if its package is on the path twice, as source and installed.

    If some package's metadata is corrupt, `importlib.metadata` fails for all of them, and `failures` says so.
    """
    try:
        return list(dict.fromkeys(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)))
    except Exception as error:  # noqa: BLE001
        failures.append(
            f"jaxenvs plug-ins could not be looked up, since the metadata of some installed package cannot be read:"
            f" {type(error).__name__}: {error}."
        )
        return []


registry = Registry(CATALOG)


def _warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warns with the line that called into this package (or into Mapping's methods around it)."""
    inside = "jaxenvs.registration.", "collections.abc", "_collections_abc"
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(inside):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_OF_GYMNASIUM = {
    "kwargs": "Values for the environment's fields are `fields={...}`.",
    "additional_wrappers": "Put wrappers around `jaxenvs.make(id)`; those for training in `training_entry_point`.",
    "vector_entry_point": "Every environment is stepped in batches by `jax.vmap`.",
    "nondeterministic": "The state holds the key that random numbers come from, so nothing is nondeterministic.",
    "time_limit": "It is `max_episode_steps`.",
    "max_steps": "It is `max_episode_steps`.",
}
"""Arguments of Gymnasium's `register`, and likely other names, with what there is in their place."""


def register(
    id: str,
    entry_point: str | type,
    *,
    fields: Mapping[str, Any] | None = None,
    max_episode_steps: int | None = None,
    reward_threshold: float | None = None,
    extra: str | None = None,
    source: str = "",
    training_entry_point: str | None = None,
    **unknown: Any,
) -> EnvSpec:
    """Registers an environment under an id.

    Args:
        id: `[namespace/]name-vN`.
        entry_point: the environment's class, or `"package.module:Class"` to import it on first use.
        fields: values for its fields, if they differ from the defaults.
        max_episode_steps: the time limit that `make` applies; None for none.
        reward_threshold: the mean return at which the task counts as solved.
        extra: the pip extra that it needs.
        source: where the task comes from.
        training_entry_point: `"package.module:function"` that makes it for training; see `EnvSpec`.
        unknown: nothing; arguments of Gymnasium's `register` are answered in words.

    Returns:
        The spec.

    Raises:
        RegistrationError: a malformed id, entry point or limit, an unknown argument, or an unversioned id next to
            versioned ones.
    """
    for name in unknown:
        known = [field.name for field in dataclasses.fields(EnvSpec)]
        hint = _OF_GYMNASIUM.get(name) or did_you_mean(name, known).strip() or f"There are {', '.join(known)}."
        raise RegistrationError(f"{id}: `jaxenvs.register` has no argument `{name}`. {hint}")
    spec = EnvSpec(
        id=id,
        entry_point=entry_point,
        fields=fields or {},
        max_episode_steps=max_episode_steps,
        reward_threshold=reward_threshold,
        extra=extra,
        source=source,
        training_entry_point=training_entry_point,
    )
    others = _versions(registry.loaded(), spec.namespace, spec.name)
    if spec.version is None and any(version is not None for version in others):
        raise RegistrationError(
            f"Can't register the unversioned environment `{id}` when the versioned environment"
            f" `{format_id(spec.namespace, spec.name, max(v for v in others if v is not None))}`"
            " of the same name already exists."
        )
    if spec.version is not None and None in others:
        raise RegistrationError(
            f"Can't register the versioned environment `{id}` when the unversioned environment"
            f" `{format_id(spec.namespace, spec.name, None)}` of the same name already exists."
        )
    registry.add(spec)
    return spec


def spec(id: str) -> EnvSpec:
    """The spec of an id.

    `"module:id"` imports the module first; an id without a version means the latest one, with a
    warning.

    Raises:
        RegistrationError: the id is malformed, or before the colon is a file rather than a module.
        NamespaceNotFound, NameNotFound, VersionNotFound: no such id; the message suggests the nearest.
        DeprecatedEnv: that version was replaced; the message names the current one.
        ModuleNotFoundError: the module before the colon cannot be imported.
    """
    if isinstance(id, str) and ":" in id:
        module, _, id = id.partition(":")
        found = import_before_colon(module, id)
        if id not in registry:
            refuse_class_without_id(found, id)
    if isinstance(id, str) and id in RENAMED:
        _warn(f"`{id}` behaves as `{RENAMED[id]}`, which is used instead.", DeprecationWarning)
        id = RENAMED[id]
    if isinstance(id, str) and id.startswith(f"{GYMNASIUM_NAMESPACE}/") and id not in registry:
        raise _gymnasium_id_error(id)
    namespace, name, version = parse_id(id)
    if id in registry:
        return registry[id]
    _check_is_no_game(id, namespace)
    _check_namespace(namespace)
    _check_name(namespace, name)
    versions = [v for v in _versions(registry.values(), namespace, name) if v is not None]
    if version is None:
        latest = format_id(namespace, name, max(versions))
        _warn(f"Using the latest versioned environment `{latest}` instead of the unversioned environment `{id}`.")
        return registry[latest]
    raise _version_error(namespace, name, version, versions)


def _gymnasium_id_error(id: str) -> NamespaceNotFound:
    """The error for an id that begins with Gymnasium's namespace for jaxenvs; raises if the rest of the id is wrong."""
    rest = id.removeprefix(f"{GYMNASIUM_NAMESPACE}/")
    own = next((each for each in registry if gymnasium_id(each) == id), None)
    if own is None:
        with warnings.catch_warnings():  # the message says which version is meant
            warnings.simplefilter("ignore")
            own = spec(rest).id
    return NamespaceNotFound(
        f"Namespace {GYMNASIUM_NAMESPACE} not found: it is that of Gymnasium's ids. In jaxenvs write"
        f' `jaxenvs.make("{own}")`, in Gymnasium `gymnasium.make("{gymnasium_id(own)}")`.'
    )


def _versions(specs: Iterable[EnvSpec], namespace: str | None, name: str) -> list[int | None]:
    return sorted(
        (s.version for s in specs if (s.namespace, s.name) == (namespace, name)), key=lambda v: -1 if v is None else v
    )


def _check_is_no_game(id: str, namespace: str | None) -> None:
    """Raises the error for a game of the ALE where the bridge to it is missing or could not be loaded."""
    games = {game for game, _ in atari_ids()}
    is_game = namespace == ALE_NAMESPACE or id in games
    if is_game and not any(spec.namespace == ALE_NAMESPACE for spec in registry.values()):
        raise (NamespaceNotFound if namespace == ALE_NAMESPACE else NameNotFound)(
            f"`{id}` is a game of the ALE, and the bridge to it, `jaxenvs_ale_bridge`, is not installed: run"
            ' `pip install "jaxenvs[atari]"`.'
        )


def _check_namespace(namespace: str | None) -> None:
    namespaces = {s.namespace for s in registry.values() if s.namespace}
    if namespace is None or namespace in namespaces:
        return
    hint = did_you_mean(namespace, namespaces) or f" Have you installed the proper package for {namespace}?"
    raise NamespaceNotFound(f"Namespace {namespace} not found.{hint}")


def _check_name(namespace: str | None, name: str) -> None:
    names = {s.name for s in registry.values() if s.namespace == namespace}
    if name in names:
        return
    by_lower = {n.lower(): n for n in names}
    nearest = did_you_mean(name.lower(), by_lower)
    for lower, proper in by_lower.items():
        nearest = nearest.replace(f"`{lower}`", f"`{proper}`")
    if namespace is None:
        for spec in registry.values():
            if spec.namespace and f"{spec.namespace}-{spec.name}" == name:
                nearest = f" In jaxenvs it is `{spec.namespace}/{spec.name}`; the hyphen is for Gymnasium."
    if not nearest:
        elsewhere = sorted({s.namespace for s in registry.values() if s.name == name and s.namespace})
        ids = " and ".join(f"`{other}/{name}`" for other in elsewhere)
        nearest = f" It exists in namespace `{'` and `'.join(elsewhere)}`: {ids}." if elsewhere else ""
    if name.endswith(".py") and namespace is None:
        nearest = f" The id that a file registers follows its name and a colon: `{name.removesuffix('.py')}:MyEnv-v0`."
    where = f" in namespace {namespace}" if namespace else ""
    hint = nearest or " `jaxenvs list` shows every id."
    raise NameNotFound(f"Environment `{name}` doesn't exist{where}.{hint}")


def _version_error(namespace: str | None, name: str, version: int, versions: list[int]) -> Exception:
    plain = format_id(namespace, name, None)
    if not versions:
        return VersionNotFound(
            f"Environment version `v{version}` for environment `{plain}` doesn't exist."
            f" It provides the default version `{plain}`."
        )
    if version < max(versions):
        latest = format_id(namespace, name, max(versions))
        return DeprecatedEnv(
            f"Environment version v{version} for `{plain}` is deprecated. Please use `{latest}` instead."
        )
    listed = ", ".join(f"`v{v}`" for v in versions)
    return VersionNotFound(
        f"Environment version `v{version}` for environment `{plain}` doesn't exist."
        f" It provides versioned environments: [ {listed} ]."
    )


def pprint_registry(
    *, num_cols: int = 3, exclude_namespaces: Iterable[str] = (), disable_print: bool = False
) -> str | None:
    """Prints the registered ids by family, or returns the text if `disable_print` is set.

    Args:
        num_cols: number of ids per line.
        exclude_namespaces: families to leave out.
        disable_print: whether to return the text rather than print it.
    """
    families: dict[str, list[str]] = {}
    excluded = set(exclude_namespaces)
    for entry in registry.values():
        if entry.family in excluded:
            continue
        families.setdefault(entry.family, []).append(entry.id)
    width = max((len(id) for ids in families.values() for id in ids), default=0)
    lines = []
    for family, ids in families.items():
        lines.append(f"===== {family} =====")
        ids = sorted(ids)
        lines += [
            " ".join(id.ljust(width) for id in ids[i : i + num_cols]).rstrip() for i in range(0, len(ids), num_cols)
        ]
        lines.append("")
    text = "\n".join(lines).rstrip()
    if disable_print:
        return text
    sys.stdout.write(text + "\n")
    return None
