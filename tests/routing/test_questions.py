"""Files of questions: what is read of each row, and what is wrong with it."""

import base64
import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from vlrb.routing.questions import Question, read_questions
from vlrb.utils.errors import DataError


def written(tmp_path: Path, name: str, text: str) -> list[Question]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return list(read_questions(tmp_path / name))


def test_csv_by_its_usual_names(tmp_path: Path) -> None:
    """Titles in any case; several pictures by ';' or as a list; a quoted newline is part of the prompt."""
    text = 'ID,Question,Image\n7,"How\nmany, here?",a.png;sub/b.png\n,What?,"[""c;d.png""]"\nx,Why?,\n'
    first, second, third = written(tmp_path, "q.csv", text)
    assert (first.id, first.prompt, first.where) == ("7", "How\nmany, here?", "q.csv: row 2")
    assert first.pictures() == [tmp_path / "a.png", tmp_path / "sub" / "b.png"]
    assert (second.id, second.pictures()) == ("2", [tmp_path / "c;d.png"])
    assert (third.id, list(third.pictures()), third.problem) == ("x", [], None)


def test_other_delimiters_and_a_byte_order_mark(tmp_path: Path) -> None:
    (question,) = written(tmp_path, "q.csv", "\ufeffprompt;dataset\nWhat, now?;MMStar\n")
    assert (question.prompt, question.dataset, question.id) == ("What, now?", "MMStar", "1")


def test_options_make_the_canonical_prompt_unless_there_is_a_prompt(tmp_path: Path) -> None:
    (question,) = written(tmp_path, "q.csv", "question,hint,A,B,C\nWhich?,Look.,one,two,\n")
    assert question.prompt == "Hint: Look.\nQuestion: Which?\nOptions:\nA. one\nB. two"
    (question,) = written(tmp_path, "p.csv", "prompt,question,A,B\nAs asked,Which?,one,two\n")
    assert question.prompt == "As asked"


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "images": ["x.png", "y.png"], "id": 5},
        {"question": "b", "image": "x.png"},
        {"question": "Which?", "A": "one", "B": 2, "images": None},
    ]
    text = "\n\n".join(json.dumps(row) for row in rows)
    first, second, third = written(tmp_path, "q.jsonl", text)
    assert (first.id, first.where) == ("5", "q.jsonl: line 1")
    assert first.pictures() == [tmp_path / "x.png", tmp_path / "y.png"]
    assert (second.id, second.prompt, len(second.pictures())) == ("3", "b", 1)
    assert third.prompt == "Question: Which?\nOptions:\nA. one\nB. 2"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"image": "a.png"}', "no prompt"),
        ('{"prompt": 7}', "the prompt must be text, not 7"),
        ('{"prompt": "a", "images": {"b": 1}}', "pictures must be a path or a list of paths"),
        ('{"prompt": "a", "images": ["b", 1]}', "pictures must be a path or a list of paths"),
        ('{"prompt": "a", "images": "[b"}', "is no list of paths"),
    ],
)
def test_lines_that_are_no_questions(tmp_path: Path, line: str, reason: str) -> None:
    first, bad, last = written(tmp_path, "q.jsonl", f'{{"prompt": "a"}}\n{line}\n{{"prompt": "b"}}\n')
    assert first.problem is None
    assert last.problem is None
    assert bad.problem is not None
    assert reason in bad.problem.message
    assert bad.where == "q.jsonl: line 2"


def test_csv_rows_that_are_no_questions(tmp_path: Path) -> None:
    long, empty, fine = written(tmp_path, "q.csv", "id,prompt\na,b,c\nd,\ne,f\n")
    assert long.problem is not None
    assert "3 cells, the header has 2" in long.problem.message
    assert empty.problem is not None
    assert (empty.id, empty.where, empty.problem.message) == ("d", "q.csv: row 3", "no prompt")
    assert fine.problem is None


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "secret.png")
    for path in ("../secret.png", str(tmp_path / "secret.png"), "link.png"):
        (question,) = written(tmp_path / "in", "q.csv", f"prompt,image\na,{path}\n")
        with pytest.raises(DataError, match="leads outside"):
            question.pictures()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("q.csv", b"", "q.csv: empty file"),
        ("q.csv", b"id,prompt\n", "q.csv: no questions in it"),
        ("q.csv", b"id,promt\n1,a\n", "no column prompt or question\n.*did you mean 'promt'"),
        ("q.csv", b"prompt,prompt\na,b\n", "two columns are called 'prompt'"),
        ("q.csv", b'id,prompt\n1,"a\n', "q.csv: row 2: .*\n.*a quote left open"),
        ("q.csv", b"id,prompt\n1,caf\xe9\n", "not UTF-8 text"),
        ("q.jsonl", b"\n\n", "q.jsonl: no questions in it"),
        ("q.xlsx", b"a", "known: .csv, .jsonl, .ndjson, .tsv"),
        ("q.tsv", b"question\na\n", "q.tsv: no id column"),
    ],
)
def test_files_that_are_no_questions(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=reason):
        list(read_questions(tmp_path / name))
    with pytest.raises(DataError, match="no such file"):
        list(read_questions(tmp_path / "nowhere.csv"))


def test_dataset_files_of_the_kit(tmp_path: Path) -> None:
    """Pictures in base64, a reference to another row, and a damaged one; the prompt is the benchmark's own."""
    buffer = BytesIO()
    Image.new("RGB", (30, 20), "red").save(buffer, "png")
    cell = base64.b64encode(buffer.getvalue()).decode()
    rows = [f"1\tWhich?\tone\ttwo\t{cell}", "2\tAnd now?\tone\ttwo\t1", "3\tHow?\tone\ttwo\t" + "A" * 100]
    first, second, third = written(tmp_path, "MMStar.tsv", "index\tquestion\tA\tB\timage\n" + "\n".join(rows) + "\n")
    assert (first.id, first.dataset) == ("1", "MMStar")
    assert first.prompt == "Question: Which?\nOptions:\nA. one\nB. two"
    assert [p.size for p in first.pictures()] == [p.size for p in second.pictures()] == [(30, 20)]
    assert third.problem is not None
    assert "picture" in third.problem.message
