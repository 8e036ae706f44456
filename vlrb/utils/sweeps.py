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
        entry: `overrides` (list of words), `run` (folder or None), `status`, `reason`, `objective`, `seconds`.
    """
    with folder_lock(folder):
        record = read_record(folder) if (folder / SWEEP_FILE).exists() else {"jobs": []}
        jobs = {job["job"]: job for job in record["jobs"]}
        jobs[number] = {"job": number, **entry}
        record["jobs"] = [jobs[n] for n in sorted(jobs)]
        write_json(folder / SWEEP_FILE, record)


def start_record(folder: Path, command: list[str]) -> None:
    """Begin a sweep's record (the entries of an earlier call of the same sweep are replaced)."""
    with folder_lock(folder):
        write_json(folder / SWEEP_FILE, {"command": command, "jobs": []})


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a sweep: `command` and `jobs` in order."""
    record: dict[str, Any] = read_json(folder / SWEEP_FILE)
    return record
