"""Trees whose truth is known, spoilt in one or two ways: what is still told is true, or one line names the file."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent.writing import Columns, Log, write

from vlrb import schema
from vlrb.utils.errors import DataError

EVALUATION, INFERENCE, RUN = "VLMEvalKit_evaluation", "VLMEvalKit_inference", "T20250901_Gabcdef12"
MODELS = ("Alpha", "org--Beta 2")
N = 5
Truth = dict[tuple[str, str], float]
Dice = random.Random


def star(model: str) -> tuple[Columns, Columns, list[float]]:
    right = [(i + len(model)) % 2 for i in range(N)]
    said = ["B" if ok else "The answer is A." for ok in right]
    rows: Columns = {"index": list(range(N)), "question": [f"é {i}?" for i in range(N)], "A": ["red"] * N}
    rows |= {"B": ["None"] * N, "answer": ["B"] * N, "prediction": said}
    return rows, rows | {"hit": right, "log": ["é"] * N}, [float(ok) for ok in right]


def hallusion(model: str) -> tuple[Columns, Columns, list[float]]:
    right = [(i * len(model)) % 3 == 0 for i in range(N)]
    said = ["Yes" if ok else "No" for ok in right]
    rows: Columns = {"index": [f"VD_chart_0_{i}_1_0" for i in range(N)], "question": ["é?"] * N, "answer": ["Yes"] * N}
    rows |= {"prediction": said}
    return rows, rows | {"extracted": said, "score": right}, [float(ok) for ok in right]


def doc(model: str) -> tuple[Columns, Columns, list[float]]:
    """One wrong letter in five: 1 − 1/5 = 0.8."""
    said = ["naïve", "naive", "no", "naïve", "xaïve"]
    rows: Columns = {"index": [10 * i for i in range(N)], "question": ["?"] * N, "answer": ["['naïve', 'x y z w']"] * N}
    rows |= {"prediction": said}
    distances = ["[0, 1]", "[0.2, 1]", "[0.8, 1]", "[0, 1]", "[0.2, 1]"]
    return rows, rows | {"eval_match": distances, "eval_score": [0.5] * N}, [1, 0.8, 0, 1, 0.8]


SETS = {"MMStar": (star, "_openai_result"), "HallusionBench": (hallusion, "_auxmatch"), "DocVQA_VAL": (doc, "_results")}


def whole(endings: tuple[str, str]) -> tuple[list[Log], Truth]:
    logs: list[Log] = []
    truth: Truth = {}
    for dataset, (make, suffix) in SETS.items():
        for model in MODELS:
            said, graded, grades = make(model)
            logs.append(Log(INFERENCE, model, RUN, dataset, endings[0], said))
            logs.append(Log(EVALUATION, model, RUN, dataset + suffix, endings[1], graded))
            truth |= {(f"{dataset}/{key}", model): grade for key, grade in zip(said["index"], grades, strict=True)}
    return logs, truth


def write_pictures(root: Path, make_picture: Callable[..., str]) -> None:
    path = root / "TSV_images" / "MMStar.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{i}\t{make_picture(i)}\tq{i}\n" for i in range(N))
    path.write_text("index\timage\tquestion\n" + rows, encoding="utf-8")


# --- what may happen to the rows of one table -----------------------------------------------------------------------


def repeat_a_row(columns: Columns, dice: Dice) -> Columns:
    row = dice.randrange(N)
    return {title: [*values, values[row]] for title, values in columns.items()}


def shuffle_rows(columns: Columns, dice: Dice) -> Columns:
    order = dice.sample(range(N), N)
    return {title: [values[i] for i in order] for title, values in columns.items()}


def drop_rows(columns: Columns, dice: Dice) -> Columns:
    kept = sorted(dice.sample(range(N), dice.randrange(N)))
    return {title: [values[i] for i in kept] for title, values in columns.items()}


def drop_a_column(columns: Columns, dice: Dice) -> Columns:
    gone = dice.choice(list(columns))
    return {title: values for title, values in columns.items() if title != gone}


def rename_a_column(columns: Columns, dice: Dice) -> Columns:
    old = dice.choice(list(columns))
    new = dice.choice([f"{old}_1", old.upper() if len(old) > 1 else f"{old}{old}", f" {old} ", "", "Unnamed: 0"])
    return {new if title == old else title: values for title, values in columns.items()}


def reorder_columns(columns: Columns, dice: Dice) -> Columns:
    return {title: columns[title] for title in dice.sample(list(columns), len(columns))}


def ids_of_another_type(columns: Columns, dice: Dice) -> Columns:
    kind = dice.choice([float, str, lambda key: f"{key}.0", lambda key: f" {key} "])
    return columns | {"index": [kind(key) if isinstance(key, int) else key for key in columns["index"]]}


def blank_cells(columns: Columns, dice: Dice) -> Columns:
    title = dice.choice([title for title in columns if title not in ("index", "answer", "A", "B")])
    gone = set(dice.sample(range(N), 2))
    return columns | {title: [None if i in gone else value for i, value in enumerate(columns[title])]}


def blank_row(columns: Columns, dice: Dice) -> Columns:
    at = dice.randrange(N + 1)
    return {title: [*values[:at], None, *values[at:]] for title, values in columns.items()}


ROWS = [repeat_a_row, shuffle_rows, drop_rows, drop_a_column, rename_a_column, reorder_columns]
ROWS += [ids_of_another_type, blank_cells, blank_row]
# --- what may happen to a file --------------------------------------------------------------------------------------


def delete(path: Path, dice: Dice, root: Path) -> None:
    path.unlink()


def cut(path: Path, dice: Dice, root: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: dice.randrange(len(data))])


def flip_bytes(path: Path, dice: Dice, root: Path) -> None:
    """In a workbook, where check sums tell; in a text a changed digit is simply another digit."""
    if path.suffix != ".xlsx" and path.parent.name != "TSV_images":
        return
    data = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 3)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(bytes(data))


def other_encoding(path: Path, dice: Dice, root: Path) -> None:
    if path.suffix not in (".tsv", ".json") or path.name == "status.json":
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # damaged in this way already
        return
    name = dice.choice(["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
    path.write_bytes(text.encode(name, errors="replace"))


def empty(path: Path, dice: Dice, root: Path) -> None:
    path.write_bytes(b"")


def web_page(path: Path, dice: Dice, root: Path) -> None:
    path.write_text("<html>\n<body>404\tNot Found</body></html>\n", encoding="utf-8")


def link_to_itself(path: Path, dice: Dice, root: Path) -> None:
    target = dice.choice([path, path.with_name("nothing.xlsx"), Path("/etc/passwd"), root, path.parent])
    path.unlink()
    path.symlink_to(target)


def moved_and_linked(path: Path, dice: Dice, root: Path) -> None:
    """As the kit leaves it: the file in its run folder, a link to it in the model's folder."""
    link = path.parent.parent / path.name
    if link.exists() or path.parent.name != RUN:
        return
    link.symlink_to(dice.choice([path, Path(RUN) / path.name]))


