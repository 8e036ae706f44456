"""Every file of a report: complete, self-contained, the same every time."""

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image

from vlrb.report.datasets import COLUMNS, accuracy_grid, dataset_table
from vlrb.report.html import SECTIONS
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.write import write_leaderboard, write_run_report
from vlrb.utils.errors import StateError

FIGURES = ("pareto", "choices", "heatmap", "frontier", "lambda")
FILES = ["leaderboard.csv", "datasets.csv", "points.csv", "leaderboard.md", "leaderboard.tex", "leaderboard.html"]
FILES += ["frontier.csv", "curves.csv", "budgets.csv", "stability.csv"]
FILES += [f"{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg")]
RunWriter = Callable[..., Path]


@pytest.fixture(scope="module")
def report(sweep_folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    assert [path.name for path in write_leaderboard(sweep_folders, out)] == FILES
    return out


def test_the_report_of_one_run_lies_in_its_folder(make_run: RunWriter, tmp_path: Path) -> None:
    folder = make_run()
    assert all(path.parent == folder and path.stat().st_size for path in write_run_report(folder))
    assert write_run_report(folder, tmp_path / "else", split="dev")[0] == tmp_path / "else" / "leaderboard.csv"
    assert not list(folder.glob(".*"))  # no temporary files are left


def test_an_unfinished_run_has_no_report(make_run: RunWriter) -> None:
    folder = make_run()
    (folder / "DONE").unlink()
    with pytest.raises(StateError, match="not finished"):
        write_run_report(folder)


def test_csv_holds_every_row(report: Path, sweep_folders: list[Path]) -> None:
    with (report / "leaderboard.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    board = make_leaderboard(sweep_folders)
    assert [row["name"] for row in rows] == board.frame["name"].tolist()
    assert float(rows[0]["rank_score"]) == board.frame["rank_score"][0]


class Page(HTMLParser):
    """Collects tags and outside references, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v and not v.startswith("#")]
        self.ids += [v for k, v in attrs if k == "id" and v]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(report: Path) -> None:
    text = (report / "leaderboard.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("section") == len(SECTIONS)
    assert "synthetic data" in text
    assert not re.search(r">\s*nan\s*<", text)
    assert "prefers-color-scheme:dark" in text
    assert len(text) < 600_000
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    assert used <= set(page.ids)


def test_names_cannot_break_the_page(make_run: RunWriter) -> None:
    folder = make_run()
    path = folder / "data.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "dataset_name": "<script>alert(1)</script> & co"}))
    write_run_report(folder)
    text = (folder / "leaderboard.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in text


def test_plots(report: Path) -> None:
    for name in FIGURES:
        with Image.open(report / f"{name}.png") as image:
            assert image.size[0] >= 1000
            colours = image.convert("RGB").getcolors(maxcolors=1_000_000)
            assert colours is not None
            assert len(colours) > 50
        ElementTree.parse(report / f"{name}.svg")


def test_the_same_runs_give_the_same_bytes(report: Path, sweep_folders: list[Path], tmp_path: Path) -> None:
    write_leaderboard(sweep_folders, tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (report / name).read_bytes(), name


def test_markdown_tables_are_rectangular(report: Path) -> None:
    lines = (report / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    rows = [re.split(r"(?<!\\)\|", line) for line in lines if line.startswith("|")]
    assert len(rows) > 30
    assert len({len(row) for row in rows}) == 4  # leaderboard, frontier, operating points, datasets
    assert not any(line.startswith("- [ ]") for line in lines)  # would be a check box


def test_dataset_table_by_hand(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders[:1])
    table = dataset_table(board)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["name"]) == {
        "mlp λ=0",
        "strongest_global",
        "cheapest_global",
        "strongest_per_dataset",
        "random",
        "oracle",
    }
    own = table[table["name"] == "mlp λ=0"].set_index(["level", "scope", "average"])
    decisions = board.runs[0].decided("test")
    right = (decisions["quality"] >= 0.5).groupby(decisions["dataset"]).mean()
    assert own.loc[("dataset", "AI2D_TEST", ""), "accuracy"] == pytest.approx(right["AI2D_TEST"])
    assert own.loc[("overall", "overall", "micro"), "accuracy"] == pytest.approx((decisions["quality"] >= 0.5).mean())
    assert own.loc[("overall", "overall", "macro"), "accuracy"] == pytest.approx(right.mean())
    charts = right[["ChartQA_TEST", "DocVQA_VAL", "TextVQA_VAL", "OCRBench"]].mean()
    assert own.loc[("group", "Charts & OCR", "macro"), "accuracy"] == pytest.approx(charts)
    grid = accuracy_grid(table, ["mlp λ=0", "oracle"])
    assert grid.loc["overall, macro", "mlp λ=0"] == pytest.approx(right.mean())
    assert len(grid) == 14 + 3 * 2 + 2


def test_a_dataset_without_test_samples_makes_the_macro_mean_undefined_by_name(make_run: RunWriter) -> None:
    folder = make_run()
    path = folder / "data.json"
    data = json.loads(path.read_text())
    data["dataset_groups"] = {**data["dataset_groups"], "Extra": "STEM"}
    path.write_text(json.dumps(data))
    table = dataset_table(make_leaderboard([folder]))
    own = table[table["name"] == "mlp λ=0.5"].set_index(["scope", "average"])
    for scope in ("STEM", "overall"):
        assert pd.isna(own.loc[(scope, "macro"), "accuracy"])
        assert own.loc[(scope, "macro"), "reason"] == "undefined for Extra (no samples)"
        assert own.loc[(scope, "micro"), "accuracy"] > 0
    assert own.loc[("General", "macro"), "accuracy"] > 0
    write_run_report(folder)
