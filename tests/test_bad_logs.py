"""Logs that cannot be read, on the command line: one clear line, and what was built from good logs stays as it was."""

import base64
import io
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from vlrb.utils.cli import run_script

Call = Callable[..., tuple[int, str, str]]
MODELS = ("Alpha", "Beta")
N = 40
RESULT = "VLMEvalKit_evaluation/Beta/T20250901_Gabc/Beta_MMStar_openai_result.xlsx"
PREDICTIONS = "VLMEvalKit_inference/Beta/T20250901_Gabc/Beta_MMStar.xlsx"
PICTURES = "TSV_images/MMStar.tsv"


def table(model: str) -> pd.DataFrame:
    """Questions of one model with its answers and marks; Alpha is right on even rows, Beta on every third."""
    rows = np.arange(N)
    return pd.DataFrame(
        {
            "index": rows,
            "question": [f"What is {i} plus {i * i}?" for i in rows],
            "A": "a small number",
            "B": "a large number",
            "answer": "A",
            "prediction": [("A" if i % 2 else "A, since " * (1 + i % 5)) + model for i in rows],
            "hit": rows % (2 + MODELS.index(model)) == 0,
        }
    )


def write_table(path: Path, rows: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_excel(path, index=False, engine="xlsxwriter")


def picture(seed: int) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def write_pictures(root: Path, cells: Sequence[str]) -> None:
    (root / PICTURES).parent.mkdir(parents=True, exist_ok=True)
    rows = table("Alpha").drop(columns=["prediction", "hit"]).assign(image=list(cells))
    rows.to_csv(root / PICTURES, sep="\t", index=False)


class Place(NamedTuple):
    """Logs, and the benchmark and run that were made from them."""

    logs: Path
    data: Path
    runs: Path

    def words(self, pricing: str = "flat") -> list[str]:
        """Return what `build_data` is asked."""
        places = [f"dataset.root={self.logs}", f"paths.data_dir={self.data}", f"paths.runs_dir={self.runs}"]
        return ["dataset=vlmevalkit", "dataset.name=mine", "model_pool=discover", f"pricing={pricing}", *places]

    def training(self, router: str = "knn", pricing: str = "flat") -> list[str]:
        """Return what `train` is asked."""
        return [*self.words(pricing), f"router={router}", "resamples=20", "trainer=cpu"]

    def files(self, *roots: Path) -> dict[str, bytes]:
        """Return the content of every file of benchmark and run."""
        found = [p for root in roots or (self.data, self.runs) for p in root.rglob("*") if p.is_file()]
        return {str(p): p.read_bytes() for p in found if p.name != ".lock"}


def place_in(folder: Path) -> Place:
    return Place(folder / "logs", folder / "data", folder / "runs")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Good logs of two models on 40 questions with pictures, their benchmark and a finished run."""
    place = place_in(tmp_path_factory.mktemp("good"))
    for model in MODELS:
        for path in (RESULT, PREDICTIONS):
            columns = table(model) if path == RESULT else table(model).drop(columns="hit")
            write_table(place.logs / path.replace("Beta", model), columns)
    write_pictures(place.logs, [picture(i) for i in range(N)])
    assert run_script("train", place.training()) == 0
    return place


@pytest.fixture
def good(finished: Place, tmp_path: Path) -> Place:
    """The finished run's folders, in a copy that may be broken."""
    place = place_in(tmp_path)
    for source, target in zip(finished, place, strict=True):
        shutil.copytree(source, target)
    return place


def only_message(outcome: tuple[int, str, str]) -> str:
    """Return the error of a call that failed as a user should see it: one message, perhaps a hint, no traceback."""
    code, out, err = outcome
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert "Traceback" not in out + err
    return err


def missing_root(place: Place) -> None:
    place.logs.rename(place.logs.with_name("elsewhere"))


def no_logs(place: Place) -> None:
    for name in ("VLMEvalKit_evaluation", "VLMEvalKit_inference"):
        shutil.rmtree(place.logs / name)


def half_written(place: Place) -> None:
    path = place.logs / RESULT
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_workbook(place: Place) -> None:
    (place.logs / PREDICTIONS).write_text("<html>404 Not Found</html>", encoding="utf-8")


def no_usable_column(place: Place) -> None:
    write_table(place.logs / RESULT, table("Beta")[["index", "question"]])


def no_id_column(place: Place) -> None:
    write_table(place.logs / RESULT, table("Beta").drop(columns="index"))


def odd_mark(place: Place) -> None:
    rows = table("Beta").astype({"hit": object})
    rows.loc[6, "hit"] = "perhaps"
    write_table(place.logs / RESULT, rows)


def repeated_ids(place: Place) -> None:
    rows = table("Beta")
    rows.loc[[20, 30], "index"] = [7, 7]
    write_table(place.logs / RESULT, rows)


def no_picture(place: Place) -> None:
    text = base64.b64encode(b"this is a text and no picture " * 9).decode()
    write_pictures(place.logs, [text if i == 11 else picture(i) for i in range(N)])


BREAKS: list[tuple[Callable[[Place], None], list[str]]] = [
    (missing_root, ["{logs}", "no such folder"]),
    (no_logs, ["{logs}", "no VLMEvalKit tables", "it holds TSV_images/", "expected <root>"]),
    (half_written, [RESULT, "not a readable xlsx workbook", "make the file again"]),
    (no_workbook, [PREDICTIONS, "not a readable xlsx workbook"]),
    (no_usable_column, [RESULT, "no right/wrong column", "hit"]),
    (no_id_column, [RESULT, "no id column", "question, A, B"]),
    (odd_mark, [RESULT, "'perhaps'", "hit"]),
    (repeated_ids, [RESULT, "the same sample more than once", "'7' in rows 9, 22, 32"]),  # the header is row 1
    (no_picture, [PICTURES, "'11'", "no picture format", "unreadable=report"]),
]


@pytest.mark.parametrize(("spoil", "parts"), BREAKS, ids=[spoil.__name__ for spoil, _ in BREAKS])
def test_one_clear_line_and_nothing_damaged(
    call: Call, good: Place, finished: Place, spoil: Callable[[Place], None], parts: list[str]
) -> None:
    before, runs = good.files(), good.files(good.runs)
    assert len(before) > len(runs) > 0
    spoil(good)
    message = only_message(call("train", *good.training()))
    for part in parts:
        assert part.format(logs=good.logs) in message
    assert good.files() == before

    shutil.rmtree(good.logs, ignore_errors=True)
    shutil.copytree(finished.logs, good.logs, copy_function=shutil.copyfile)  # mended: same bytes, new times
    code, out, err = call("train", *good.training())
    assert code == 0, err
    assert "finished already" in out
    assert good.files(good.runs) == runs


@pytest.mark.parametrize(("spoil", "parts"), BREAKS, ids=[spoil.__name__ for spoil, _ in BREAKS])
def test_the_first_build_leaves_no_half_made_benchmark(
    call: Call, good: Place, spoil: Callable[[Place], None], parts: list[str]
) -> None:
    shutil.rmtree(good.data)
    spoil(good)
    message = only_message(call("build_data", *good.words()))
    for part in parts:
        assert part.format(logs=good.logs) in message
    assert good.files(good.data) == {}


def test_a_picture_that_breaks_off_stops_only_routers_that_read_pictures(
    call: Call, good: Place, finished: Place
) -> None:
    """Its header is whole, so that it is found when features are read; what does not need them goes on."""
    whole = [picture(i) for i in range(N)]
    write_pictures(good.logs, [*whole[:11], whole[11][:1200], *whole[12:]])
    runs = good.files(good.runs)
    features = {path: data for path, data in good.files(good.data).items() if "/features/" in path}
    message = only_message(call("train", *good.training()))
    assert "sample MMStar/11" in message
    assert f"{PICTURES} at byte" in message
    assert "not a readable picture" in message
    assert good.files(good.runs) == runs
    assert {path: data for path, data in good.files(good.data).items() if "/features/" in path} == features
    code, _, err = call("train", *good.training("strongest_global"))
    assert code == 0, err

    shutil.copyfile(finished.logs / PICTURES, good.logs / PICTURES)
    code, out, err = call("train", *good.training())
    assert code == 0, err
    assert "finished already" in out


def test_a_model_without_a_price_prints_lines_to_paste(call: Call, good: Place) -> None:
    before = good.files()
    words = good.training(pricing="vl_routerbench_2025")
    message = only_message(call("train", *words))
    assert "price book vl_routerbench_2025 has no price for Alpha, Beta" in message
    assert "conf/pricing/vl_routerbench_2025.yaml" in message
    assert good.files() == before

    lines = re.findall(r"^ +(\w+: \{.*\})$", message, re.MULTILINE)
    pasted: dict[str, Any] = yaml.safe_load("\n".join(line.replace("?", "0.5") for line in lines))
    assert pasted == {model: {"input": 0.5, "output": 0.5} for model in MODELS}
    prices = [f"+pricing.prices.{model}={{input: 0.5, output: 0.5}}" for model in pasted]
    code, _, err = call("train", *words, *prices)
    assert code == 0, err
    assert good.files(good.data / "mine" / "costs" / "vl_routerbench_2025")
    after = good.files()
    others = {path for path in before if "manifest.json" not in path and "/reports/" not in path}
    assert {path: after[path] for path in others} == {
        path: before[path] for path in others
    }  # other prices: costs alone


def test_logs_without_any_grade_say_why(call: Call, tmp_path: Path) -> None:
    """A dataset of one's own needs a right/wrong column: without a rule nothing can be worked out."""
    place = place_in(tmp_path)
    for name in ("Alpha_MyDocs.xlsx", "Alpha_MyDocs_openai_result.xlsx"):
        write_table(place.logs / "Alpha" / name, table("Alpha").drop(columns="hit"))
    message = only_message(call("train", *place.training()))
    assert "Alpha" in message
    assert "MyDocs" in message
    assert "no right/wrong column" in message
    assert place.files() == {}
