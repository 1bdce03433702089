"""serve and work: the processes of a scoreboard, the site and the workers beside it."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.site.server import SiteServer
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.worker.worker import Worker

DATABASE_VARIABLE = "JAXENVS_SCOREBOARD_DATABASE"

_PAUSE_SECONDS = 2.0
"""Before a worker that ended is started again."""
_STOP_SECONDS = 10.0


def _print_now(text: str) -> None:
    """Prints a line at once, into a pipe as well, which would otherwise keep it until the site ends."""
    print(text, flush=True)


def serve(
    folder: Path,
    *,
    database: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    public: str | None = None,
    workers: int = 1,
    draws: bool = True,
    requests_per_second: float = 20.0,
    on_ready: Callable[[str], Any] = _print_now,
) -> None:
    """Serves the site of a scoreboard, with workers beside it, until Ctrl-C or SIGTERM.

    Args:
        folder: where its files are.
        database: the URL of its database; None for the SQLite file in the folder.
        host: the address to serve on.
        port: the port; 0 for any.
        public: the address of the site as others use it; None for that of the port.
        workers: how many workers run beside it.
        draws: whether workers draw pictures of the environments.
        requests_per_second: how often one client may use the API for long.
        on_ready: called with the address of the site once the port is bound.

    Raises:
        InvalidField: the database cannot be opened, or the port is in use.
    """
    holder: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await holder[0](scope, receive, send)

    server = SiteServer(app, host, port)  # before the folder is made, since the port may be in use
    with contextlib.closing(server), contextlib.closing(Store.open(folder, database)) as store:
        name = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("", "0.0.0.0") else host
        address = (public or f"http://{name}:{server.port}").rstrip("/")
        holder.append(site_app(store, address, requests_per_second=requests_per_second, burst=10 * requests_per_second))
        with _workers(folder, database, workers, draws):
            _forget_what_stays()
            on_ready(address)
            server.run()


def work(folder: Path, *, database: str | None = None, draws: bool = True, is_attached: bool = False) -> None:
    """Verifies the submissions of a scoreboard until Ctrl-C or SIGTERM.

    Args:
        folder: where its files are; the same for the site and all workers.
        database: the URL of its database; None for the SQLite file in the folder.
        draws: whether it draws pictures of the environments.
        is_attached: whether it ends when its standard input does.
    """
    with contextlib.closing(Store.open(folder, database)) as store:
        worker = Worker(store.database, store.files, draws=draws)

        def stop(*_: Any) -> None:
            worker.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if is_attached:
            threading.Thread(target=_stop_at_end_of_input, args=(worker,), daemon=True).start()
        worker.run()


def _forget_what_stays() -> None:
    """Keeps the garbage collector from the modules that are loaded: a pass over them stops all readers for 0.1 s."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _workers(folder: Path, database: str | None, count: int, draws: bool) -> Iterator[None]:
    """Workers that run while the block does. One that ends is started again."""
    command = [sys.executable, "-m", "jaxenvs", "scoreboard", "worker", str(folder), "--attached"]
    command += [] if draws else ["--no-pictures"]
    # In the environment, since everybody on the machine can read the arguments of a process.
    environment = {**os.environ, **({} if database is None else {DATABASE_VARIABLE: database})}
    stopping = threading.Event()

    def keep_one() -> None:
        while not stopping.is_set():
            process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)
            while process.poll() is None and not stopping.wait(0.2):
                pass
            assert process.stdin is not None
            process.stdin.close()  # which it takes for the end
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            stopping.wait(_PAUSE_SECONDS)

    threads = [threading.Thread(target=keep_one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _stop_at_end_of_input(worker: Worker) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    worker.stop()
