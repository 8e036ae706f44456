"""Any operating point of one trained router, without training: `evaluate.py run=<folder> mu=0.3` or `budget=0.0002`.

Routers that estimate accuracy and cost apart have λ in their decision alone. The point's figures go to a folder that
reads as a run; the trained run stays as it is.
"""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

from vlrb.evaluation.runs import Run, load_run
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.routers.reweighable import reweighable
from vlrb.schema import CONFIG_FILE, DATA_FILE
from vlrb.tasks import state
from vlrb.tasks.budget import DevPoint, choose_mu
from vlrb.tasks.evaluate import Restored, restore
from vlrb.tasks.fit import build_router
from vlrb.tasks.jobs import JobResult, plain_value
from vlrb.tasks.results import write_results
from vlrb.tasks.train import data_record
from vlrb.utils.config import Plain, number_text
from vlrb.utils.console import say
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.files import read_json
from vlrb.utils.locks import folder_lock
from vlrb.utils.logs import run_log

FOLDER = "points"


class Asked(NamedTuple):
    """What was asked for: μ, or a budget in USD per query; the other is None."""

    mu: float | None
    budget: float | None

    @property
    def folder_name(self) -> str:
        """Name of the point's folder."""
        number = self.mu if self.budget is None else self.budget
        return f"{'mu' if self.budget is None else 'budget'}={number_text(float(number or 0))}"


def evaluate_point(config: Plain) -> JobResult:
    """Decide with one run's router at another trade-off, into `<run>/points/<mu=… or budget=…>` (or `out`).

    Raises:
        ConfigError: μ or the budget is out of range, or the router cannot get by with that little.
        StateError: The folder holds no router, or one that has λ in its weights; `out` holds a trained run.
    """
    asked = _asked(config)
    run = load_run(Path(config["run"]))
    _check_run(run)
    out = Path(config["out"]) if config["out"] else run.folder / FOLDER / asked.folder_name
    _check_place(out)
    started = time.monotonic()
    with run_log(None):
        restored = restore(run, config)
        chosen = None if asked.budget is None else choose_mu(restored.fitted, restored.material.view, asked.budget)
        mu = float(asked.mu or 0.0) if chosen is None else chosen.mu
        with folder_lock(out):
            metrics = _write(run, restored, out, mu, asked.budget, started)
    point = load_run(out)
    print_leaderboard([point], config["scope"])
    write_leaderboard([point], out, config["scope"])
    if chosen is not None and asked.budget is not None:
        say(budget_line(asked.budget, chosen, metrics.get("test/cost")))
    say(f"report: {out}")
    return JobResult("done", out, plain_value(metrics.get(f"{config['scope']}/rank_score")))


def _asked(config: Plain) -> Asked:
    mu, budget = config["mu"], config["budget"]
    if mu is not None and budget is not None:
        raise ConfigError("mu and budget exclude one another", "a budget chooses its μ itself")
    if not config["run"]:
        raise ConfigError("mu and budget are for one trained router", "run=<folder> mu=0.3")
    if "pricing" in config:
        raise ConfigError("an operating point is made under the run's own prices", "re-price the point's folder next")
    if mu is not None and not mu >= 0:  # NaN too
        raise ConfigError(f"mu must be a number of at least 0 or inf, not {mu}")
    if budget is not None and not 0 < budget < math.inf:
        raise ConfigError(f"budget must be a number of USD per query above 0, not {budget}", "e.g. budget=0.0002")
    return Asked(mu, budget)


def _check_run(run: Run) -> None:
    origin = run.point or run.data.get("repriced")
    if origin:
        raise StateError(f"{run.folder} holds figures of a router and not the router", f"run={origin['run']}")
    if not build_router(run.config).can_reweigh:
        raise StateError(
            f"{run.folder}: λ is in what router {run.router!r} has learnt, so it has one operating point",
            f"train it at another λ, or take a router that weighs cost when deciding: {', '.join(reweighable())}",
        )


def _check_place(out: Path) -> None:
    if (out / CONFIG_FILE).is_file() and (not (out / DATA_FILE).is_file() or "point" not in read_json(out / DATA_FILE)):
        raise StateError(f"{out} holds another run, which stays as it is", "choose another folder: out=…")


def _write(run: Run, restored: Restored, out: Path, mu: float, budget: float | None, started: float) -> dict[str, Any]:
    """Write the point's folder; return metrics.json."""
    material = restored.material
    settings: Plain = {**material.config, "lambda": {**material.config["lambda"], "value": mu}}
    restored.fitted.router.with_trade_off(mu)
    record = data_record(settings, material.benchmark, material.view, restored.parts)
    record["point"] = {"run": str(run.folder.resolve()), "mu": number_text(mu), "budget": budget}
    state.begin(out, settings, record)
    metrics = write_results(out, material._replace(config=settings), restored.fitted)
    objective = metrics.get(settings["objective"])
    state.end(out, settings, restored.parts, objective, time.monotonic() - started)
    return metrics


def budget_line(budget: float, chosen: DevPoint, test_cost: float | None) -> str:
    """Return what a budget came to, in USD per 1,000 queries.

    >>> budget_line(0.0002, DevPoint(0.25, 0.81, 0.00019), 0.000205)
    'budget $0.2/1k: μ=0.25 · dev accuracy 0.810 at $0.19/1k · test $0.205/1k, 2.5 % over the budget'
    """
    dev = f"dev accuracy {chosen.accuracy:.3f} at ${1000 * chosen.cost:.3g}/1k"
    told = "cost unknown"
    if test_cost is not None:
        share = test_cost / budget - 1
        told = f"${1000 * test_cost:.3g}/1k, {abs(share):.1%} {'over' if share > 0 else 'under'} the budget"
    head = f"budget ${number_text(1000 * budget)}/1k: μ={number_text(chosen.mu)}"
    return f"{head} · {dev} · test {told}".replace("%", " %")
