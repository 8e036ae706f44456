"""Read a W&B offline file back: a LevelDB log of `wandb.proto` records (blocks of 32 KiB, header of 7 bytes)."""

import json
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

BLOCK, HEADER, FULL, LAST = 32768, 7, 1, 4


class Recorded(NamedTuple):
    """What one offline file holds: the run record, merged config and summary, rows of history, the rest by kind."""

    folder: Path
    run: Any
    config: dict[str, Any]
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    metrics: dict[str, Any]
    artifacts: dict[str, Any]
    exit_code: int | None

    def table(self, name: str) -> tuple[list[str], list[list[Any]]]:
        found = json.loads((self.folder / "files" / self.summary[name]["path"]).read_text(encoding="utf-8"))
        return found["columns"], found["data"]


def records(path: Path) -> list[Any]:
    from wandb.proto import wandb_internal_pb2 as proto

    data, at, part, found = path.read_bytes(), HEADER, b"", []
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:  # the rest of a block is padding
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        part += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (FULL, LAST):
            found.append(proto.Record.FromString(part))
            part = b""
    return found


def read(run_folder: Path, wait_s: float = 20.0) -> list[Recorded]:
    """Return the offline runs of a folder, oldest first; W&B's own process writes their ends a moment later."""
    until = time.monotonic() + wait_s
    while True:
        found = [_read(path) for path in sorted(run_folder.glob("wandb/offline-run-*/*.wandb"))]
        if all(run.exit_code is not None for run in found) or time.monotonic() > until:
            return found
        time.sleep(0.02)


def _read(path: Path) -> Recorded:
    run, config, summary, history, metrics, artifacts, code = None, {}, {}, [], {}, {}, None
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
            _merge(config, record.run.config.update)
        elif kind == "config":
            _merge(config, record.config.update)
        elif kind == "summary":
            _merge(summary, record.summary.update)
        elif kind == "history":
            history.append(_merge({}, record.history.item))
        elif kind == "metric":
            metrics[record.metric.name] = record.metric
        elif kind == "artifact":
            artifacts[record.artifact.type] = record.artifact
        elif kind == "exit":
            code = record.exit.exit_code
    return Recorded(path.parent, run, config, summary, history, metrics, artifacts, code)


def _merge(found: dict[str, Any], items: Any) -> dict[str, Any]:
    for item in items:
        keys = list(item.nested_key) or [item.key]
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = json.loads(item.value_json)
    return found
