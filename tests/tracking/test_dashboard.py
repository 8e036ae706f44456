"""The comparison dashboard: its spec is plain, asks only for what runs log, and W&B's package can build it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vlrb.evaluation.runs import load_run
from vlrb.tracking import dashboard_upload
from vlrb.tracking.card import Context, make_card
from vlrb.tracking.dashboard import dashboard_spec
from vlrb.tracking.tables import choices, datasets
from vlrb.tracking.tracker import Results, headline
from vlrb.tracking.wandb_names import CURVE_NAMES, CURVES

from .conftest import CONFIG

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def spec(hand_run: Path) -> dict[str, Any]:
    return dashboard_spec([load_run(hand_run)], "team", "routing")


def references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if set(value) == {"from", "key"}:
            yield value["from"], value["key"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_the_spec_is_plain_json(spec: dict[str, Any]) -> None:
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    titles = [panel.get("title") or panel["strings"]["title"] for s in spec["sections"] for panel in s["panels"]]
    for wanted in ("Accuracy against cost", "Rank Score against λ", "Accuracy by dataset", "Share of test samples"):
        assert any(title.startswith(wanted) for title in titles), wanted


def test_every_figure_that_is_asked_for_is_logged(spec: dict[str, Any], hand_results: Results) -> None:
    logged = set(headline(hand_results.metrics)) | {f"choices/{row[1]}" for row in choices(hand_results.board).rows}
    settings = make_card(CONFIG, hand_results.board.runs[0].data, Context()).settings
    asked = list(references(spec["sections"]))
    assert {key for source, key in asked if source == "summary"} <= logged
    assert {key for source, key in asked if source == "config"} <= set(settings)
    assert {spec["group_by"], *spec["filters"]} <= set(settings)
    assert spec["filters"]["data/fingerprint"] == [settings["data/fingerprint"]]
    assert set(spec["pinned"]) <= logged
    assert [f"choices/{m}" for m in ("Small", "Middle", "Large")] == [
        key for _, key in asked if key.startswith("choices/")
    ]
    lines = [panel for s in spec["sections"] for panel in s["panels"] if panel["kind"] == "lines"]
    assert {key for panel in lines for key in panel["metrics"]} <= {f"{CURVES}{name}" for name in CURVE_NAMES}


def test_the_heat_map_binds_columns_of_the_table(spec: dict[str, Any], hand_results: Results) -> None:
    columns = set(datasets(hand_results.board).columns)
    (chart,) = spec["charts"]
    for panel in (p for s in spec["sections"] for p in s["panels"] if p["kind"] == "chart"):
        assert (panel["chart"], panel["table"]) == (chart["name"], "datasets")
        assert set(panel["fields"].values()) <= columns
        for field in panel["fields"]:
            assert f"${{field:{field}}}" in json.dumps(chart["spec"])


def test_wandb_builds_the_workspace(spec: dict[str, Any]) -> None:
    pytest.importorskip("wandb_workspaces")
    workspace = dashboard_upload.make_workspace(spec)
    assert (workspace.entity, workspace.project, workspace.name) == ("team", "routing", "vlrb hand")
    assert [s.name for s in workspace.sections] == [s["name"] for s in spec["sections"]]
    pareto = workspace.sections[0].panels[0]
    assert (pareto.x.name, pareto.y.name, pareto.log_x, pareto.running_ymax) == (
        "test/cost",
        "test/accuracy",
        True,
        True,
    )
    assert workspace.sections[0].panels[1].x.name == "lambda/value"
    assert workspace.sections[1].panels[0].chart_name == "team/vlrb-heatmap"
    workspace._to_model()  # what would be sent


def test_without_the_extra_one_line_says_which(
    call: Call, hand_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    code, out, err = call("evaluate", f"runs={hand_run}", "dashboard=team/routing", f"out={tmp_path}")
    assert code == 1
    assert 'pip install -e ".[wandb-dashboard]"' in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "dashboard.json").read_text(encoding="utf-8"))["entity"] == "team"
    assert "dashboard.json" in out


def test_a_server_that_refuses_is_one_line(
    call: Call, hand_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    def refuse(spec: dict[str, Any]) -> str:
        sent.append(spec)
        raise ConnectionError("no answer")

    monkeypatch.setattr("vlrb.tasks.dashboard.modules", lambda: None)
    monkeypatch.setattr("vlrb.tasks.dashboard.upload_dashboard", refuse)
    code, _, err = call("evaluate", f"runs={hand_run}", "dashboard=team/routing", f"out={tmp_path}")
    assert (code, len(sent)) == (1, 1)
    assert "W&B did not take the dashboard (ConnectionError: no answer)" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["dashboard=team"], ["dashboard=a/b/c"], ["dashboard=/x"]])
def test_a_project_must_have_its_entity(call: Call, hand_run: Path, words: list[str]) -> None:
    code, _, err = call("evaluate", f"runs={hand_run}", *words)
    assert code == 1
    assert "dashboard=<entity>/<project>" in err


def test_a_dashboard_needs_runs(call: Call) -> None:
    code, _, err = call("evaluate", "dashboard=team/routing")
    assert code == 1
    assert "runs=<sweep | folder | glob>" in err
