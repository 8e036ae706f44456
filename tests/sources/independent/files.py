"""Tables as plain rows (openpyxl, csv, json), and which files belong to a model and a dataset."""

import csv
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl

csv.field_size_limit(1 << 30)
ENDINGS = (".xlsx", ".tsv", ".json")
JUDGES = ("gpt-4o-mini", "openai", "gpt4")
Row = dict[str, Any]

HIT, AUX, RES, SCORE, VQA, PRED = "hit", "auxmatch", "res", "score", "vqa", "pred"
EXTRACT, VERIFIER = "extract", "verifier"
# Dataset → kinds of table in order of preference.
FORMS: dict[str, list[tuple[str, str]]] = {}
_CHOICE = [(HIT, "_(?P<judge>.+)_result"), (VERIFIER, "_detailed_results"), (PRED, "")]
_MATH = [(RES, "_(?P<judge>.+)"), (VERIFIER, "_detailed_results"), (PRED, "")]
_SHORT = [(VQA, "_results"), (VERIFIER, "_detailed_results"), (PRED, "")]
for _name in ("MMMU_DEV_VAL", "RealWorldQA", "MMStar", "AI2D_TEST"):
    FORMS[_name] = _CHOICE
for _name in ("MathVista_MINI", "MathVision_MINI", "MathVision"):
    FORMS[_name] = _MATH
for _name in ("TextVQA_VAL", "ChartQA_TEST", "DocVQA_VAL", "InfoVQA_VAL"):
    FORMS[_name] = _SHORT
FORMS["MMBench_DEV_EN_V11"] = [(HIT, "_(?P<judge>.+)_result"), (PRED, "")]
FORMS["MathVerse_MINI"] = [(SCORE, "_(?P<judge>.+)_score"), (EXTRACT, "_(?P<judge>.+)_extract"), (PRED, "")]
FORMS["HallusionBench"] = [(AUX, "_auxmatch"), (PRED, "")]
FORMS["OCRBench"] = [(PRED, "")]


class Table(NamedTuple):
    """One table: what kind it is, its judge, its run and its rows."""

    form: str
    judge: str
    run: str
    path: Path


def key_of(value: Any) -> str:
    """Return the canonical index: an integral number without ".0", else the text."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), value)


def rows_of(path: Path) -> list[Row]:
    """Return a table's rows; an empty cell is None."""
    if path.suffix == ".json":
        records = json.loads(path.read_text("utf-8"))
        return [{k: None if v == "" or v != v else v for k, v in record.items()} for record in records]
    if path.suffix == ".tsv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines: list[list[Any]] = list(csv.reader(file, delimiter="\t"))
    else:
        sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
        lines = [[decoded(cell) for cell in line] for line in sheet.iter_rows(values_only=True)]
    header = lines[0]
    return [
        {title: None if cell == "" else cell for title, cell in zip(header, line, strict=False)}
        for line in lines[1:]
        if any(cell not in ("", None) for cell in line)
    ]


def tables(root: Path) -> dict[tuple[str, str], list[Table]]:
    """Return the tables of every (dataset, model), preferred first: newest run, kind, judge, ending.

    What was evaluated in any run comes before what would have to be worked out.
    """
    found: dict[tuple[str, str], list[Table]] = {}
    sections = [name for name in ("VLMEvalKit_evaluation", "VLMEvalKit_inference") if (root / name).is_dir()]
    for section in sections or [""]:
        for path in sorted((root / section).glob("*/**/*")):
            model = path.relative_to(root / section).parts[0]
            if path.is_file() and path.suffix in ENDINGS and path.stem.startswith(f"{model}_"):
                for dataset, table in _named(path, path.stem.removeprefix(f"{model}_"), model):
                    found.setdefault((dataset, model), []).append(table)
    for (dataset, _), those in found.items():
        order = [form for form, _ in FORMS[dataset]]
        those.sort(key=lambda t: (order.index(t.form), _judge(t.judge), ENDINGS.index(t.path.suffix), str(t.path)))
        those.sort(key=lambda t: t.run, reverse=True)  # stable: the newest run first
        those.sort(key=lambda t: (t.form == PRED) + (t.form in (PRED, EXTRACT)))
    return found


def _named(path: Path, rest: str, model: str) -> list[tuple[str, Table]]:
    """Return the (dataset, table) that a name stands for: the longest dataset it begins with, if the rest fits."""
    run = path.parent.name if path.parent.name != model else ""
    for dataset in sorted(FORMS, key=len, reverse=True):
        if rest != dataset and not rest.startswith(f"{dataset}_"):
            continue
        for form, pattern in sorted(FORMS[dataset], key=lambda pair: pair[0] == RES):  # an arbitrary judge comes last
            fits = re.fullmatch(pattern, rest.removeprefix(dataset))
            if fits and (form != RES or _holds(path, "res", "log")):
                return [(dataset, Table(form, fits.groupdict().get("judge", ""), run, path))]
        return []
    return []


def _holds(path: Path, *columns: str) -> bool:
    rows = rows_of(path)
    return bool(rows) and all(column in rows[0] for column in columns)


def _judge(name: str) -> tuple[int, str]:
    if name == "exact_matching":
        return 9, ""
    return (JUDGES.index(name), "") if name in JUDGES else (8, name)
