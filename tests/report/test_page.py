"""The page's sections: what they show, why they are absent, and that text from data stays text."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlrb.metrics.outcomes import is_correct
from vlrb.report.datasets import dataset_table
from vlrb.report.grades import Absent, Grades
from vlrb.report.html import SECTIONS, page_of
from vlrb.report.identity import identity_table
from vlrb.report.lambda_curves import lambda_points
from vlrb.report.latex import leaderboard_latex
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.report.page.context import Context
from vlrb.report.page.samples import samples_section
from vlrb.report.picks import LOST, RANDOM, UNSOLVED, WON, pick_samples
from vlrb.report.solved import BEST, solved_table
from vlrb.report.thumbnails import thumbnail
from vlrb.utils.errors import DataError

from .conftest import World

EVIL = "<script>alert(1)</script><!-- \"quotes\" 'single' & </script\n<img src=x onerror=alert(2)> \u2028 end"


def grades_of(board: Leaderboard, world: World) -> Grades:
    rows = np.flatnonzero(world.split == "test")

    def pictures(i: int) -> list[Image.Image]:
        if i % 3 == 0:
            raise DataError("picture.tsv: offset 7: cannot be decoded")
        return [Image.new("RGB", (300 + i % 5, 200), (i % 256, 90, 30))] * (i % 6)

    assert len(rows) == len(board.evaluated.table)
    return Grades(world.Y[rows], world.C[rows], lambda i: f"{EVIL} {i}" + "x" * (2000 * (i % 2)), pictures)


@pytest.fixture(scope="module")
def context(sweep_folders: list[Path], world: World) -> Context:
    board = make_leaderboard(sweep_folders)
    return Context(board, dataset_table(board), grades_of(board, world), 20)


@pytest.fixture(scope="module")
def page(context: Context) -> str:
    return page_of(context)


def block(page: str, key: str) -> dict:  # type: ignore[type-arg]
    found = re.search(rf'<script type="application/json" id="{key}-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    content: dict = json.loads(found[1])  # type: ignore[type-arg]
    return content


def test_text_of_the_data_can_neither_end_its_block_nor_become_markup(page: str) -> None:
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u2028" not in page
    samples = block(page, "drill")["samples"]
    assert all(sample["prompt"].startswith(EVIL) for sample in samples)
    assert page.count("</script>") == 1 + page.count('<script type="application/json"')


def test_nothing_may_be_asked_for_outside_the_file(page: str) -> None:
    assert "default-src 'none'; img-src data:;" in page
    outside = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'<]*", page)
    assert [link for link in outside if link != "http://www.w3.org/2000/svg"] == []


def test_every_section_is_there_with_content(page: str, context: Context) -> None:
    for make in SECTIONS:
        section = make(context)
        assert f'<section id="{section.key}"' in page
        assert section.html or section.key == "calibration"  # no router here states probabilities
    assert "No router here states probabilities" in page


def test_samples_hold_grades_costs_choices_and_notes(page: str, context: Context) -> None:
    data = block(page, "drill")
    table = context.board.evaluated.table
    place = {sample_id: row for row, sample_id in enumerate(table["sample_id"])}
    assert len(data["samples"]) == 20
    assert [router["name"] for router in data["routers"]] == [leader.name for leader in context.comparable]
    for sample in data["samples"]:
        row = place[sample["id"]]
        assert isinstance(context.grades, Grades)
        assert sample["quality"] == context.grades.Y[row].tolist()
        assert sample["cost"] == pytest.approx((1000 * context.grades.C[row]).tolist(), rel=1e-3)
        chosen = [data["models"][k] for k in sample["chosen"]]
        own = [leader.table.table["model_id"][row] for leader in context.comparable]
        assert chosen == [context.board.runs[0].display_name(model) for model in own]
        assert len(sample["pictures"]) == (0 if row % 3 == 0 else min(row % 6, 3))
        assert ("cannot be decoded" in sample["note"]) == (row % 3 == 0)
        assert sample["cut"] == max(0, len(f"{EVIL} {row}") + 2000 * (row % 2) - 1500)


def test_without_grades_the_sections_say_why(context: Context) -> None:
    bare = Context(context.board, context.datasets, Absent("the <benchmark> has moved"), 20)
    text = page_of(bare)
    assert text.count("the &lt;benchmark&gt; has moved") == 3
    assert 'id="drill-data"' not in text
    none = samples_section(Context(context.board, context.datasets, context.grades, 0))
    assert none.html == ""
    assert "samples=60" in none.absent


def test_parts_of_the_gain_sum_to_it(context: Context) -> None:
    table = identity_table(context)
    assert len(table) == 2  # mlp and linear
    assert (table["dataset"] + table["within"]).tolist() == pytest.approx(table["gain"].tolist())
    frame = context.board.frame.set_index("name")
    for row in table.to_dict("records"):
        base = frame.loc["strongest_global", "accuracy"]
        assert row["gain"] == pytest.approx(frame.loc[row["name"], "accuracy"] - base)


def test_accuracy_by_solving_models_averages_to_the_accuracy(context: Context) -> None:
    table = solved_table(context)
    frame = context.board.frame.set_index("name")
    weights = table["n"] / table["n"].sum()
    for name in [leader.name for leader in context.comparable]:
        assert (table[name] * weights).sum() == pytest.approx(frame.loc[name, "accuracy"])
    assert (table[BEST] * weights).sum() == pytest.approx(frame.loc["strongest_global", "accuracy"])
    assert table[table["solved_by"] == 0][BEST].tolist() in ([], [0.0])


def test_lambda_points_need_two_lambdas(sweep_folders: list[Path]) -> None:
    points = lambda_points(make_leaderboard(sweep_folders))
    assert points.groupby("series")["lambda"].apply(list).to_dict() == {"linear": [0, 0.5, 1], "mlp": [0, 0.5, 1]}
    assert lambda_points(make_leaderboard(sweep_folders[:1])).empty


def test_picks_by_hand() -> None:
    # Five samples, three models; two routers; best single model = 0.
    y = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]], dtype=float)
    decisions = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0]])
    picked = pick_samples(y, decisions, best=0, most=12, seed=0)
    assert dict(zip(picked.rows.tolist(), picked.reasons, strict=True)) == {
        0: LOST,  # the best single model is right, the first router is not
        1: WON,
        2: UNSOLVED,
        3: RANDOM,
        4: RANDOM,
    }
    split = np.array([[1, 1, 0, 0, 0], [0, 2, 0, 0, 0]])  # they differ on 0 and 1, one of them is right on 0 alone
    assert pick_samples(y, split, best=0, most=3, seed=0).rows[0] == 0
    assert len(pick_samples(y, split, best=0, most=2).rows) == 2
    assert len(pick_samples(y, split, best=0, most=0).rows) == 0


def test_picks_are_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    y, decisions = is_correct(rng.random((300, 5))), rng.integers(0, 5, (4, 300))
    first, again, other = (pick_samples(y, decisions, 0, 60, seed) for seed in (1, 1, 2))
    assert first.rows.tolist() == again.rows.tolist()
    assert first.rows.tolist() != other.rows.tolist()
    assert len(set(first.rows.tolist())) == 60


def test_thumbnails_stay_below_their_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    uri = thumbnail(Image.fromarray(noise), 25_000)
    assert uri.startswith("data:image/jpeg;base64,")
    assert len(uri) < 25_000 * 4 / 3 + 40


def test_latex_escapes_names(context: Context) -> None:
    text = leaderboard_latex(context.board)
    assert r"strongest\_global" in text
    assert r"mlp $\lambda$=0.5" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    lines = [line for line in text.splitlines() if " & " in line]
    assert len({line.replace(r"\&", "").count("&") for line in lines}) == 1
    assert not re.search(
        r"(?<!\\)[%$#_](?!\\|usepackage| needs)", re.sub(r"\$\\?[\w+-]+\$", "", text).split("\n", 1)[1]
    )
