"""Hostile and broken logs: one clear line that names the file, and what was built before stays as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from independent.attacks import ATTACKS, half_a_workbook
from independent.good_logs import MODELS, RESULT, rows_of, write_logs

from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit import xlsx
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource
from vlrb.utils.errors import DataError

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(xlsx, "MAX_UNPACKED_BYTES", 2 << 20)
    write_logs(tmp_path / "logs")
    return tmp_path / "logs"


def read(root: Path, **rules: Any) -> RecordSet:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    return VLMEvalKitSource(str(root), folders, Selection(), Rules(**rules), None).read()


IDS = [attack.__name__ for attack, _ in ATTACKS]


@pytest.mark.parametrize(("attack", "parts"), ATTACKS, ids=IDS)
def test_one_line(logs: Path, attack: Callable[[Path], None], parts: list[str]) -> None:
    attack(logs)
    with pytest.raises(DataError) as caught:
        read(logs)
    message = f"{caught.value.message}\n{caught.value.hint}"
    for part in parts:
        assert part in message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def words(logs: Path, data: Path) -> list[str]:
    places = [f"dataset.root={logs}", f"paths.data_dir={data}", f"paths.runs_dir={data}"]
    return ["dataset=vlmevalkit", "dataset.name=mine", "model_pool=discover", "pricing=flat", *places]


def files(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name != ".lock"}


NAMED = list(zip(IDS, ATTACKS, strict=True))
QUICK = ("tsv_cut_within_its_last_number",)


@pytest.mark.parametrize(
    ("attack", "parts"),
    [
        pytest.param(*each, id=name, marks=[pytest.mark.slow] * (name not in QUICK))
        for each, name in zip(ATTACKS, IDS, strict=True)
    ],
)
def test_the_command_fails_and_damages_nothing(
    call: Call, logs: Path, tmp_path: Path, attack: Callable[[Path], None], parts: list[str]
) -> None:
    data = tmp_path / "data"
    code, _, err = call("build_data", *words(logs, data))
    assert code == 0, err
    before = files(data)
    assert before
    attack(logs)
    code, out, err = call("build_data", *words(logs, data))
    assert code == 1
    assert err.startswith("error: ")
    assert "\nerror: " not in err
    assert "Traceback" not in out + err
    for part in parts:
        assert part in err
    assert files(data) == before


def test_every_number_survives_a_rebuild_after_an_attack(call: Call, logs: Path, tmp_path: Path) -> None:
    """Mending the file is enough: the same command goes on where it was."""
    data = tmp_path / "data"
    whole = (logs / RESULT).read_bytes()
    half_a_workbook(logs)
    code, _, _ = call("build_data", *words(logs, data))
    assert code == 1
    assert files(data) == {}
    (logs / RESULT).write_bytes(whole)
    code, _, err = call("build_data", *words(logs, data))
    assert code == 0, err
    grades = np.load(data / "mine" / "Y.npy")
    wanted = pd.DataFrame({model: rows_of(model)["hit"] for model in sorted(MODELS)}).to_numpy(np.float32)
    assert np.array_equal(grades, wanted)
