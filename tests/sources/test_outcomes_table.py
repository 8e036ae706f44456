"""Outcomes tables: what is read from tables written by hand, cell by cell."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vlrb.sources.base import RecordSet
from vlrb.sources.outcomes.pictures import split_paths
from vlrb.sources.outcomes.settings import Columns, Options
from vlrb.sources.outcomes.source import OutcomesSource
from vlrb.utils.errors import ConfigError, DataError

NAN = float("nan")
LONG = """sample,model,correct,cost,tokens_out,prompt
q1,small,1,0.001,10,"Who, and
when?"
q1,large,1,0.01,12,"Who, and
when?"
q10,small,0,,8,What?
q10,large,0.5,0.02,,What?
q2,small,,0.001,9,Why?
"""


def read(path: Path, **options: Any) -> RecordSet:
    columns = Columns(**options.pop("columns", {}))
    pictures, table = options.pop("pictures", None), options.pop("table", None)
    return OutcomesSource(str(path), table, pictures, "mine", columns, Options(**options)).read()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to(text: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return to


def matrix(found: RecordSet, column: str = "quality") -> list[list[float | None]]:
    """Return a records column as rows of samples, None = no value."""
    rows = found.samples["sample_id"].tolist()
    table = {(r.sample_id, r.model_id): getattr(r, column) for r in found.records.itertuples()}
    cells = [[table.get((s, m), NAN) for m in found.model_ids] for s in rows]
    return [[None if np.isnan(v) else round(float(v), 6) for v in row] for row in cells]


def notes(found: RecordSet) -> dict[tuple[str, str], int]:
    return {(note.kind, note.where): note.count for note in found.notes}


def test_a_long_table_by_hand(write: Callable[..., Path]) -> None:
    found = read(write(LONG))
    assert found.model_ids == ["large", "small"]
    assert found.samples["sample_id"].tolist() == ["mine/q1", "mine/q10", "mine/q2"]
    assert found.samples["prompt"].tolist() == ["Who, and\nwhen?", "What?", "Why?"]
    assert set(found.samples["dataset"]) == {"mine"}
    assert matrix(found) == [[1, 1], [0.5, 0], [None, None]]
    assert matrix(found, "recorded_cost") == [[0.01, 0.001], [0.02, None], [None, 0.001]]
    assert matrix(found, "recorded_tokens_out") == [[12, 10], [None, 8], [None, 9]]
    assert found.records["flags"].astype(str).tolist() == ["", "", "", "", "ungraded"]
    counted = notes(found)
    assert counted["missing_cells", "t.csv: large"] == 1  # no row on q2
    empty = {note.message: note.count for note in found.notes if note.kind == "empty_cells"}
    assert empty == {"rows without quality": 1, "rows without cost": 1, "rows without tokens out": 1}
    assert "given_split" not in found.samples


WIDE = """question,tiny_correct,tiny_cost,big-7B_correct,big-7B_cost,split
One?,1,0.1,0,2,train
Two?,0,0.1,,,test
"""


def test_a_wide_table_by_hand(write: Callable[..., Path]) -> None:
    found = read(write(WIDE), cost_factor=0.001)
    assert found.model_ids == ["big-7B", "tiny"]
    assert found.samples["sample_id"].tolist() == ["mine/0", "mine/1"]  # no sample column: rows are numbered
    assert matrix(found) == [[0, 1], [None, 0]]
    assert matrix(found, "recorded_cost") == [[0.002, 0.0001], [None, 0.0001]]
    assert len(found.records) == 3  # an empty cell is no record
    assert found.samples["given_split"].tolist() == ["train", "test"]
    assert notes(found)["no_sample_ids", "t.csv"] == 2


def test_other_spellings_of_the_wide_form(write: Callable[..., Path]) -> None:
    text = "Sample ID;a|score;a|total_cost;a_response;b;b|total_cost;b_tokens_in\n007;true;1;yes;no;2;5\n"
    found = read(write(text))
    assert found.samples["sample_id"].tolist() == ["mine/007"]
    assert matrix(found) == [[1, 0]]  # b bears its model's name alone, as RouterBench writes it
    assert found.records["prediction"].fillna("-").tolist() == ["yes", "-"]
    assert matrix(found, "recorded_tokens_in") == [[None, 5]]


def test_models_can_be_listed(write: Callable[..., Path]) -> None:
    wide = write("id,a_correct,b_correct,mean_score\n1,1,0,0.5\n")
    assert read(wide).model_ids == ["a", "b", "mean"]
    assert read(wide, models=["a", "b"]).model_ids == ["a", "b"]
    with pytest.raises(DataError, match="no column 'c_correct'"):
        read(wide, models=["c"])
    assert read(write(LONG), models=["small"]).model_ids == ["small"]
    with pytest.raises(DataError, match=r"no rows of model 'smal'\n.*did you mean 'small'"):
        read(write(LONG), models=["smal"])


def test_ids_keep_or_get_their_dataset(write: Callable[..., Path]) -> None:
    head = "sample,dataset,model,score\n"
    whole = read(write(head + "A/1,A,m,1\nB/1,B,m,0\n"))
    assert whole.samples["sample_id"].tolist() == ["A/1", "B/1"]
    part = read(write(head + "A/1,A,m,1\n1,B,m,0\n"))  # "A/1" is a raw id here: not all begin with their dataset
    assert part.samples["sample_id"].tolist() == ["A/A/1", "B/1"]


def test_known_datasets_get_their_group(write: Callable[..., Path]) -> None:
    found = read(write("sample,dataset,model,score\n1,AI2D_TEST,m,1\n1,Own,m,1\n"))
    assert found.samples["group"].tolist() == ["STEM", "Other"]
    assert found.samples["task"].tolist() == ["vqa_mc", "vqa_oe"]


def test_parquet_with_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1.0, 2.0]),
            "model": pa.array(["m", "m"]).dictionary_encode(),
            "hit": pa.array([True, None]),
            "cost_usd": pa.array([1, 2], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = read(tmp_path)  # the only table of its folder
    assert found.samples["sample_id"].tolist() == ["mine/1", "mine/2"]
    assert matrix(found) == [[1], [None]]
    assert matrix(found, "recorded_cost") == [[1], [2]]


def test_the_declared_scale_and_columns(write: Callable[..., Path]) -> None:
    path = write("nr,who,marks,hit\n1,m,80,0\n")
    found = read(path, quality_max=100, columns={"sample": "nr", "model": "who", "quality": "marks"})
    assert matrix(found) == [[0.8]]
    assert notes(found)["unused_columns", "t.csv"] == 1


def test_a_right_answer_is_never_taken_for_the_models(write: Callable[..., Path]) -> None:
    found = read(write("id,model,score,answer\n1,m,1,Paris\n"))
    assert found.records["prediction"].isna().all()


BAD = {
    "empty file": ("", "t.csv: empty file"),
    "header only": ("sample,model,score\n", "no rows, only a header"),
    "no quality": ("sample,model,qualty\n1,m,1\n", r"no quality column.*\n.*did you mean 'qualty'"),
    "no model": ("sample,score\n1,1\n", "no quality column and no <model>_correct columns"),
    "text in quality": ("sample,model,score\n1,m,1\n2,m,good\n", "row 3: score is 'good', which is no number"),
    "decimal comma": ('sample,model,score\n1,m,"0,5"\n', "row 2: score is '0,5'.*\n.*decimals with a point"),
    "quality above 1": ("sample,model,score\n1,m,1\n2,m,85\n", r"row 3: score is 85.*\n.*quality_max=85"),
    "negative quality": ("sample,model,score\n1,m,-1\n", "row 2: score is -1, outside 0 … 1"),
    "negative cost": ("sample,model,score,cost\n1,m,1,-0.1\n", "row 2: cost is -0.1, negative"),
    "infinite cost": ("sample,model,score,cost\n1,m,1,inf\n", "row 2: cost is infinite"),
    "repeated": ("sample,model,score\n1,m,1\n2,m,1\n1,m,1\n", "row 4: a second row of model m on the sample of row 2"),
    "no sample id": ("sample,model,score\n1,m,1\n,m,1\n", r"row 3: no sample \(column 'sample' is empty\)"),
    "no model id": ("sample,model,score\n1,,1\n", "row 2: no model"),
    "short row": ("sample,model,score\n1,m,1\n2,m\n", "Expected 3 columns, got 2"),
    "open quote": ('sample,model,score\n1,m,1\n2,"m,1\n', "t.csv: .*\n.*cut short, or a quote left open"),
    "title twice": ("sample,model,score,score\n1,m,1,1\n", "two columns are called 'score'"),
    "no title": ("sample,model,,score\n1,m,1,1\n", "column 3 has no title"),
    "latin-1": ("sample,model,score\n1,Größe,1\n".encode("latin-1"), "line 2: not UTF-8 text"),
    "utf-16": ("sample,model,score\n1,m,1\n".encode("utf-16"), "UTF-16 text"),
    "wide sample twice": ("sample,a_correct\n1,1\n1,0\n", "row 3: a second row on the sample of row 2"),
    "cost without quality": (
        "sample,a_correct,b_cost\n1,1,1\n",
        "'b_cost' belongs to model 'b', which has no quality",
    ),
    "misspelt quality": ("sample,a_correct,b_corect,b_cost\n1,1,1,1\n", "did you mean the column 'b_corect'"),
    "two qualities": ("sample,a_correct,a_score\n1,1,1\n", "'a_correct' and 'a_score' are both the quality of one"),
    "split differs": ("sample,model,score,split\n1,a,1,train\n1,b,1,test\n", "row 3: split of sample mine/1 is not"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_one_clear_error(write: Callable[..., Path], name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(DataError, match=message):
        read(write(text))


def test_half_a_parquet_file(write: Callable[..., Path], tmp_path: Path) -> None:
    pd.DataFrame({"id": [1], "model": ["m"], "score": [1]}).to_parquet(tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "whole.parquet").unlink()
    write(data[: len(data) // 2], "half.parquet")
    with pytest.raises(DataError, match=r"half\.parquet: not a readable Parquet file"):
        read(tmp_path / "half.parquet")


def test_text_in_parquet_that_is_not_utf8(tmp_path: Path) -> None:
    offsets, data = pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")
    model = pa.StringArray.from_buffers(2, offsets, data)
    pq.write_table(pa.table({"id": [1, 2], "model": model, "score": [1, 0]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read(tmp_path / "t.parquet")


def test_which_table(write: Callable[..., Path], tmp_path: Path) -> None:
    write(LONG, "a.csv")
    write(LONG.replace(",", "\t").replace('"', ""), "b.tsv")
    with pytest.raises(DataError, match=r"2 tables in the folder\n.*a\.csv, b\.tsv"):
        read(tmp_path)
    assert len(read(tmp_path, table="a.csv").samples) == 3
    with pytest.raises(DataError, match=r"no table 'aa\.csv'\n.*did you mean 'a\.csv'"):
        read(tmp_path, table="aa.csv")
    with pytest.raises(DataError, match="leads outside"):
        read(tmp_path, table="../a.csv")
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "absent")
    (tmp_path / "x.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(DataError, match="not a table that can be read"):
        read(tmp_path / "x.pkl")


def test_options_are_checked() -> None:
    for wrong in ({"quality_max": 0}, {"cost_factor": -1.0}, {"form": "tall"}, {"delimiter": "ab"}):
        with pytest.raises(ConfigError):
            Options(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"unreadable must be one of error, report"):
        Options(unreadable="skip")  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- pictures


def picture_table(rows: Sequence[str]) -> str:
    return "id\tmodel\tscore\timage\n" + "".join(f"{k}\tm\t1\t{cell}\n" for k, cell in enumerate(rows))


def test_pictures_are_found_measured_and_hashed(
    write: Callable[..., Path], tmp_path: Path, make_picture_bytes: Callable[..., bytes]
) -> None:
    for name, shade in (("a, b.png", 1), ("c.png", 2), ("d;e.png", 1)):
        (tmp_path / name).write_bytes(make_picture_bytes(shade, (40, 30)))
    cells = ["a, b.png", "a, b.png; c.png", '["d;e.png", "c.png"]', "", f"{tmp_path}/c.png"]
    table = "id|model|score|image\n" + "".join(f"{k}|m|1|{_quoted(cell)}\n" for k, cell in enumerate(cells))
    images = read(write(table)).samples["images"].tolist()
    assert [[ref["path"] for ref in refs] for refs in images] == [
        ["a, b.png"],
        ["a, b.png", "c.png"],
        ["d;e.png", "c.png"],
        [],
        ["c.png"],
    ]
    assert (images[0][0]["width"], images[0][0]["height"], images[0][0]["encoding"]) == (40, 30, "file")
    assert images[0][0]["content_hash"] == images[2][0]["content_hash"] != images[1][1]["content_hash"]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell


def test_a_list_column_of_parquet_names_pictures(tmp_path: Path, make_picture_bytes: Callable[..., bytes]) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "[1].png").write_bytes(make_picture_bytes(1))
    table = pa.table({"id": [1], "model": ["m"], "score": [1], "images": [["[1].png"]]})
    pq.write_table(table, tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet", pictures=str(tmp_path / "pics"))
    assert [ref["path"] for ref in found.samples["images"][0]] == ["[1].png"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("../secret.png", "sample mine/0: path '../secret.png' leads outside"),
        ("/etc/passwd", "leads outside"),
        ("absent.png", r"sample mine/0: no file absent\.png\n.*dataset\.source\.pictures"),
        ("broken.png", "sample mine/0: broken.png: no picture format"),
        ("[unclosed", "no list of paths"),
        ("iVBORw0KGgo" * 60, r"'iVBORw0KGgo\S+' … is no path of a picture\n.*base64 in a cell is not read"),
        ('["a\\u0000.png"]', "is no path of a picture"),
    ],
)
def test_bad_pictures(write: Callable[..., Path], tmp_path: Path, cell: str, message: str) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=message):
        read(write(picture_table([cell]), "t.tsv"))


def test_bad_pictures_can_be_reported(write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = read(write(picture_table(["broken.png", "absent.png"]), "t.tsv"), unreadable="report")
    assert [len(refs) for refs in found.samples["images"]] == [1, 0]
    kinds = [note.kind for note in found.notes]
    assert kinds.count("unreadable_picture") == 2
    with pytest.raises(DataError, match="leads outside"):  # never followed, whatever is reported
        read(write(picture_table(["../x.png"]), "t.tsv"), unreadable="report")


def test_split_paths_never_evaluates() -> None:
    with pytest.raises(DataError):
        split_paths("[__import__('os').system('true')]")


# ------------------------------------------------------------------------------------------- long ↔ wide round trip

CELLS = st.one_of(st.none(), st.integers(0, 20).map(lambda k: k / 20))
TABLES = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.lists(st.tuples(CELLS, CELLS), min_size=m, max_size=m), min_size=1, max_size=5)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES)
def test_long_and_wide_say_the_same(tmp_path: Path, rows: list[list[tuple[float | None, float | None]]]) -> None:
    models = [f"m{k}" for k in range(len(rows[0]))]
    long = [(f"s{i}", m, q, c) for i, row in enumerate(rows) for m, (q, c) in zip(models, row, strict=True)]
    pd.DataFrame(long, columns=["sample", "model", "quality", "cost"]).to_csv(tmp_path / "long.csv", index=False)
    wide: dict[str, list[Any]] = {"sample": [f"s{i}" for i in range(len(rows))]}
    for k, model in enumerate(models):
        wide[f"{model}_quality"] = [row[k][0] for row in rows]
        wide[f"{model}_cost"] = [row[k][1] for row in rows]
    pd.DataFrame(wide).to_csv(tmp_path / "wide.csv", index=False)
    expected = [[None if q is None else round(q, 6) for q, _ in row] for row in rows]
    for name in ("long.csv", "wide.csv"):
        found = read(tmp_path / name)
        assert found.model_ids == models
        assert matrix(found) == expected
        assert matrix(found, "recorded_cost") == [[c for _, c in row] for row in rows]


def test_the_fingerprint_is_of_table_and_settings(write: Callable[..., Path]) -> None:
    path = write(LONG)

    def of(**options: Any) -> dict[str, Any]:
        return OutcomesSource(str(path), None, None, "mine", Columns(), Options(**options)).fingerprint()

    first = of()
    assert first == of()
    assert first != of(quality_max=2.0)
    path.write_text(LONG + "q3,small,1,0.1,1,Then?\n")
    assert first != of()
