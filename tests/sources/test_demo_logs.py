"""The demo's logs, in the form of all 14 evaluators, against a slow reader that shares no code with ours."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from vlrb import schema
from vlrb.demo.generator import DemoGenerator
from vlrb.sources.base import PictureReader, RecordSet
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource

MODELS = ["GPT4o", "SmolVLM2"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = DemoGenerator(str(tmp_path_factory.mktemp("demo") / "vlm_router_data"), 3)
    generator.write()
    return generator.root


@pytest.fixture(scope="module")
def read(root: Path) -> RecordSet:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    return VLMEvalKitSource(str(root), folders, Selection(), Rules(), None).read()


def test_everything_is_read_and_graded(read: RecordSet) -> None:
    assert len(read.samples) == 3 * 14
    assert len(read.model_ids) == 17
    assert len(read.records) == 3 * 14 * 17
    assert read.records[schema.QUALITY].notna().all()
    assert read.records[schema.PREDICTION].notna().all()
    assert set(read.records[schema.FLAGS]) == {""}
    assert {note.kind for note in read.notes} <= {"ignored_files", "summary_agrees"}
    assert read.samples[schema.GROUP].value_counts().to_dict() == {"General": 18, "STEM": 12, "Charts & OCR": 12}


def test_every_picture_opens(read: RecordSet, root: Path) -> None:
    reader = PictureReader(root)
    for (reference,) in read.samples[schema.IMAGES]:
        assert reader.open(reference).size == (reference["width"], reference["height"])


def grade(row: dict[str, Any], dataset: str) -> float:
    """Grade one row of a result file by the letter of its dataset's rule."""
    if "hit" in row:
        return float(row["hit"])
    if "eval_match" in row:
        match = ast.literal_eval(row["eval_match"])
        if dataset == "TextVQA_VAL":
            return float(row["eval_score"])
        if dataset == "ChartQA_TEST":
            return float(max(match))
        anls = 1 - min(match)
        return anls if anls >= 0.5 else 0.0
    if "score" in row:
        return float(row["score"])
    if "res" in row:
        truth = row.get("answer_option") if row.get("question_type") == "multi_choice" else row["answer"]
        return float(str(row["res"]) == str(truth))
    said = row["prediction"].lower().strip().replace("\n", " ")
    return float(any(str(a).lower().strip() in said for a in ast.literal_eval(row["answer"])))


def plain_rows(path: Path) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("model", MODELS)
def test_every_cell_agrees_with_a_slow_reader(read: RecordSet, root: Path, model: str) -> None:
    mine = read.records[read.records[schema.MODEL_ID] == model]
    ours = dict(zip(mine[schema.SAMPLE_ID].astype("str"), mine[schema.QUALITY], strict=True))
    said = dict(zip(mine[schema.SAMPLE_ID].astype("str"), mine[schema.PREDICTION], strict=True))
    datasets = sorted({path.stem for path in (root / "TSV_images").glob("*.tsv")}, key=len, reverse=True)
    check: dict[str, Callable[[dict[str, Any], str], float]] = dict.fromkeys(datasets, grade)
    for section in ("VLMEvalKit_evaluation", "VLMEvalKit_inference"):
        for path in (root / section / model).glob("*/*.xlsx"):
            rest = path.stem.removeprefix(f"{model}_")
            dataset = next(name for name in datasets if rest.startswith(name))
            for row in plain_rows(path):
                sample = f"{dataset}/{row['index']}"
                if section == "VLMEvalKit_evaluation":
                    assert ours.pop(sample) == pytest.approx(check[dataset](row, dataset)), sample
                else:
                    assert said.pop(sample) == row["prediction"], sample
    assert ours == {}
    assert said == {}
