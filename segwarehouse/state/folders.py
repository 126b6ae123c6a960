"""Published states on disk: folders, and the link that says which of them is current.

In: a configuration and the names of runs. Out: a link that always leads to a whole state. A state is a folder,
``runs/<run>/warehouse.duckdb``; the folder that `publish.url` names is a symbolic link to the current one. Replacing
the link is one atomic step, so a reader sees the previous state or the new one, and a crash leaves the link where it
was. What is in a state, and whether it may be put in place, is left to others. Where views are published in the
working database itself there are no states on disk.
"""

import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segwarehouse.config import Config
from segwarehouse.errors import PublishError, UnknownName, did_you_mean

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_STAGING = ".staging-"


def states_on_disk(config: Config) -> list[str]:
    """Return the runs whose published states are on disk, in the order in which they were published.

    Run ids sort in that order, whatever the clock said. What is not called like a run is not a state.
    """
    if config.in_place or not config.states.is_dir():
        return []
    name = config.publish.url.path.name
    return sorted(
        path.name for path in config.states.iterdir() if _RUN_ID.fullmatch(path.name) and (path / name).is_file()
    )


def state_file(config: Config, run_id: str) -> Path:
    """Return the database file of a state.

    Raises
    ------
    UnknownName
        If it is not on disk.
    """
    known = states_on_disk(config)
    if run_id not in known:
        hint = f"on disk: {', '.join(reversed(known))}" if known else did_you_mean(run_id, known)
        raise UnknownName(f"there is no state of run {run_id!r} on disk", hint, name=run_id)
    return config.states / run_id / config.publish.url.path.name


def current_run(config: Config) -> str | None:
    """Return the run whose state is current; None where there is none, or where it is published in place."""
    link = config.publish.url.path.parent
    if config.in_place or not link.is_symlink():
        return None
    name = link.readlink().name
    return name if name in states_on_disk(config) else None


def require_replaceable(config: Config) -> None:
    """Refuse to begin what could not be put in place; the folders that it needs are made.

    Raises
    ------
    PublishError
        If the published folder is there already and is not the link that a previous run has made, or if nothing can be
        written beside it.
    """
    if config.in_place:
        return
    link = config.publish.url.path.parent
    if link.is_symlink():
        if _RUN_ID.fullmatch(link.readlink().name) is None:
            raise PublishError(
                f"{link} is a link to {link.readlink()}, and must become one to the published state",
                "name the folder itself in publish.url, with a folder of its own inside, or remove the link",
                path=link,
            )
    elif link.exists():
        raise PublishError(
            f"{link} is a folder of its own, and must become a link to the published state",
            "move it away, or name another folder in publish.url",
            path=link,
        )
    with _as_publish_error(config.states):
        config.states.mkdir(parents=True, exist_ok=True)
        with _temporary_link(link, Path("nowhere")):
            pass
        with staging(config, "probe"):
            pass


@contextmanager
def staging(config: Config, run_id: str) -> Iterator[Path]:
    """Make a folder to write a state in; it is removed again, unless it was promoted.

    Raises
    ------
    PublishError
        In place of any OSError.
    """
    folder = config.states / f"{_STAGING}{run_id}"
    with _as_publish_error(config.states):
        try:
            folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def promote(config: Config, folder: Path, run_id: str) -> None:
    """Make a finished state durable, then put it in place. If that fails, nothing of it stays.

    Raises
    ------
    PublishError
        If there is a write-ahead log beside the database, which means that it is not whole, or no database at all.
    """
    name = config.publish.url.path.name
    found = sorted(path.name for path in folder.iterdir())
    if name not in found or any(other.startswith(name) for other in found if other != name):
        raise PublishError(
            f"{folder} holds {', '.join(found)}, where {name} is to be whole", "free some disk space and run again"
        )
    for file in found:
        (folder / file).chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        _sync(folder / file)
    _sync(folder)
    target = config.states / run_id
    folder.rename(target)
    try:
        _sync(target.parent)
        switch(config, run_id)
    except BaseException:
        if current_run(config) != run_id:
            _remove(config, run_id)
        raise


def switch(config: Config, run_id: str) -> None:
    """Make a state on disk the current one, in one atomic step."""
    link = config.publish.url.path.parent
    _sync(link.parent)
    with _temporary_link(link, Path(os.path.relpath(config.states / run_id, link.parent))) as temporary:
        temporary.replace(link)
    _sync(link.parent)


def prune(config: Config, *protected: str | None) -> None:
    """Remove the oldest states beyond `publish.states_kept`, never the current one nor those in `protected`.

    The state that has just been replaced belongs there: a reader may be about to open it.
    """
    known = states_on_disk(config)
    for run_id in known[: -config.publish.states_kept]:
        if run_id not in {current_run(config), *protected}:
            _remove(config, run_id)


def clear_leavings(config: Config, dead: Collection[str]) -> None:
    """Remove what dead runs left behind: unfinished states, links that were about to replace the current one.

    Parameters
    ----------
    dead
        Runs that died. One that got as far as a finished state, but not to the link, was never published.
    """
    if config.in_place:
        return
    for left in config.states.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    link = config.publish.url.path.parent
    for left in link.parent.glob(f".{link.name}-*"):
        if left.is_symlink() and left.name.rpartition("-")[2].isdigit():
            left.unlink(missing_ok=True)
    current = current_run(config)
    for run_id in states_on_disk(config):
        if run_id in dead and run_id != current:
            _remove(config, run_id)


def _remove(config: Config, run_id: str) -> None:
    """Remove a state that nobody is led to; what a crash leaves of it is no state any more."""
    aside = config.states / f"{_STAGING}{run_id}"
    with suppress(OSError):
        (config.states / run_id).rename(aside)
        shutil.rmtree(aside)


@contextmanager
def _as_publish_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{error.filename or folder}: {error.strerror or error}",
            "is the folder writable, and is there room on the disk?",
            path=error.filename or folder,
        ) from error


@contextmanager
def _temporary_link(link: Path, target: Path) -> Iterator[Path]:
    temporary = link.with_name(f".{link.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=True)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
