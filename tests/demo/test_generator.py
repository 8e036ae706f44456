"""The written tree: every evaluator's own rule gives the drawn grade, every answer has the drawn length."""

import ast
import base64
import csv
import hashlib
import json
from io import BytesIO
from pathlib import Path

import mistral_common
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from PIL import Image

from vlrb.demo import constants as k
from vlrb.demo.generator import DemoGenerator
from vlrb.demo.latent import DatasetDraw, draw_dataset
from vlrb.demo.logs import RESULTS, RUN_FOLDER
from vlrb.demo.population import ATTRIBUTES
from vlrb.demo.tables import sample_index

SAMPLES = 12
csv.field_size_limit(1 << 26)


def make(folder: Path, **settings: int) -> DemoGenerator:
    generator = DemoGenerator(str(folder / "raw" / "demo" / "vlm_router_data"), **settings)
    generator.write()
    return generator


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoGenerator:
    return make(tmp_path_factory.mktemp("demo"), samples_per_dataset=SAMPLES, seed=5)


@pytest.fixture(scope="module")
def draws() -> list[DatasetDraw]:
    return [draw_dataset(number, SAMPLES, 5) for number in range(14)]


def table(demo: DemoGenerator, folder: str, model: str, stem: str) -> pd.DataFrame:
    path = demo.root / folder / model / RUN_FOLDER / f"{model}_{stem}.xlsx"
    return pd.read_excel(path, engine="calamine", dtype=str, keep_default_na=False)


def letter(text: str) -> str | None:
    """Return the one letter that stands among the last words, as the kit's matcher does."""
    words = text.translate(str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))).split()
    found = [w for w in "ABCD" if w in words]
    return found[0] if len(found) == 1 and words.index(found[0]) > len(words) - 5 else None


def choice(rows: pd.DataFrame) -> list[bool]:
    assert [letter(p) == a for p, a in zip(rows.prediction, rows.answer, strict=True)] == (rows.hit == "1").tolist()
    return (rows.hit == "1").tolist()


def yes_no(rows: pd.DataFrame) -> list[bool]:
    for text, extracted in zip(rows.prediction, rows.extracted, strict=True):
        words = text.lower().replace(".", " ").replace(":", " ").split()
        assert ("yes" in words) != ("no" in words)
        assert (extracted == "Yes") == ("yes" in words)
    assert (rows.extracted == rows.answer).tolist() == (rows.score.str.lower() == "true").tolist()
    return (rows.extracted == rows.answer).tolist()


def vista(rows: pd.DataFrame) -> list[bool]:
    right = []
    for row in rows.itertuples():
        if row.question_type == "multi_choice":
            options = ast.literal_eval(row.choices)
            assert options["ABCD".index(row.answer_option)] == row.answer
            right.append(row.res == row.answer_option)
        else:
            right.append(int(row.res) == int(row.answer))
        assert right[-1] or row.log != "Prefetch succeed" or row.question_type == "multi_choice"
    return right


def vision(rows: pd.DataFrame) -> list[bool]:
    return [str(row.res).lower() == str(row.answer).lower() for row in rows.itertuples()]


def verse(rows: pd.DataFrame) -> list[bool]:
    assert (rows.extract == rows.answer).tolist() == (rows.score.str.lower() == "true").tolist()
    return (rows.score.str.lower() == "true").tolist()


def annotators(rows: pd.DataFrame) -> list[bool]:
    """Mean over ten annotators of min(1, the others who agree / 3), right from one half."""
    right = []
    for row in rows.itertuples():
        names = [n.lower() for n in ast.literal_eval(row.answer)]
        agree = [min(1, sum(o == row.prediction.lower() for j, o in enumerate(names) if j != i) / 3) for i in range(10)]
        assert len(names) == 10
        assert float(row.eval_score) == pytest.approx(sum(agree) / 10)
        right.append(sum(agree) / 10 >= 0.5)
    return right


def relaxed(rows: pd.DataFrame) -> list[bool]:
    """Numbers within 5 %, else equal words."""
    right = []
    for row in rows.itertuples():
        close = row.prediction.isdigit() and row.answer.isdigit() and float(row.answer) != 0
        within = close and abs(float(row.prediction) - float(row.answer)) <= 0.05 * float(row.answer)
        right.append(bool(within) or row.prediction.lower() == row.answer.lower())
        assert [right[-1]] == ast.literal_eval(row.eval_match)
    return right


def distance(rows: pd.DataFrame) -> list[bool]:
    """1 − the smallest normalised edit distance, right from one half; the stored score is a distance."""
    right = []
    for row in rows.itertuples():
        match = ast.literal_eval(row.eval_match)
        assert float(row.eval_score) == pytest.approx(sum(match) / len(match))
        assert (min(match) == 0) == (row.prediction in ast.literal_eval(row.answer))
        right.append(1 - min(match) >= 0.5)
    return right


def substring(rows: pd.DataFrame) -> list[bool]:
    return [any(a.lower() in row.prediction.lower() for a in ast.literal_eval(row.answer)) for row in rows.itertuples()]


RULES = {
    **dict.fromkeys(("MMBench_DEV_EN_V11", "MMStar", "MMMU_DEV_VAL", "RealWorldQA", "AI2D_TEST"), choice),
    **dict.fromkeys(("DocVQA_VAL", "InfoVQA_VAL"), distance),
    "HallusionBench": yes_no,
    "MathVista_MINI": vista,
    "MathVision_MINI": vision,
    "MathVerse_MINI": verse,
    "TextVQA_VAL": annotators,
    "ChartQA_TEST": relaxed,
    "OCRBench": substring,
}


