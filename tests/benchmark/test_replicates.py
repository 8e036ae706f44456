"""Other runs are kept beside the records and compared with them; warnings of a source become findings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb import schema
from vlrb.benchmark import tables
from vlrb.benchmark.records import NOTES_FILE, write_records
from vlrb.benchmark.replicates import AGREEMENT_FILE, agreement
from vlrb.benchmark.reports import problems
from vlrb.benchmark.source_findings import source_findings
from vlrb.benchmark.store import Benchmark
from vlrb.sources.base import Note, RecordSet
from vlrb.utils.errors import DataError
from vlrb.utils.files import read_json


def records(rows: list[tuple[str, str, float, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[schema.SAMPLE_ID, schema.MODEL_ID, schema.QUALITY, schema.RUN])
    frame[schema.QUALITY] = frame[schema.QUALITY].astype(np.float32)
    return frame.assign(**{schema.GRADED_BY: "hit", schema.SOURCE: "x", schema.FLAGS: "", schema.PREDICTION: "A"})


MAIN = [
    ("X/1", "m", 1.0, "r2"),
    ("X/2", "m", 0.0, "r2"),
    ("X/3", "m", np.nan, "r2"),
    ("Y/1", "m", 0.6, "r2"),
    ("X/1", "n", 1.0, "r2"),
]
OTHER = [
    ("X/1", "m", 1.0, "r1"),
    ("X/2", "m", 1.0, "r1"),
    ("X/3", "m", 1.0, "r1"),
    ("X/1", "m", 0.0, "r0"),
    ("Y/1", "m", 0.9, "r1"),
]


def test_agreement_by_hand() -> None:
    """m on X: (1,1) agree, (0,1) differ, (?,1) not compared, (1,0) differ → 1 of 3; on Y 0.6 and 0.9 are both right."""
    found = agreement(records(MAIN), records(OTHER)).round(4).to_dict("records")
    assert found == [
        {
            "dataset": "X",
            "model_id": "m",
            "runs": 2,
            "samples": 3,
            "agreement": 0.3333,
            "accuracy": 0.6667,
            "other_accuracy": 0.6667,
        },
        {
            "dataset": "Y",
            "model_id": "m",
            "runs": 1,
            "samples": 1,
            "agreement": 1.0,
            "accuracy": 1.0,
            "other_accuracy": 1.0,
        },
    ]


def test_a_replicate_of_an_unknown_sample_is_an_error() -> None:
    with pytest.raises(DataError, match=r"X/9"):
        agreement(records(MAIN), records([("X/9", "m", 1.0, "r1")]))


def samples(ids: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({schema.SAMPLE_ID: ids, schema.DATASET: [i[0] for i in ids]})
    texts = dict.fromkeys(
        (schema.GROUP, schema.TASK, schema.QUESTION, schema.PROMPT, schema.SUFFIX, schema.SPLIT_KEY), "t"
    )
    return frame.assign(**texts, **{schema.IMAGES: [[] for _ in ids]})


def test_files_are_written_only_if_there_are_other_runs(tmp_path: Path) -> None:
    read = RecordSet(samples(["X/1", "X/2", "X/3", "Y/1"]), records(MAIN), ["m", "n"])
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    facts = write_records(tmp_path / "a", replace(read, replicates=records(OTHER)))
    assert facts["replicates"] == 5
    table = tables.read_table(tmp_path / "a" / schema.REPLICATES_FILE).to_pandas()
    assert list(table.columns) == [*schema.RECORD_COLUMNS, schema.RUN]
    assert table[schema.RUN].tolist() == ["r1", "r1", "r1", "r0", "r1"]
    assert pd.read_csv(tmp_path / "a" / AGREEMENT_FILE)["agreement"].round(4).tolist() == [0.3333, 1.0]
    for other in (None, records(OTHER)[:0]):
        facts = write_records(tmp_path / "b", replace(read, replicates=other))
        assert "replicates" not in facts
        assert not (tmp_path / "b" / schema.REPLICATES_FILE).exists()


def test_records_of_a_source_that_tells_no_runs_apart(tmp_path: Path) -> None:
    write_records(
        tmp_path, RecordSet(samples(["X/1", "X/2", "X/3", "Y/1"]), records(MAIN).drop(columns=schema.RUN), ["m", "n"])
    )
    assert set(tables.read_table(tmp_path / schema.RECORDS_FILE)[schema.RUN].to_pylist()) == {""}


def test_warnings_of_a_source_become_findings(tmp_path: Path) -> None:
    notes = [Note("dates", "f.xlsx", "turned into dates", 3, "warning"), Note("truncated", "m", "cut off", 2)]
    write_records(tmp_path, RecordSet(samples(["X/1", "X/2", "X/3", "Y/1"]), records(MAIN), ["m", "n"], notes))
    (finding,) = source_findings(read_json(tmp_path / NOTES_FILE))
    assert (finding.level, finding.check, finding.message, finding.count) == (
        "warning",
        "dates",
        "f.xlsx: turned into dates",
        3,
    )
    many: list[dict[str, Any]] = [
        {"kind": "k", "where": "w", "message": str(i), "count": 2, "level": "warning"} for i in range(25)
    ]
    found = source_findings(many)
    assert len(found) == 21
    assert (found[-1].message, found[-1].count) == ("5 more of this kind, see the notes of the source", 10)
    assert source_findings([{"kind": "k", "where": "w", "message": "m", "count": 1}]) == []


def test_a_build_with_and_then_without_other_runs(
    build: Callable[..., Benchmark], source: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = source.read
    note = Note("summary_disagrees", "mid on A", "x_acc.csv says 50.00 %, the rows here give 40.00 %", 3, "warning")

    def with_runs() -> RecordSet:
        found = read()
        return replace(found, replicates=found.records.assign(run="T1"), notes=[*found.notes, note])

    monkeypatch.setattr(source, "read", with_runs)
    build()
    assert len(tables.read_table(root / schema.REPLICATES_FILE)) == 18
    assert set(pd.read_csv(root / AGREEMENT_FILE)["agreement"]) == {1.0}
    found = [f for f in read_json(root / "reports" / "integrity.json")["findings"] if f["check"] == "summary_disagrees"]
    assert found == [
        {"level": "warning", "check": "summary_disagrees", "message": f"mid on A: {note.message}", "count": 3}
    ]
    assert f"mid on A: {note.message} (3)" in problems(root)
    monkeypatch.setattr(source, "read", read)
    source.version = 2
    build()
    assert not (root / schema.REPLICATES_FILE).exists()
    assert not (root / AGREEMENT_FILE).exists()
