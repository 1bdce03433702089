"""The progress bar of long runs."""

from typing import Any

from jaxenvs.core.packages import load_package


class _NoBar:
    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, count: int) -> None:
        pass

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        pass


def progress_bar(total: int, description: str, unit: str, *, shown: bool = True) -> Any:
    """A tqdm bar, to be used in a `with` block; if not `shown`, an object that accepts the same calls.

    Raises:
        DependencyNotInstalled: tqdm is missing.
    """
    if not shown:
        return _NoBar()
    tqdm = load_package("tqdm.auto", "The progress bar needs tqdm", '"jaxenvs[train]"')
    return tqdm.tqdm(total=total, desc=description, unit=unit, unit_scale=True)
