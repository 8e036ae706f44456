"""The samples: BENCHMARKS/<task>/<dataset>_samples.jsonl, or where these are missing the rows of meta.parquet."""

from pathlib import Path
from typing import Any

import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note
from vlrb.sources.outcomes.files import read_outcomes
from vlrb.sources.outcomes.values import keys
from vlrb.sources.reference.files import json_lines
from vlrb.sources.reference.pictures import AssetPictures
from vlrb.sources.vlmevalkit.cells import natural_key
from vlrb.sources.vlmevalkit.datasets import dataset_spec
from vlrb.utils.console import track
from vlrb.utils.errors import DataError

META_FILE = "data/registry/meta.parquet"
Record = dict[str, Any]


def read_meta(root: Path) -> pd.DataFrame | None:
    """Return sample_id, and dataset, split and task where meta.parquet has them; None if there is no such file."""
    path = root / META_FILE
    if not path.is_file():
        return None
    table = read_outcomes(path, META_FILE)
    if "sample_id" not in table.columns:
        raise DataError(f"{META_FILE}: no column 'sample_id'", f"there are: {', '.join(table.columns)}")
    wanted = [name for name in ("sample_id", "dataset", "split", "task") if name in table.columns]
    meta = pd.DataFrame({name: keys(table, name, name).to_pylist() for name in wanted})
    again = meta["sample_id"].duplicated()
    if again.any():
        raise DataError(f"{META_FILE}: sample {meta['sample_id'][again].iloc[0]} has more than one row")
    return meta


def read_samples(root: Path, meta: pd.DataFrame | None, notes: list[Note]) -> list[Record]:
    """Return the records of all samples, datasets sorted, natural order of the index within a dataset.

    Raises:
        DataError: There are neither samples nor meta.parquet, a record has no id, or an id repeats.
    """
    files = sorted((root / "BENCHMARKS").glob("**/*_samples.jsonl"))
    if files:
        records = [record for path in files for record in _records(path, path.relative_to(root).as_posix())]
    elif meta is not None:
        what = "no BENCHMARKS/<task>/<dataset>_samples.jsonl: prompts are empty and there are no pictures"
        notes.append(Note("no_prompts", META_FILE, what, len(meta)))
        titles = ["task_type" if title == "task" else str(title) for title in meta]
        rows = zip(*(meta[title].tolist() for title in meta), strict=True)
        records = [{**dict(zip(titles, row, strict=True)), "where": META_FILE} for row in rows]
        for record in records:
            record.setdefault("dataset", record["sample_id"].split("/", 1)[0])
    else:
        raise DataError(
            f"{root}: neither BENCHMARKS/<task>/<dataset>_samples.jsonl nor {META_FILE}",
            "dataset.root must be the folder that holds BENCHMARKS, ORACLE and data",
        )
    seen: dict[str, str] = {}
    for record in records:
        if record["sample_id"] in seen:
            raise DataError(
                f"{record['where']}: sample {record['sample_id']} is in {seen[record['sample_id']]} already"
            )
        seen[record["sample_id"]] = record["where"]
    return sorted(records, key=lambda record: (record["dataset"], natural_key(_index(record))))


def _records(path: Path, name: str) -> list[Record]:
    found = []
    for number, record in json_lines(path, name):
        sample_id = record.get("sample_id", record.get("id"))
        if not isinstance(sample_id, str | int) or not str(sample_id).strip():
            raise DataError(f"{name}: line {number}: no sample_id")
        sample_id = str(sample_id).strip()
        dataset = str(record.get("dataset") or sample_id.split("/", 1)[0])
        found.append({**record, "sample_id": sample_id, "dataset": dataset, "where": f"{name}: line {number}"})
    return found


def _index(record: Record) -> str:
    return str(record["sample_id"]).removeprefix(f"{record['dataset']}/")


def sample_frame(records: list[Record], pictures: AssetPictures, given: list[str] | None) -> pd.DataFrame:
    """Return the samples, columns `schema.SAMPLE_COLUMNS` and, where there is one, the given split.

    Raises:
        DataError: A picture cannot be used, unless they are only to be reported.
    """
    specs = {name: dataset_spec(name) for name in {str(record["dataset"]) for record in records}}
    rows = [_row(record, specs[str(record["dataset"])]) for record in records]
    frame = pd.DataFrame(rows, columns=[column for column in schema.SAMPLE_COLUMNS if column != schema.IMAGES])
    images = [pictures.references(record) for record in track(records, "looking at pictures")]
    frame[schema.IMAGES] = pd.Series(images, dtype=object)
    frame = frame[list(schema.SAMPLE_COLUMNS)]
    return frame if given is None else frame.assign(**{schema.GIVEN_SPLIT: given})


def _row(record: Record, spec: Any) -> Record:  # noqa: ANN401 - a DatasetSpec
    prompt = _first(record, "prompt", "text", "question")
    return {
        schema.SAMPLE_ID: record["sample_id"],
        schema.DATASET: record["dataset"],
        schema.GROUP: _first(record, "group") or spec.group,
        schema.TASK: _first(record, "task_type") or spec.task,
        schema.QUESTION: _first(record, "question") or prompt,
        schema.PROMPT: prompt,
        schema.SUFFIX: _first(record, "suffix"),
        schema.SPLIT_KEY: _first(record, "split_key"),
    }


def _first(record: Record, *fields: str) -> str:
    return next((str(record[field]) for field in fields if record.get(field) is not None), "")
