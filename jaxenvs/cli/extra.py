"""The extra that the `jaxenvs` command needs, and what to say if it is missing."""

_EXTRA_PACKAGES = ("pyarrow", "typer", "tqdm", "optax", "matplotlib", "PIL", "imageio_ffmpeg")


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install if the missing package belongs to the command's extra, else None."""
    missing = (error.name or "").partition(".")[0]
    if missing not in _EXTRA_PACKAGES:
        return None
    return f'The jaxenvs command needs `{missing}`, which is not installed: run `pip install "jaxenvs[train]"`.'
