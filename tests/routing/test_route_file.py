"""`evaluate.py run=… route=…`: decisions on a file, whole or not at all."""

import csv
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from routing_world import Trained, asked

import vlrb
from vlrb.routing.loaded import BATCH
from vlrb.utils.cli import ROOT
from vlrb.utils.files import read_json

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def questions(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test samples as a CSV file with pictures beside it, more than one batch of them."""
    folder = tmp_path_factory.mktemp("questions")
    queries = asked(trained, "utility").queries
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "prompt", "images", "dataset"])
        for number, query in enumerate(queries * 2):
            names = [f"{number}-{k}.png" for k in range(len(query.images))]
            for name, image in zip(names, query.images, strict=True):
                image.save(folder / name)
            writer.writerow([query.id, query.prompt, ";".join(names), query.dataset])
    assert len(queries) * 2 > BATCH
    return folder / "questions.csv"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_file(call: Call, trained: Trained, questions: Path, tmp_path: Path) -> None:
    """The same choices as the run's, the columns of every model, and a summary that adds up."""
    code, out, err = call("evaluate", f"run={trained.runs['utility']}", f"route={questions}", f"out={tmp_path}")
    assert (code, err) == (0, "")
    rows = table(tmp_path / "questions.routed.csv")
    want = asked(trained, "utility").decided
    assert [row["id"] for row in rows] == want["sample_id"].tolist() * 2
    assert [row["model_id"] for row in rows] == want["model_id"].tolist() * 2
    ids = read_json(trained.runs["utility"] / "data_spec.json")["model_ids"]
    assert list(rows[0]) == [
        "id",
        "model_id",
        "model",
        "expected_quality",
        "expected_cost",
        *(f"{kind}/{m}" for kind in ("score", "expected_quality", "expected_cost") for m in ids),
    ]
    for row in rows:
        assert row["expected_cost"] == row[f"expected_cost/{row['model_id']}"]
        assert row["expected_quality"] == row[f"expected_quality/{row['model_id']}"]
    mean = 1000 * math.fsum(float(row["expected_cost"]) for row in rows) / len(rows)
    assert f"expected mean cost ${mean:.3g} per 1,000 questions" in out
    assert f"{len(rows):,} questions routed" in out
    assert out.splitlines()[-1] == f"routed: {tmp_path / 'questions.routed.csv'}"


def test_json_lines_and_a_trade_off(call: Call, trained: Trained, questions: Path, tmp_path: Path) -> None:
    """μ=∞ chooses the lowest expected cost; the output lies beside the file."""
    shutil.copy(questions.parent / "0-0.png", tmp_path)
    lines = [{"prompt": "What is this?", "images": ["0-0.png"], "id": "é"}, {"question": "And what is 2 + 2?"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    code, out, _ = call("evaluate", f"run={trained.runs['utility']}", f"route={tmp_path / 'q.jsonl'}", "mu=inf")
    assert code == 0
    found = [json.loads(line) for line in (tmp_path / "q.routed.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in found] == ["é", "2"]
    for row in found:
        assert row["cost"] == min(row["expected_cost"].values())
    assert "1 of them have no picture and were decided on by their prompts alone" in out
    choice = vlrb.load_router(trained.runs["utility"], mu=math.inf).route("What is this?", tmp_path / "0-0.png")
    assert found[0]["scores"] == pytest.approx(choice.scores, rel=1e-6)


def test_a_router_without_estimates_invents_none(call: Call, trained: Trained, questions: Path, tmp_path: Path) -> None:
    run = trained.runs["strongest_per_dataset"]
    code, out, _ = call("evaluate", f"run={run}", f"route={questions}", f"out={tmp_path}")
    assert code == 0
    rows = table(tmp_path / "questions.routed.csv")
    assert {(row["expected_quality"], row["expected_cost"]) for row in rows} == {("", "")}
    assert not [title for title in rows[0] if title.startswith("expected_quality/")]
    router = vlrb.load_router(run)
    mean = 1000 * math.fsum(router.mean_train_cost[row["model_id"]] for row in rows) / len(rows)
    assert f"at the chosen models' mean training costs: ${mean:.3g} per 1,000 questions" in out
    assert "no picture" not in out  # it reads none


BAD = "id,prompt,image\n1,Fine?,0-0.png\n2,Where?,gone.png\n3,,0-0.png\n4,How?,../secret.png\n"


def test_a_bad_row_stops_and_nothing_is_left(call: Call, trained: Trained, questions: Path, tmp_path: Path) -> None:
    shutil.copy(questions.parent / "0-0.png", tmp_path)
    (tmp_path / "bad.csv").write_text(BAD, encoding="utf-8")
    code, _, err = call("evaluate", f"run={trained.runs['utility']}", f"route={tmp_path / 'bad.csv'}")
    assert code == 1
    assert "error: bad.csv: row 3: " in err
    assert "gone.png: cannot be read (No such file or directory)" in err
    assert "on_error=report" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0.png", "bad.csv"]


def test_bad_rows_are_reported(call: Call, trained: Trained, questions: Path, tmp_path: Path) -> None:
    shutil.copy(questions.parent / "0-0.png", tmp_path)
    (tmp_path / "bad.csv").write_text(BAD, encoding="utf-8")
    code, out, _ = call(
        "evaluate", f"run={trained.runs['utility']}", f"route={tmp_path / 'bad.csv'}", "on_error=report"
    )
    assert code == 0
    rows = table(tmp_path / "bad.routed.csv")
    assert [bool(row["model_id"]) for row in rows] == [True, False, False, False]
    assert [row["problem"].split(" ")[0] for row in rows[:1] + rows[2:3]] == ["", "no"]
    assert "leads outside" in rows[3]["problem"]
    assert {len(row) for row in rows} == {6 + 3 * 17}  # the columns of every model stay
    assert "3 questions have no decision (first bad.csv: row 3: " in out
    assert "1 questions routed" in out


def test_what_excludes_what(call: Call, trained: Trained, questions: Path) -> None:
    run = f"run={trained.runs['utility']}"
    for words, reason in (
        ([f"route={questions}"], "route is for one trained router"),
        ([run, f"route={questions}", "pricing=flat"], "route and pricing exclude one another"),
        ([f"run={trained.runs['strongest_per_dataset']}", f"route={questions}", "mu=0.1"], "has one operating point"),
        ([run, "route=nowhere.csv"], "nowhere.csv: no such file"),
        ([run, f"route={questions}", "on_error=skip"], "no such choice"),
    ):
        code, _, err = call("evaluate", *words)
        assert (code, reason in err) == (1, True), err


@pytest.mark.process
def test_from_another_folder_and_light(trained: Trained, tmp_path: Path) -> None:
    """A fresh process that is in no checkout: the name alone imports neither torch nor pandas."""
    code = (
        "import sys, vlrb; heavy = {'torch', 'pandas', 'numpy', 'PIL'} & set(sys.modules); assert not heavy, heavy; "
        f"print(vlrb.load_router({str(trained.runs['utility'])!r}).route('What is this?').model_id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == vlrb.load_router(trained.runs["utility"]).route("What is this?").model_id
