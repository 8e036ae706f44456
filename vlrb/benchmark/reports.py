"""The reports on one price book and one split: integrity.{json,md}, models.csv and coverage.csv."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.integrity import Finding, Subject, find_all, missing_prices
from vlrb.benchmark.markdown import table_lines as _table
from vlrb.benchmark.records import NOTES_FILE
from vlrb.benchmark.source_findings import source_findings
from vlrb.benchmark.split_summary import split_facts, split_lines
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.summaries import coverage_table, dataset_codes, model_table, sum_by
from vlrb.utils.files import read_json, write_json, write_text

_INTEGRITY = f"{schema.REPORTS_FOLDER}/integrity.json"


def write_reports(staging: Path, subject: Subject) -> dict[str, Any]:
    """Write all reports of a benchmark with one price book and one split; return how many findings there are."""
    bench, costs = subject.bench, subject.costs
    notes = read_json(bench.root / NOTES_FILE)
    findings = find_all(subject) + source_findings(notes)
    folder = staging / schema.REPORTS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    models = pd.DataFrame()
    if not any(finding.check == "alignment" for finding in findings):  # tables of misaligned parts would be lies
        models = model_table(bench.Y, costs.C, bench.models)
        _write_tables(folder, bench, models)
    report = {**_facts(subject), "findings": [finding.plain() for finding in findings]}
    report["source_notes"] = notes
    write_json(staging / _INTEGRITY, report)
    write_text(folder / "integrity.md", _markdown(report, models))
    levels = [finding.level for finding in findings]
    return {"errors": levels.count("error"), "warnings": levels.count("warning")}


def problems(root: Path) -> list[str]:
    """Return the errors and warnings of the integrity report, in words."""
    findings = [Finding(**finding) for finding in read_json(Path(root) / _INTEGRITY)["findings"]]
    return [f"{f.message} ({f.count:,})" for f in findings if f.level in ("error", "warning")]


def _write_tables(folder: Path, bench: Benchmark, models: pd.DataFrame) -> None:
    tables = {
        "models.csv": models,
        "coverage.csv": coverage_table(bench.Y, bench.tokens_out, bench.records, bench.samples, bench.model_ids),
    }
    for name, table in tables.items():
        write_text(folder / name, table.to_csv(index=False, float_format="%.8g"))


def _facts(s: Subject) -> dict[str, Any]:
    names, dataset = dataset_codes(s.bench.samples)
    missing = np.isnan(np.asarray(s.bench.Y))
    sizes = np.bincount(dataset, minlength=len(names))
    arrays = {
        "quality": s.bench.Y,
        "cost_usd": s.costs.C,
        "tokens_in": s.bench.tokens_in,
        "tokens_out": s.bench.tokens_out,
    }
    return {
        "benchmark": s.bench.name,
        "synthetic": bool(s.bench.manifest.get("synthetic", False)),
        "pricing": s.costs.name,
        "split": split_facts(s, names, dataset),
        "counts": {
            "samples": len(s.bench.samples),
            "models": len(s.bench.model_ids),
            "records": len(s.bench.records),
            "cells": int(missing.size),
            "graded_cells": int((~missing).sum()),
            "datasets": {name: int(size) for name, size in zip(names, sizes, strict=True)},
        },
        "missing_grades": {
            "by_model": {m: int(k) for m, k in zip(s.bench.model_ids, missing.sum(axis=0), strict=True) if k},
            "by_dataset": {
                name: int(k)
                for name, k in zip(names, sum_by(dataset, missing, len(names)).sum(axis=1), strict=True)
                if k
            },
        },
        "ranges": {name: _range(np.asarray(array)) for name, array in arrays.items()},
        "prices_missing": missing_prices(s),
    }


def _range(array: np.ndarray) -> dict[str, float | int | None]:
    known = array[~np.isnan(array)].astype(np.float64)
    return {
        "min": float(known.min()) if len(known) else None,
        "mean": float(known.mean()) if len(known) else None,
        "max": float(known.max()) if len(known) else None,
        "missing": int(array.size - len(known)),
    }


def _markdown(report: dict[str, Any], models: pd.DataFrame) -> str:
    counts, split = report["counts"], report["split"]
    lines = [
        f"# Integrity of {report['benchmark']}" + (" (synthetic data)" if report["synthetic"] else ""),
        "",
        f"{counts['samples']:,} samples × {counts['models']} models, {counts['records']:,} records, "
        f"{counts['graded_cells']:,} of {counts['cells']:,} cells graded. Prices: {report['pricing']}. "
        f"Split: {split['name']}, seed {split['seed']}.",
        "",
        "## Findings",
        "",
    ]
    findings = report["findings"]
    rows = [[f["level"], f["check"], f["message"], f["count"], ", ".join(f["samples"])] for f in findings]
    lines += _table(["level", "check", "what", "count", "for example"], rows) or ["None."]
    lines += ["", "## Notes of the source", ""]
    notes = [[n["kind"], n["where"], n["message"], n["count"]] for n in report["source_notes"]]
    lines += _table(["kind", "where", "what", "count"], notes) or ["None."]
    lines += ["", "## Models", "", "Means over the n graded samples of each model.", ""]
    lines += _table(list(models.columns), [[_cell(v) for v in row] for row in models.itertuples(index=False)])
    lines += ["", "## Datasets", ""]
    shares = [[n, counts["datasets"][n], *s.values()] for n, s in split["shares"].items() if n != "all"]
    shares.append(["all", counts["samples"], *split["shares"]["all"].values()])
    lines += _table(["dataset", "samples", *split["shares"]["all"]], shares)
    lines += ["", "## Split", "", *split_lines(split)]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
