"""Any damaged tree gives either what an undamaged part of it says, or one clear error; never a crash."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vlrb import schema
from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource
from vlrb.utils.errors import DataError

CELLS = st.one_of(
    st.sampled_from(
        [0, 1, True, False, "", None, "1", "0.5", "True", 7, -1, 1.5, "[True]", "['a'", "nan", "A", "\x07", "=1"]
    ),
    st.text(max_size=5).filter(lambda text: "\ud800" not in text),
)
NAMES = st.sampled_from(
    [
        "MMStar_openai_result",
        "MMStar",
        "MathVista_MINI_gpt-4o-mini",
        "MathVision_gpt-4o",
        "DocVQA_VAL_results",
        "TextVQA_VAL",
        "ChartQA_TEST_results",
        "HallusionBench_auxmatch",
        "MathVerse_MINI_gpt-4o_score",
        "MathVerse_MINI_gpt-4o_extract",
        "OCRBench",
        "MMBench_DEV_EN_openai_result",
        "Own_Set_openai_result",
        "_",
        "x_acc",
    ]
)
COLUMNS = st.sampled_from(
    [
        "index",
        "hit",
        "score",
        "prediction",
        "answer",
        "res",
        "eval_match",
        "eval_score",
        "extracted",
        "extract",
        "A",
        "B",
        "question",
        "choices",
        "question_type",
        "answer_type",
        "answer_option",
        "category",
        "Index",
        "split",
    ]
)
PLACES = st.integers(0, 9999)  # in ten-thousandths of a file, whose size may vary by a few bytes


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    titles = draw(st.lists(COLUMNS, max_size=8, unique=True))
    rows = draw(st.integers(0, 3))
    table = {title: draw(st.lists(CELLS, min_size=rows, max_size=rows)) for title in titles}
    if draw(st.booleans()):
        table["index"] = list(range(rows))
    return table


def read_or_error(root: Path) -> None:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    source = VLMEvalKitSource(str(root), folders, Selection(), Rules(), None)
    try:
        read = source.read()
    except DataError as error:
        message = error.message
    else:
        check_sane(read)
        return
    assert message
    assert "\n" not in message


def check_sane(read: RecordSet) -> None:
    quality = read.records[schema.QUALITY].to_numpy()
    assert ((quality >= 0) & (quality <= 1) | np.isnan(quality)).all()
    assert not read.records.duplicated([schema.SAMPLE_ID, schema.MODEL_ID]).any()
    assert set(read.records[schema.SAMPLE_ID]) <= set(read.samples[schema.SAMPLE_ID])
    assert read.samples[schema.SAMPLE_ID].is_unique


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=st.lists(st.tuples(NAMES, tables()), min_size=1, max_size=3), predictions=tables())
def test_any_tables(
    results: list[tuple[str, dict[str, list[Any]]]], predictions: dict[str, list[Any]], tree: Any
) -> None:
    shutil.rmtree(tree.root, ignore_errors=True)
    for name, table in results:
        tree.result("M", name, table)
    tree.predictions("M", results[0][0], predictions)
    read_or_error(tree.root)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bytes(data: st.DataObject, tree: Any) -> None:
    shutil.rmtree(tree.root, ignore_errors=True)
    tree.star()
    paths = sorted(path for path in tree.root.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(paths))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(PLACES) * len(content) // 10_000] = data.draw(st.integers(0, 255))
    kept = 1 + data.draw(PLACES) // 5_000 * 9_999  # half of the time everything
    path.write_bytes(bytes(content[: max(len(content) // 2, kept * len(content) // 10_000)]))
    read_or_error(tree.root)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=60), image=st.sampled_from(["", "0", "[", "['0', '1']", "['x", "QUFB" * 30, "\t", '"'])
)
def test_any_tsv(content: bytes, image: str, tree: Any, make_picture: Callable[..., str]) -> None:
    shutil.rmtree(tree.root, ignore_errors=True)
    tree.star()
    path = tree.root / "TSV_images" / "MMStar.tsv"
    rows = f"index\timage\tquestion\n0\t{make_picture(1)}\tq\n1\t{image}\tq\n".encode()
    path.write_bytes(rows + content)
    read_or_error(tree.root)


@pytest.mark.parametrize(
    "name", ["M_MMStar_openai_result.xlsx", "M_MMStar_openai_result.tsv", "M_MMStar_openai_result.json"]
)
def test_a_file_cut_anywhere(tree: Any, name: str) -> None:
    tree.result("M", "MMStar_openai_result", {"index": [1, 2], "prediction": ["a", "b"], "hit": [1, 0]})
    path = tree.root / "VLMEvalKit_evaluation" / "M" / "T20250901_Gabcdef12" / name
    if name.endswith(".tsv"):
        path.write_text('index\tprediction\thit\n1\t"a\nb"\t1\n2\tb\t0\n')
    if name.endswith(".json"):
        path.write_text('[{"index": 1, "prediction": "a", "hit": 1}, {"index": 2, "hit": 0}]')
    whole = path.read_bytes()
    for other in path.parent.iterdir():
        if other != path:
            other.unlink()
    for cut in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:cut])
        read_or_error(tree.root)
