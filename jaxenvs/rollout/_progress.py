"""The progress bar of long runs."""

from typing import Any

from jaxenvs.core.errors import DependencyNotInstalled


def progress_bar(total: int, description: str, unit: str) -> Any:
    """A tqdm bar, to be used in a `with`.

    Raises:
        DependencyNotInstalled: tqdm is missing.
    """
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled('The progress bar needs tqdm: run `pip install "jaxenvs[train]"`.') from error
    return tqdm(total=total, desc=description, unit=unit, unit_scale=True)