@pytest.mark.parametrize("number", range(14))
def test_grades_by_each_evaluators_rule(demo: DemoGenerator, draws: list[DatasetDraw], number: int) -> None:
    name = k.DATASET_NAMES[number]
    for m, model in enumerate(k.MODEL_IDS):
        rows = table(demo, "VLMEvalKit_evaluation", model, name + RESULTS[name][0])
        assert rows["index"].tolist() == [str(i) for i in sample_index(draws[number])]
        assert RULES[name](rows) == draws[number].correct[:, m].tolist(), model


def test_totals_of_the_dataset_without_grades(demo: DemoGenerator, draws: list[DatasetDraw]) -> None:
    model, number = "GPT4o", k.DATASET_NAMES.index("OCRBench")
    path = demo.root / "VLMEvalKit_evaluation" / model / RUN_FOLDER / f"{model}_OCRBench_score.json"
    assert json.loads(path.read_text())["Final Score"] == draws[number].correct[:, k.MODEL_IDS.index(model)].sum()


def test_predictions_have_the_drawn_length(demo: DemoGenerator, draws: list[DatasetDraw]) -> None:
    tokenizer = Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / "tekken_240911.json")
    for draw in draws[::3]:
        for m, model in list(enumerate(k.MODEL_IDS))[::4]:
            texts = table(demo, "VLMEvalKit_inference", model, draw.name).prediction
            lengths = [len(tokenizer.encode(text, bos=False, eos=False)) for text in texts]
            assert lengths == draw.output_tokens[:, m].tolist()


def test_pictures_open_and_are_shared(demo: DemoGenerator, draws: list[DatasetDraw]) -> None:
    for draw in draws:
        with (demo.root / "TSV_images" / f"{draw.name}.tsv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        holders = {row["index"]: row["image"] for row in rows if len(row["image"]) > 64}
        assert len(holders) == draw.picture[-1] + 1 < SAMPLES
        for picture, row in zip(draw.picture, rows, strict=True):
            data = holders[row["index"] if row["index"] in holders else row["image"]]
            assert Image.open(BytesIO(base64.b64decode(data))).mode == "RGB"
            assert data == holders[rows[int(np.searchsorted(draw.picture, picture))]["index"]]


def test_logs_do_not_tell_the_attributes(demo: DemoGenerator) -> None:
    """No column is named after an attribute, and no column has its values but the question itself."""
    values = {str(v) for group in (k.SKILLS, k.KINDS, k.LAYOUTS, k.FOCUSES) for v in group}
    for name in k.DATASET_NAMES:
        rows = table(demo, "VLMEvalKit_inference", "GPT4o", name)
        assert not set(rows.columns) & {*ATTRIBUTES, "p", "eta", "picture"}
        for column in set(rows.columns) - {"question", "question_for_eval", "query_cot", "prediction"}:
            assert not set(rows[column]) & values, (name, column)


def test_truth_lies_outside_the_logs(demo: DemoGenerator, draws: list[DatasetDraw]) -> None:
    assert not demo.truth_path.is_relative_to(demo.root)
    truth = pq.read_table(demo.truth_path).to_pandas()
    ids = [f"{draw.name}/{i}" for draw in draws for i in sample_index(draw)]
    assert truth.sample_id.tolist() == ids
    assert [c for c in truth if c.startswith("p/")] == [f"p/{m}" for m in k.MODEL_IDS]
    assert truth[[f"output_tokens/{m}" for m in k.MODEL_IDS]].to_numpy().min() >= 1
    assert set(truth["attribute/skill"]) <= set(k.SKILLS)
    assert truth["attribute/fine"].tolist() == np.concatenate([d.codes[:, 4] for d in draws]).tolist()


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_same_settings_same_bytes(demo: DemoGenerator, tmp_path: Path) -> None:
    base = demo.root.parent
    again = make(tmp_path, samples_per_dataset=SAMPLES, seed=5)
    assert digests(again.root.parent) == digests(base)
    assert again.is_current()
    assert not DemoGenerator(str(again.root), SAMPLES, seed=6).is_current()


@pytest.mark.filterwarnings("ignore:.*tasks")
def test_an_interrupted_demo_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = make(tmp_path, samples_per_dataset=1, seed=0)
    assert generator.is_current()

    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.write(stop)
    assert not generator.is_current()
    generator.write()
    assert generator.is_current()


def test_other_peoples_files_are_never_replaced(tmp_path: Path) -> None:
    logs = tmp_path / "work" / "my_model"
    logs.mkdir(parents=True)
    (logs / "results.xlsx").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="other files"):
        DemoGenerator(str(tmp_path / "work"), 1).write()
    assert (logs / "results.xlsx").read_bytes() == b"mine"


@pytest.mark.parametrize("settings", [{"samples_per_dataset": 0}, {"samples_per_dataset": True}, {"seed": -1}])
def test_impossible_settings(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        DemoGenerator("somewhere", **settings)


def test_datasets_of_their_own_sizes(tmp_path: Path) -> None:
    counts = {name: 1 + number for number, name in enumerate(k.DATASET_NAMES)}
    generator = DemoGenerator(str(tmp_path / "demo" / "logs"), counts)
    generator.write()
    assert generator.is_current()
    tables = {path.stem: pd.read_csv(path, sep="\t") for path in generator.root.glob("TSV_images/*.tsv")}
    assert {name: len(table) for name, table in tables.items()} == counts


def test_sizes_must_name_every_dataset(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing or unknown: AI2D_TEST"):
        DemoGenerator(str(tmp_path), {name: 1 for name in k.DATASET_NAMES if name != "AI2D_TEST"})