def folder_of_its_name(path: Path, dice: Dice, root: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x.txt").write_text("x", encoding="utf-8")


def older_run(path: Path, dice: Dice, root: Path) -> None:
    """An earlier run whose file is of no use must not matter."""
    if path.parent.name == RUN:
        other = path.parent.parent / "T20240101_G00000000"
        other.mkdir(exist_ok=True)
        (other / path.name).write_bytes(b"broken")


def stray_files(path: Path, dice: Dice, root: Path) -> None:
    stem = path.name.removesuffix(path.suffix)
    names = ["01_MMStar.pkl", f"{stem}_checkpoint.pkl", f"{stem}_acc.csv", f"{stem}.pkl", "status.json", ".DS_Store"]
    names += [f"~${path.name}", "Thumbs.db", f"{path.name}.tmp", f".{path.name}.swp", "notes.txt", f"{stem}_PREV.pkl"]
    names += [f"{stem}_tmp.pkl", f"{stem}_fine.csv", "other_MMStar.xlsx", f"{path.name}.part", f"{stem} (copy).txt"]
    for name in dice.sample(names, 4):
        (path.parent / name).write_bytes(dice.randbytes(40))


FILES = [delete, cut, flip_bytes, other_encoding, empty, web_page, link_to_itself, moved_and_linked, folder_of_its_name]
FILES += [older_run, stray_files]


def check(root: Path, tree: Any, truth: Truth) -> None:
    message = ""
    try:
        records = tree.source(root).read().records
    except DataError as error:
        message = error.message
    if message:
        assert "\n" not in message
        names = [p.relative_to(root).as_posix() for p in root.rglob("*")]
        assert str(root) in message or any(message.startswith(name) for name in names), message
        return
    for sample, model, grade in zip(
        records[schema.SAMPLE_ID].astype(str),
        records[schema.MODEL_ID].astype(str),
        records[schema.QUALITY].tolist(),
        strict=True,
    ):
        assert (sample, model) in truth, f"{sample} of {model} is made up"
        assert np.isnan(grade) or grade == pytest.approx(truth[sample, model], abs=1e-6), (sample, model, grade)


ENDINGS = st.tuples(st.sampled_from([".xlsx", ".tsv", ".json"]), st.sampled_from([".xlsx", ".tsv", ".json"]))


def spoil(
    root: Path,
    endings: tuple[str, str],
    rows: list[Callable[..., Columns]],
    files: list[Callable[..., None]],
    seed: int,
) -> Truth:
    """Write the tree with some of its tables and files spoilt."""
    dice = Dice(seed)
    logs, truth = whole(endings)
    for change in rows:
        at = dice.randrange(len(logs))
        logs[at] = logs[at]._replace(columns=change(whole(endings)[0][at].columns, dice))
    write(root, logs)
    for damage in files:
        damage(dice.choice(sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())), dice, root)
    return truth


def run(tree: Any, make_picture: Callable[..., str], *spoiling: Any) -> None:
    shutil.rmtree(tree.root, ignore_errors=True)
    write_pictures(tree.root, make_picture)
    check(tree.root, tree, spoil(tree.root, *spoiling))


SPOILING = {
    "endings": ENDINGS,
    "rows": st.lists(st.sampled_from(ROWS), max_size=2),
    "files": st.lists(st.sampled_from(FILES), max_size=2),
    "seed": st.integers(0, 10**6),
}
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(**SPOILING)
def test_what_is_told_is_true(
    endings: Any, rows: Any, files: Any, seed: int, tree: Any, make_picture: Callable[..., str]
) -> None:
    run(tree, make_picture, endings, rows, files, seed)


@pytest.mark.slow
@LONG
@given(**SPOILING)
def test_what_is_told_is_true_of_many_trees(
    endings: Any, rows: Any, files: Any, seed: int, tree: Any, make_picture: Callable[..., str]
) -> None:
    run(tree, make_picture, endings, rows, files, seed)


def test_the_whole_tree_is_read_as_it_is(tree: Any, make_picture: Callable[..., str]) -> None:
    write_pictures(tree.root, make_picture)
    logs, truth = whole((".xlsx", ".tsv"))
    write(tree.root, logs)
    records = tree.source().read().records
    assert len(records) == len(truth) == 3 * 2 * N
    assert records[schema.QUALITY].notna().all()
    check(tree.root, tree, truth)
