"""The published MathVision runs (skipped where the data is not at hand): figures known from their source."""

import re
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from vlrb import schema
from vlrb.sources.base import PictureReader, RecordSet
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource


@pytest.fixture(scope="module")
def read(mathvision_root: Path) -> RecordSet:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    return VLMEvalKitSource(str(mathvision_root), folders, Selection(), Rules(), None).read()


def test_published_figures(read: RecordSet) -> None:
    assert len(read.samples) == 1513
    assert len(read.model_ids) == 13
    assert len(read.records) == 1513 * 13
    means = read.records.groupby(schema.MODEL_ID, observed=True)[schema.QUALITY].mean()
    assert (means.idxmin(), round(float(means.min()), 4)) == ("LLaVA-v1.5-7B", 0.0826)
    assert (means.idxmax(), round(float(means.max()), 4)) == ("Gemini-Pro", 0.1804)
    oracle = read.records.groupby(schema.SAMPLE_ID, observed=True)[schema.QUALITY].max().mean()
    assert round(float(oracle), 4) == 0.5968
    assert read.notes == []
    assert set(read.records[schema.GRADED_BY]) == {"hit (gpt-4o-mini)"}


def test_every_sample_has_its_picture(read: RecordSet, mathvision_root: Path) -> None:
    images = read.samples[schema.IMAGES]
    assert set(map(len, images)) == {1}
    assert max(max(refs[0]["width"], refs[0]["height"]) for refs in images) <= 448
    reader = PictureReader(mathvision_root)
    for reference in (images.iloc[0][0], images.iloc[-1][0]):
        assert reader.open(reference).size == (reference["width"], reference["height"])


def decoded(text: str) -> str:
    """Return a cell with its escaped control characters, which openpyxl leaves as `_xHHHH_`."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


@pytest.mark.parametrize("model", ["Qwen-VL-Max-CoT", "SPHINX-MoE"])
def test_every_cell_agrees_with_a_plain_reader(read: RecordSet, mathvision_root: Path, model: str) -> None:
    ours = read.records[read.records[schema.MODEL_ID] == model].set_index(schema.SAMPLE_ID)
    ours.index = ours.index.astype("str")
    plain = {}
    for section, column in (("VLMEvalKit_evaluation", "hit"), ("VLMEvalKit_inference", "prediction")):
        (path,) = (mathvision_root / section / model).glob("*/*.xlsx")
        rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
        header = list(next(rows))
        place, key = header.index(column), header.index("index")
        plain[column] = {f"MathVision/{row[key]}": row[place] for row in rows}
    assert ours[schema.QUALITY].to_dict() == plain["hit"]
    said = ours[schema.PREDICTION].to_dict()
    assert said.keys() == plain["prediction"].keys()
    assert said == {key: decoded(str(text)) for key, text in plain["prediction"].items()}
    assert np.isfinite(ours[schema.QUALITY]).all()
