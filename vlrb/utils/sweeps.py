"""The record of a sweep: `sweep.json`, one entry per job, updated as jobs end (jobs may run in several processes)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlrb.schema import SWEEP_FILE
from vlrb.utils.files import read_json, write_json
from vlrb.utils.locks import folder_lock

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


def record_job(folder: Path, number: int, entry: Mapping[str, Any]) -> None:
    """Write the entry of one job into the sweep's record.

    Args:
        folder: The sweep's folder.
        number: The job's place in the sweep, from 0.
        entry: `overrides` (list of words), `run` (folder or None), `status`, `reason`, `log` (file or None), `line`
            (what to tell of a finished run), `objective`, `seconds`, and where it ran: `host`, `process`, `gpus`.
    """
    with folder_lock(folder):  # jobs of another dataset than the sweep's first have a record of their own
        record = read_record(folder) if (folder / SWEEP_FILE).exists() else {"planned": None, "jobs": []}
        jobs = {job["job"]: job for job in record["jobs"]}
        jobs[number] = {"job": number, **entry}
        record["jobs"] = [jobs[n] for n in sorted(jobs)]
        write_json(folder / SWEEP_FILE, record)


def start_record(folder: Path, command: list[str]) -> None:
    """Begin a sweep's record (the entries of an earlier call of the same sweep are replaced)."""
    for place in record_folders(folder):
        with folder_lock(place):
            write_json(place / SWEEP_FILE, {"command": command, "planned": None, "jobs": []})


def note_plan(folder: Path, planned: int) -> None:
    """Write into a sweep's record how many jobs it consists of."""
    with folder_lock(folder):
        write_json(folder / SWEEP_FILE, read_record(folder) | {"planned": planned})


def record_folders(folder: Path) -> list[Path]:
    """Return the folders that hold a record of the sweep: jobs of several datasets have one for each.

    Args:
        folder: `<runs_dir>/<dataset>/sweeps/<name>`; it comes first, recorded or not.
    """
    others = (path.parent for path in folder.parents[2].glob(f"*/sweeps/{folder.name}/{SWEEP_FILE}"))
    return [folder, *sorted(path for path in others if path != folder)]


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a sweep: `command`, `planned` (number of jobs, if known) and finished `jobs` in order."""
    record: dict[str, Any] = read_json(folder / SWEEP_FILE)
    return record
