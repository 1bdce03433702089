"""Settings of the whole suite: strict JAX, a compilation cache shared by all workers, and a few images for MNIST."""

import gc
import os
import random
import tempfile
from pathlib import Path

os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "jaxenvs-test-compilation-cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # even one operation takes longer to compile
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads wait actively in every worker, which slows XLA down

import jax  # the settings above must be there first
import pytest

import jaxenvs.training  # noqa: F401  # keeps XLA's CPU compiler from stalling, if imported before any computation
from tests import registries

# A trace makes millions of objects, and few of them are garbage. With Python's own threshold of 700, a sixth of the
# processor time of the tests went into looking for it.
gc.set_threshold(10_000, 20, 20)

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


def write_mnist(folder: Path, count: int = 40) -> None:
    """Writes files in MNIST's format that contain random bytes and digits: no package contains the dataset itself."""
    noise = random.Random(0)
    sizes = count.to_bytes(4), *((28).to_bytes(4),) * 2
    files = {
        "train-images-idx3-ubyte": bytes((0, 0, 8, 3)) + b"".join(sizes) + noise.randbytes(count * 28 * 28),
        "train-labels-idx1-ubyte": bytes((0, 0, 8, 1)) + sizes[0] + bytes(noise.randrange(10) for _ in range(count)),
    }
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        unfinished = folder / f"{name}.{os.getpid()}"  # other workers may read while this one writes
        unfinished.write_bytes(content)
        unfinished.replace(folder / name)


os.environ["JAXENVS_MNIST"] = str(Path(tempfile.gettempdir()) / "jaxenvs-test-mnist")
write_mnist(Path(os.environ["JAXENVS_MNIST"]))


@pytest.fixture(autouse=True)
def registries_kept():
    """Removes the registrations of a test when it ends, so that later tests do not depend on the process."""
    with registries.kept():
        yield


def pytest_collection_modifyitems(items):
    """Starts with the longest test, so that no worker is left with it at the end while the others are idle."""
    items.sort(key=lambda item: item.name != "test_code_quality[pyright]")


def pytest_collection_finish(session):
    """Exempts from garbage collection what modules and the list of tests consist of, which stays until the end."""
    keep_what_is_there()


def keep_what_is_there():
    gc.collect()
    gc.freeze()


MOST_MAPPINGS = 30_000
"""Of memory, in a process of the tests. Each compiled program takes some, and Linux allows 65,530: beyond it XLA's next
compilation crashes."""


def pytest_runtest_teardown(item, nextitem):
    """Forgets the compiled programs of earlier tests before there are too many."""
    item.session.stash[FINISHED] = finished = item.session.stash.get(FINISHED, 0) + 1
    if finished % 50:
        return
    mappings = Path("/proc/self/maps")
    if mappings.is_file() and len(mappings.read_bytes().splitlines()) > MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()
    if not gc.get_freeze_count():  # the conformance check `no_leaks` ends with `gc.unfreeze()`
        keep_what_is_there()


FINISHED = pytest.StashKey[int]()
