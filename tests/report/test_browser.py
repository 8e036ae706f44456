"""The page in a real browser, where there is one: it draws, fits, asks for nothing and reports no error."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vlrb.report.datasets import dataset_table
from vlrb.report.grades import Absent
from vlrb.report.html import page_of
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.page.context import Context

from .conftest import World
from .test_page import grades_of

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.process,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine"),
]
# Runs before the page's own scripts: collects errors and refused requests, then writes what it saw into the document.
PROBE = """<script>
window.problems = [];
addEventListener("error", (e) => problems.push("error: " + e.message));
addEventListener("securitypolicyviolation", (e) => problems.push("refused: " + e.violatedDirective + e.blockedURI));
addEventListener("load", () => setTimeout(() => {
  const seen = { width: innerWidth, content: document.documentElement.scrollWidth, problems,
    requests: performance.getEntriesByType("resource").map((r) => r.name).filter((n) => !n.startsWith("data:")),
    board: document.querySelectorAll("#leaderboard tbody tr:not(.section)").length,
    charts: document.querySelectorAll(".chart svg[role=img]").length,
    marks: document.querySelectorAll("#frontier .plot circle").length,
    cards: document.querySelectorAll(".card").length, detail: document.querySelectorAll(".detail tbody tr").length,
    paper: getComputedStyle(document.body).backgroundColor };
  const button = document.querySelector("#leaderboard thead th:nth-child(2) button");
  button.click();
  const cells = [...document.querySelectorAll("#leaderboard tbody.router td:nth-child(2)")];
  const order = cells.map((cell) => +cell.dataset.value);
  seen.sorted = order.every((v, k) => !k || order[k - 1] >= v);
  const legend = document.querySelector("#frontier .legend button:last-child");
  const before = document.querySelectorAll("#frontier .plot svg *").length;
  legend.click();
  seen.hidden = document.querySelectorAll("#frontier .plot svg *").length < before;
  const outcome = document.querySelectorAll("#drill select")[1];
  outcome.value = "wrong";
  outcome.dispatchEvent(new Event("change"));
  seen.wrong = [...document.querySelectorAll(".card .flag")].every((flag) => flag.classList.contains("wrong"));
  parent.postMessage(JSON.stringify(seen), "*");
}, 600));
</script>"""


@pytest.fixture(scope="module")
def page(sweep_folders: list[Path], world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    board = make_leaderboard(sweep_folders)
    text = page_of(Context(board, dataset_table(board), grades_of(board, world), 20))
    script = re.search(r"script-src 'sha256-[^']+'", text)
    assert script is not None
    text = text.replace(script[0], "script-src 'unsafe-inline'").replace("<style>", PROBE + "<style>", 1)
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


def dump(page: Path, profile: Path, *options: str) -> str:
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=6000", *options, "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def seen(page: Path, profile: Path, width: int, *options: str) -> dict:  # type: ignore[type-arg]
    """Return what the probe saw in a frame of that width: browsers have no windows as narrow as a phone."""
    frame = profile / "frame.html"
    listen = 'addEventListener("message", (e) => document.body.setAttribute("data-seen", e.data))'
    inner = f'<iframe src="{page.as_uri()}" width="{width}" height="900" style="border:0"></iframe>'
    frame.write_text(f"<!doctype html><body><script>{listen}</script>{inner}", encoding="utf-8")
    found = re.search(r'data-seen="([^"]*)"', dump(frame, profile, "--window-size=1800,1000", *options))
    assert found is not None
    content: dict = json.loads(html.unescape(found[1]))  # type: ignore[type-arg]
    return content


@pytest.mark.parametrize("width", [390, 900, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_it_draws_fits_and_stays_at_home(
    page: Path, sweep_folders: list[Path], tmp_path: Path, width: int, *, dark: bool
) -> None:
    rows = len(make_leaderboard(sweep_folders).frame)
    found = seen(page, tmp_path, width, *(["--blink-settings=preferredColorScheme=0"] if dark else []))
    assert found["problems"] == []
    assert found["requests"] == []
    assert found["content"] <= found["width"]
    assert found["width"] == width
    assert found["board"] == rows
    assert found["charts"] == page.read_text(encoding="utf-8").count('<div class="chart"') >= 5  # all are drawn
    assert found["marks"] > 12
    assert found["cards"] == 20
    assert found["detail"] == 17
    assert found["sorted"]
    assert found["hidden"]
    assert found["wrong"]
    assert found["paper"] == ("rgb(17, 22, 29)" if dark else "rgb(255, 255, 254)")


def test_the_policy_lets_the_pages_own_script_run(tmp_path: Path, sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders)
    own = tmp_path / "own.html"
    own.write_text(page_of(Context(board, dataset_table(board), Absent("no benchmark"), 0)), encoding="utf-8")
    assert dump(own, tmp_path / "profile").count('role="img"') >= 4
    own.write_text(own.read_text(encoding="utf-8").replace("<main", "<script>document.title='in'</script><main", 1))
    assert "<title>in</title>" not in dump(own, tmp_path / "profile")
