"""Every grade against a second reader that shares no code with ours: the demo's logs, and real ones."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from independent.files import rows_of
from independent.reader import Grades, read_tree

from vlrb import schema
from vlrb.demo.generator import DemoGenerator
from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource


def read(root: Path, **rules: str) -> RecordSet:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    return VLMEvalKitSource(str(root), folders, Selection(), Rules(**rules), None).read()


def grades_of(found: RecordSet) -> Grades:
    records = found.records
    names = zip(records[schema.SAMPLE_ID].astype(str), records[schema.MODEL_ID].astype(str), strict=True)
    return dict(zip(names, records[schema.QUALITY].tolist(), strict=True))


def differences(ours: Grades, theirs: Grades) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Return the cells on which two readers do not say the same, with what each says."""
    pairs = {cell: (ours.get(cell), theirs.get(cell)) for cell in ours.keys() | theirs.keys()}
    return {cell: pair for cell, pair in pairs.items() if not _same(*pair)}


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) < 1e-6  # grades are kept as float32


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3])
def test_the_demo(tmp_path: Path, seed: int) -> None:
    check_demo(tmp_path / "vlm_router_data", samples=20, seed=seed)


def check_demo(root: Path, samples: int, seed: int) -> None:
    DemoGenerator(str(root), samples, seed).write()
    theirs = read_tree(root)
    assert len(theirs) == 14 * samples * 17
    assert differences(grades_of(read(root)), theirs) == {}
    assert 0.2 < sum(theirs.values()) / len(theirs) < 0.9


@pytest.mark.slow
def test_real_logs(mathvision_root: Path) -> None:
    theirs = read_tree(mathvision_root)
    assert len(theirs) == 1513 * 13
    assert differences(grades_of(read(mathvision_root)), theirs) == {}


@pytest.mark.slow
@pytest.mark.parametrize("given", ["res", "prediction"])
def test_real_logs_without_their_marks(
    mathvision_root: Path, tmp_path: Path, xlsx: Callable[..., Path], given: str
) -> None:
    """Without the published marks the extracted answers, or whole predictions, must be compared with the answers."""
    for model in ("Gemini-Pro", "LLaVA-v1.5-7B", "Qwen-VL-Max-CoT"):
        (path,) = (mathvision_root / "VLMEvalKit_evaluation" / model).glob("*/*.xlsx")
        rows = rows_of(path)
        columns = [title for title in rows[0] if title != "hit" and (given == "res" or title not in ("res", "log"))]
        name = path.name if given == "res" else f"{model}_MathVision.xlsx"
        xlsx(
            tmp_path / path.relative_to(mathvision_root).with_name(name), {c: [row[c] for row in rows] for c in columns}
        )
    theirs = read_tree(tmp_path)
    assert len(theirs) == 1513 * 3
    assert differences(grades_of(read(tmp_path)), theirs) == {}
