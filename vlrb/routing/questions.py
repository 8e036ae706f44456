"""Files of questions, read one row at a time: CSV, JSON lines, or a dataset file of VLMEvalKit (TSV)."""

import csv
import json
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from vlrb.routing.query import canonical_prompt
from vlrb.sources.outcomes.columns import ALIASES, fold
from vlrb.sources.outcomes.files import DELIMITERS
from vlrb.sources.outcomes.pictures import split_paths
from vlrb.sources.pictures import PictureReader
from vlrb.sources.vlmevalkit.cells import encoding_problem
from vlrb.sources.vlmevalkit.datasets import dataset_spec
from vlrb.sources.vlmevalkit.prompts import prompts
from vlrb.sources.vlmevalkit.tables import KEY
from vlrb.sources.vlmevalkit.tsv import read_tsv
from vlrb.utils.errors import DataError
from vlrb.utils.files import inside
from vlrb.utils.suggest import did_you_mean

JSON_LINES: Final = (".jsonl", ".ndjson")
KNOWN: Final = (".csv", *JSON_LINES, ".tsv")
LONGEST_CELL: Final = 1 << 27
FIRST_TWO: Final = {"a", "b"}  # columns that make a question one of multiple choice
Cells = Mapping[str, Any]


class Question(NamedTuple):
    """One row of a file.

    Attributes:
        where: How messages call it.
        id: Its id; the number of the question where the file has none.
        prompt: What the router reads.
        pictures: Gives its pictures when called, or raises DataError.
        dataset: The dataset that the row names.
        problem: Why the row is no question.
    """

    where: str
    id: str
    prompt: str = ""
    pictures: Callable[[], Sequence[Any]] = list
    dataset: str | None = None
    problem: DataError | None = None


def read_questions(path: Path) -> Iterator[Question]:
    """Yield the questions of a file in order; a row that is none comes with its problem.

    Raises:
        DataError: The file cannot be read, or is not what its ending says.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file", "give a file of questions: route=questions.csv")
    if suffix not in KNOWN:
        raise DataError(f"{path}: not a file of questions that can be read", f"known: {', '.join(KNOWN)}")
    if not path.stat().st_size:
        raise DataError(f"{path.name}: empty file", "copy it again")
    readers: dict[str, Callable[[Path], Iterator[Question]]] = {".csv": _csv_rows, ".tsv": _dataset_rows}
    count = 0
    try:
        for question in readers.get(suffix, _json_rows)(path):
            count += 1
            yield question
    except UnicodeDecodeError as error:
        reason = encoding_problem(path.read_bytes()[:2])
        raise DataError(f"{path.name}: after row {count:,}: not UTF-8 text; {reason}", "save it as UTF-8") from error
    if not count:
        raise DataError(f"{path.name}: no questions in it")


def _csv_rows(path: Path) -> Iterator[Question]:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
        file.seek(0)
        delimiter = max(DELIMITERS, key=line.count) if any(mark in line for mark in DELIMITERS) else ","
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        titles: list[str] = []
        number = 0
        try:
            for cells in rows:
                number += 1
                if not titles:
                    titles = _titles(cells, path.name)
                elif cells:
                    yield _csv_question(titles, cells, path, number)
        except csv.Error as error:
            hint = "the file may be cut short, or a quote left open"
            raise DataError(f"{path.name}: row {number + 1:,}: {error}", hint) from error


def _titles(cells: list[str], name: str) -> list[str]:
    titles = [fold(cell) for cell in cells]
    repeated = next((title for title in titles if title and titles.count(title) > 1), None)
    if repeated is not None:
        raise DataError(f"{name}: two columns are called {repeated!r}", "rename one of them")
    if not set(titles) & set(ALIASES["prompt"]):
        best = did_you_mean("prompt", titles) if any(titles) else "row 1 must hold the titles of the columns"
        raise DataError(f"{name}: no column {' or '.join(ALIASES['prompt'][:2])}", best)
    return titles


def _csv_question(titles: list[str], cells: list[str], path: Path, number: int) -> Question:
    where = f"{path.name}: row {number:,}"
    if len(cells) != len(titles):
        problem = DataError(f"{len(cells)} cells, the header has {len(titles)}", "quote cells that hold the delimiter")
        return Question(where, str(number - 1), problem=problem)
    return _question(dict(zip(titles, cells, strict=True)), where, str(number - 1), path.parent)


def _json_rows(path: Path) -> Iterator[Question]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path.name}: line {number:,}"
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Question(where, str(number), problem=DataError(f"not JSON ({error})"))
                continue
            if not isinstance(found, dict):
                yield Question(where, str(number), problem=DataError("not a JSON object", 'e.g. {"prompt": "…"}'))
                continue
            yield _question({fold(str(key)): value for key, value in found.items()}, where, str(number), path.parent)


def _question(cells: Cells, where: str, number: str, folder: Path) -> Question:
    """Return the question of one row; titles are folded."""
    name = _first(cells, "sample")
    own_id = number if name in (None, "") else str(name)
    try:
        prompt = _prompt(cells)
        paths = _paths(_first(cells, "images"))
        dataset = _first(cells, "dataset")
    except DataError as error:
        return Question(where, own_id, problem=error)
    pictures = partial(_inside, folder, paths)
    return Question(where, own_id, prompt, pictures, None if dataset in (None, "") else str(dataset))


def _first(cells: Cells, role: str) -> Any:  # noqa: ANN401 - a cell
    return next((cells[name] for name in ALIASES[role] if name in cells), None)


def _prompt(cells: Cells) -> str:
    """Return the prompt; of a question with option columns A, B, … and no prompt, the canonical one."""
    text = _first(cells, "prompt")
    if not isinstance(text, str) or not text.strip():
        raise DataError("no prompt" if text in (None, "") else f"the prompt must be text, not {text!r:.40}")
    if "prompt" in cells or not cells.keys() >= FIRST_TWO:
        return text
    options = {letter: _text(cells.get(letter.lower())) for letter in string.ascii_uppercase}
    return canonical_prompt(text, _text(cells.get("hint")), options)


def _text(cell: Any) -> str:  # noqa: ANN401 - a cell
    return "" if cell is None else str(cell)


def _paths(cell: Any) -> list[str]:  # noqa: ANN401 - a cell
    if not (
        cell is None or isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(p, str) for p in cell))
    ):
        raise DataError(f"pictures must be a path or a list of paths, not {cell!r:.60}")
    return split_paths(cell)


def _inside(folder: Path, paths: Sequence[str]) -> list[Path]:
    return [inside(folder, path) for path in paths]


def _dataset_rows(path: Path) -> Iterator[Question]:
    """Yield the rows of a dataset file of VLMEvalKit: pictures in base64 in it, or files that it names."""
    root = path.resolve().parent
    index = read_tsv(root / path.name, root)
    reader = PictureReader(root)
    problems = {problem.key: problem.reason for problem in reversed(index.problems)}
    texts, _ = prompts(index.table, dataset_spec(path.stem))
    for key, text in zip(index.table[KEY].tolist(), texts, strict=True):
        where = f"{path.name}: row {key!r}"
        if key in problems:
            yield Question(where, key, problem=DataError(f"its picture: {problems[key]}"))
        elif not text.strip():
            yield Question(where, key, problem=DataError("no prompt"))
        else:
            yield Question(where, key, text, partial(_opened, reader, index.pictures.get(key, [])), path.stem)


def _opened(reader: PictureReader, references: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [reader.open(reference) for reference in references]
