"""The same tasks on a Dask cluster: its workers need the package, not our disk; plans come back over the wire.

A worker that is lost has its tasks done by another one (Dask's `allowed-failures`, and as many tries as `RETRIES`).
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from capacity.errors import InputError
from capacity.studies.solve import Done, Task, solve_task

CONNECT_S = 20.0
RETRIES = 3


def on_dask(tasks: Sequence[Task], plans: Path, donor: Path | None, address: str) -> Iterator[Done]:
    """Solve tasks on the cluster behind a scheduler's address, giving each as it finishes, its plan in `plans`.

    Raises InputError when Dask is not installed or no scheduler answers. Scenario files and overlay folders must be
    readable on the workers under the same paths; shipped scenarios are.
    """
    client = connect(address)
    from distributed import as_completed

    try:
        kept = client.scatter(donor.read_bytes(), broadcast=True) if donor is not None else None
        futures = {client.submit(solve_away, task, kept, key=f"{task.key}-{os.getpid()}", retries=RETRIES): task
                   for task in tasks}
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            task = futures.pop(future)
            yield _arrived(future, task, plans)
            future.release()
    finally:
        client.close()


def connect(address: str) -> Any:
    """A Dask client. Raises InputError naming the address when there is no scheduler."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs Dask: pip install 'capacity[studies]'") from None
    try:
        return Client(address, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"--dask {address}: no Dask scheduler answers there ({why}); write it as tcp://host:8786"
                         ) from None


def _arrived(future: Any, task: Task, plans: Path) -> Done:
    if future.status != "finished":
        error = future.exception()
        return Done(task.key, {"status": "fault", "reason": f"{type(error).__name__}: {error}"[:300]})
    row, archive = future.result()
    if archive is None:
        return Done(task.key, row)
    return Done(task.key, row, str(unpack(archive, plans, task.key)))


def solve_away(task: Task, donor: bytes | None) -> tuple[dict[str, Any], bytes | None]:
    """On a worker: the row, and the plan's folder as an archive."""
    folder = Path(tempfile.mkdtemp(prefix="capacity-"))
    try:
        done = solve_task(task, folder, _donor_file(donor) if donor is not None else None)
        return dict(done.row), pack(Path(done.folder)) if done.folder else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=4)
def _donor_file(content: bytes) -> Path:
    """The donor's keepsake as a file of this worker."""
    handle, path = tempfile.mkstemp(prefix="capacity-", suffix=".npz")
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    return Path(path)


def pack(folder: Path) -> bytes:
    """A folder as an uncompressed tar archive."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        archive.add(folder, arcname=".")
    return into.getvalue()


def unpack(content: bytes, plans: Path, key: str) -> Path:
    """The archived folder as `plans/key`, whole or not at all."""
    draft = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=plans))
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(draft / key, filter="data")
        (draft / key).rename(plans / key)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return plans / key
