"""A thread that keeps a processor busy, for tests that what the clock says decides nothing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def busy() -> Iterator[None]:
    """Something else to do for this process, until the block is left."""
    over = threading.Event()

    def spin() -> None:
        for i in itertools.count():
            if over.is_set() or i < 0:
                return
            sum(range(1000))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
