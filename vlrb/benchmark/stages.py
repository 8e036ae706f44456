"""Stages: parts of a benchmark folder, each rebuilt only when what it is made from has changed.

`manifest.json` lists the finished parts: fingerprints of their inputs, their files (size, content hash), counts and the
versions that wrote them. A part is written to a staging folder first; then the manifest forgets the old part, the files
are renamed into place, and the manifest lists the new part. Killed before, the old part stands untouched; killed in
between, the part is unlisted and the next build makes it again. Inputs name other parts by the *content* of their
files, so a part that was rebuilt to the same bytes does not set off those behind it.
"""

import errno
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vlrb import schema
from vlrb.utils.console import say
from vlrb.utils.errors import StateError
from vlrb.utils.files import read_json, write_json
from vlrb.utils.fingerprint import file_fingerprint, fingerprint

Manifest = dict[str, Any]
Work = Callable[[Path], Mapping[str, Any]]
"""Writes the files of a part below the folder it is given and returns facts about them (plain values)."""

_STAGING = ".staging"
_PACKAGES = ("vlrb", "numpy", "pandas", "pyarrow", "scipy")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def read_manifest(root: Path) -> Manifest:
    """Return the manifest of a benchmark folder, an empty one if nothing was built there yet.

    Raises:
        StateError: The folder was written with another schema version.
    """
    path = Path(root) / schema.MANIFEST_FILE
    if not path.exists():
        return {"schema_version": schema.SCHEMA_VERSION, "parts": {}}
    manifest: Manifest = read_json(path)
    if manifest.get("schema_version") != schema.SCHEMA_VERSION:
        raise StateError(
            f"{path}: schema version {manifest.get('schema_version')}, this program writes {schema.SCHEMA_VERSION}",
            f"delete {root} and build it again",
        )
    return manifest


def describe(root: Path, facts: Mapping[str, Any]) -> None:
    """Keep facts about the whole benchmark at the top of the manifest (written only if one changed)."""
    manifest = read_manifest(root)
    if any(manifest.get(key, ...) != value for key, value in facts.items()):
        _write_manifest(root, {**manifest, **facts})


def is_current(root: Path, name: str, inputs: Mapping[str, Any]) -> bool:
    """Return whether a part was made from exactly these inputs and its files are there, whole."""
    part = read_manifest(root)["parts"].get(name)
    return part is not None and part["inputs"] == _hashes(inputs) and _files_present(root, part)


def content(manifest: Manifest, *paths: str) -> str | None:
    """Return one hash of the content of files that finished parts list, None if one of them is not listed."""
    known = {path: entry["hash"] for part in manifest["parts"].values() for path, entry in part["files"].items()}
    if any(path not in known for path in paths):
        return None
    return fingerprint([known[path] for path in paths])


def built(root: Path, stage: str, *paths: str) -> str:
    """Return one hash of the content of files that a stage must have made before.

    Raises:
        StateError: It has not.
    """
    found = content(read_manifest(root), *paths)
    if found is None:
        raise StateError(f"{root}: the {stage} stage is not done", f"add {stage} to stages=[…]")
    return found


def run_stage(root: Path, name: str, inputs: Mapping[str, Any], work: Work, *, force: bool = False) -> bool:
    """Bring one part up to date and return whether there was anything to do.

    Args:
        root: The benchmark folder; the caller holds its lock.
        name: Name of the part in the manifest.
        inputs: Everything that determines the part: settings and the content of other parts (plain values).
        work: Writes the part's files (paths as below `root`) into the staging folder, returns facts for the manifest.
        force: Work even if nothing changed.

    Raises:
        StateError: The disk is full (what was there before stays usable).
    """
    root = Path(root)
    if not force and is_current(root, name, inputs):
        return False
    _say_why(root, name, inputs)
    try:
        with _staging(root) as staging:
            facts = dict(work(staging))
            files = _seal(staging)
            _publish(root, staging, name, {"inputs": _hashes(inputs), "files": files, "facts": facts})
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StateError(f"{root}: no space left while writing {name}", "free some and run it again") from error
        raise
    return True


def clean_up(root: Path) -> None:
    """Remove what an interrupted build left behind (call it under the folder's lock)."""
    shutil.rmtree(Path(root) / _STAGING, ignore_errors=True)
    for leftover in Path(root).glob(f".{schema.MANIFEST_FILE}.*.tmp*"):
        leftover.unlink(missing_ok=True)


def _hashes(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {key: fingerprint(inputs[key]) for key in sorted(inputs)}


def _files_present(root: Path, part: Mapping[str, Any]) -> bool:
    for relative, entry in part["files"].items():
        path = Path(root) / relative
        if not path.is_file() or path.stat().st_size != entry["bytes"]:
            return False
    return True


def _say_why(root: Path, name: str, inputs: Mapping[str, Any]) -> None:
    part = read_manifest(root)["parts"].get(name)
    if part is None:
        return
    now = _hashes(inputs)
    changed = [key for key in now if part["inputs"].get(key) != now[key]]
    if changed:
        say(f"{name}: {' and '.join(changed)} changed, building it again")
    elif not _files_present(root, part):
        say(f"{name}: files are missing or cut short, building it again")


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    folder = root / _STAGING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _seal(staging: Path) -> dict[str, dict[str, Any]]:
    files = {}
    for path in sorted(p for p in staging.rglob("*") if p.is_file()):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        files[path.relative_to(staging).as_posix()] = {"bytes": path.stat().st_size, "hash": file_fingerprint(path)}
    return files


def _publish(root: Path, staging: Path, name: str, part: dict[str, Any]) -> None:
    manifest = read_manifest(root)
    old = manifest["parts"].pop(name, None)
    if old is not None:  # from here to the last line the part is unlisted, so a crash cannot leave a mixture listed
        _write_manifest(root, manifest)
    for relative in part["files"]:
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / relative).replace(target)
    others = {relative for other in manifest["parts"].values() for relative in other["files"]}
    for relative in set(old["files"] if old else ()) - set(part["files"]) - others:
        (root / relative).unlink(missing_ok=True)
    manifest["parts"][name] = {**part, "versions": _versions()}
    _write_manifest(root, manifest)


def _write_manifest(root: Path, manifest: Manifest) -> None:
    parts = {name: manifest["parts"][name] for name in sorted(manifest["parts"])}
    head = {key: manifest[key] for key in sorted(manifest) if key != "parts"}
    write_json(root / schema.MANIFEST_FILE, {**head, "parts": parts})


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
