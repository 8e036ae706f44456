"""Write VLMEvalKit-style files: prediction and result workbooks for every model, and a TSV file with pictures.

What each dataset's evaluator leaves on disk differs: a `hit` column, a right/wrong `score`, edit distances, an
extracted answer without a grade, or nothing but predictions. Each `_result_*` function below writes one such form, so
that the grade which the evaluator's own rule gives is the one drawn from the model.
"""

import ast
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from vlrb.demo.questions import edit_share

RUN_FOLDER = "T20250901_G00d3a000"  # day and commit, in the form the kit uses
EVALUATION_FOLDER = "VLMEvalKit_evaluation"
INFERENCE_FOLDER = "VLMEvalKit_inference"
PICTURES_FOLDER = "TSV_images"
Row = dict[str, Any]


@dataclass
class DatasetRows:
    """The rows of one dataset, shared by all models.

    Args:
        name: Dataset key.
        columns: Column → value of each row, as the dataset's TSV file has them (without the picture).
        truth: The right answer of each row, as a model would write it.
        wrong: What a wrong model writes, two variants for each row.
        pictures: Base64 picture of each row, or the index of the row that holds it.
    """

    name: str
    columns: dict[str, list[Any]]
    truth: list[str]
    wrong: list[tuple[str, ...]]
    pictures: list[str] = field(default_factory=list)


def write_workbook(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write one sheet; text stays text, so that nothing is taken for a formula, a link or a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"created": datetime(2025, 9, 1)})  # a fixed date keeps files equal byte by byte
    sheet = book.add_worksheet()
    for c, (name, values) in enumerate(columns.items()):
        sheet.write_string(0, c, name)
        for r, value in enumerate(values, 1):
            if isinstance(value, bool):
                sheet.write_boolean(r, c, value)
            elif isinstance(value, str):
                sheet.write_string(r, c, value)
            else:
                sheet.write_number(r, c, value)
    book.close()


def write_pictures(root: Path, rows: DatasetRows) -> None:
    """Write the dataset's TSV file: its columns plus `image`."""
    path = root / PICTURES_FOLDER / f"{rows.name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"index": rows.columns["index"], "image": rows.pictures} | rows.columns
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_model(root: Path, rows: DatasetRows, model_id: str, predictions: list[str], said: list[str]) -> None:
    """Write one model's prediction file and the result file of the dataset's evaluator.

    Args:
        root: Folder of the three subfolders.
        rows: The dataset.
        model_id: The model's folder name.
        predictions: The full text of each answer.
        said: The answer that each text gives (the right one, or a wrong one).
    """
    stem = f"{model_id}_{rows.name}"
    inference = root / INFERENCE_FOLDER / model_id / RUN_FOLDER
    evaluation = root / EVALUATION_FOLDER / model_id / RUN_FOLDER
    table = rows.columns | {"prediction": predictions}
    write_workbook(inference / f"{stem}.xlsx", table)
    suffix, result = RESULTS[rows.name]
    extra = result(rows, predictions, said)
    if rows.name == "OCRBench":  # its evaluator keeps only totals, so the predictions themselves are the record
        write_workbook(evaluation / f"{stem}.xlsx", table)
        evaluation.joinpath(f"{stem}_score.json").write_text(json.dumps(extra, indent=4), encoding="utf-8")
    else:
        write_workbook(evaluation / f"{stem}{suffix}.xlsx", table | extra)


def _right(rows: DatasetRows, said: list[str]) -> list[bool]:
    return [given == truth for given, truth in zip(said, rows.truth, strict=True)]


def _result_choice(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """`hit` 0/1 and a match log."""
    log = [f"Match Log: {letter}. " for letter in said]
    return {"hit": [int(ok) for ok in _right(rows, said)], "log": log}


def _result_yes_no(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """`extracted` Yes/No and a boolean `score`."""
    return {"extracted": said, "score": _right(rows, said)}


def _result_extracted(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """`res` and `log` with no grade: readers must compare `res` with the answer."""
    short = [ok and len(text) < 40 for ok, text in zip(_right(rows, said), predictions, strict=True)]
    log = ["Prefetch succeed" if found else "Succeed" for found in short]
    return {"res": said, "log": log}


def _result_score(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """The extracted answer and a boolean `score`."""
    empty = ["Succeed"] * len(said)
    return {"extract": said, "log_extract": empty, "score": _right(rows, said), "log_score": empty}


def _result_annotators(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """Soft agreement with ten annotators: mean over them of min(1, others who agree / 3)."""
    answers = [[name.lower() for name in ast.literal_eval(cell)] for cell in rows.columns["answer"]]
    match = [
        [min(1.0, (names.count(given.lower()) - (name == given.lower())) / 3) for name in names]
        for names, given in zip(answers, said, strict=True)
    ]
    return _vqa(answers, said, match, [sum(m) / len(m) for m in match])


def _result_relaxed(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """One True/False per accepted answer."""
    right = _right(rows, said)
    return _vqa([[t] for t in rows.truth], said, [[ok] for ok in right], [float(ok) for ok in right])


def _result_distance(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, list[Any]]:
    """Normalised edit distances: 0 is right, and the stored score is the mean distance (lower is better)."""
    distance = [edit_share(given, truth) for given, truth in zip(said, rows.truth, strict=True)]
    return _vqa([[t] for t in rows.truth], said, [[d] for d in distance], distance)


def _vqa(gt: list[list[str]], said: list[str], match: Sequence[list[Any]], score: list[float]) -> dict[str, list[Any]]:
    lowered = [given.lower() for given in said]
    return {
        "prediction": said,  # the evaluated text: the final answer, without the reasoning before it
        "eval_gt": [str(names) for names in gt],
        "eval_pred": lowered,
        "eval_match": [str(m) for m in match],
        "eval_score": score,
    }


def _result_totals(rows: DatasetRows, predictions: list[str], said: list[str]) -> dict[str, Any]:
    """Totals by sub-task only."""
    hits = sum(_right(rows, said))
    groups = {"Text Recognition": 0, "Scene Text-centric VQA": 0, "Doc-oriented VQA": hits}
    groups |= {"Key Information Extraction": 0, "Handwritten Mathematical Expression Recognition": 0}
    return {**groups, "Final Score": hits, "Final Score Norm": hits / 10}


Result = Callable[[DatasetRows, list[str], list[str]], dict[str, Any]]
RESULTS: dict[str, tuple[str, Result]] = {
    "MMBench_DEV_EN_V11": ("_openai_result", _result_choice),
    "MMStar": ("_openai_result", _result_choice),
    "MMMU_DEV_VAL": ("_gpt-4o-mini_result", _result_choice),
    "RealWorldQA": ("_openai_result", _result_choice),
    "AI2D_TEST": ("_openai_result", _result_choice),
    "HallusionBench": ("_auxmatch", _result_yes_no),
    "MathVista_MINI": ("_gpt-4o-mini", _result_extracted),
    "MathVision_MINI": ("_gpt-4o-mini", _result_extracted),
    "MathVerse_MINI": ("_gpt-4o-mini_score", _result_score),
    "TextVQA_VAL": ("_results", _result_annotators),
    "ChartQA_TEST": ("_results", _result_relaxed),
    "DocVQA_VAL": ("_results", _result_distance),
    "InfoVQA_VAL": ("_results", _result_distance),
    "OCRBench": ("", _result_totals),
}
