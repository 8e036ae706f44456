"""`logger=wandb`: Weights & Biases, with or without an account."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from vlrb.tracking import tables
from vlrb.tracking.artifacts import benchmark_files, run_files, upload
from vlrb.tracking.card import RunCard
from vlrb.tracking.curves import CURVES_FILE, EPOCH, Curves
from vlrb.tracking.tracker import Results, Tracker, direction, headline
from vlrb.tracking.wandb_names import CURVE_NAMES, CURVES
from vlrb.tracking.wandb_run import Mode, Opened, chosen_mode, say_how_to_sync
from vlrb.utils.console import say


class WandbTracker(Tracker):
    """Record a run in Weights & Biases: config, curves per epoch, results, tables, plots and artifacts.

    The epochs are kept in `curves.csv`, too: a resumed offline run begins with those of the attempt before.

    Args:
        folder: The run folder; W&B's own files go to `wandb/` in it.
        project: W&B project.
        entity: User or team; None is the account's own.
        mode: auto, online, offline or disabled.
        name: Name of the run; None is router, λ, seed and what else a sweep varies.
        group: Group of the run; None is the sweep, or `<dataset>/<router>`.
        tags: Tags beside dataset, router, encoder and preset.
        artifacts: Whether checkpoint and benchmark description are recorded as artifacts.
        tables: Whether points, datasets and choices are recorded as tables, with their plots.
        system: Whether W&B records machine, command line and the use of processor, memory and GPU.
        timeout: Seconds to wait for the server before the run is kept offline.
        in_sweep: Whether the sweep's end says how to upload, once for all runs.
    """

    who: ClassVar[str] = "W&B"
    needs: ClassVar[Mapping[str, str]] = {"wandb": "pip install wandb"}

    def __init__(
        self,
        folder: Path,
        project: str = "vlrb",
        entity: str | None = None,
        mode: Mode = "auto",
        name: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        artifacts: bool = True,
        tables: bool = True,
        system: bool = True,
        timeout: float = 30.0,
        in_sweep: bool = False,
    ) -> None:
        super().__init__(folder)
        self.project, self.entity, self.mode = project, entity, mode
        self.run_name, self.group, self.tags = name, group, tuple(tags)
        self.artifacts, self.tables = artifacts, tables
        self.system, self.timeout, self.in_sweep = system, timeout, in_sweep
        self.curves = Curves(self.folder / CURVES_FILE)
        self.run: Any = None  # wandb.Run; a spawned process that is given it writes to the same run

    def _begin(self, card: RunCard, *, resumed: bool) -> None:
        self.curves.begin(resumed=resumed)
        named = card._replace(name=self.run_name or card.name, group=self.group or card.group)
        self.run = self.open(named, resumed=resumed)
        if self.run is None:
            return
        self._define()
        if self.run.offline:
            for epoch, figures in self.curves.rows.items():
                self._log_epoch(epoch, figures)

    def open(self, card: RunCard, *, resumed: bool = False, job_type: str = "train") -> Any:  # noqa: ANN401 - wandb.Run
        """Open a W&B run in the folder; None where the mode is disabled."""
        mode, why = chosen_mode(self.mode)
        if mode == "disabled":
            return None
        if why and not self.in_sweep:
            say(f"W&B: offline, {why}", style="dim")
        opened = Opened(self.project, self.entity, mode, self.timeout, system=self.system)
        return opened.open(
            self.folder, card._replace(tags=(*card.tags, *self.tags)), resumed=resumed, job_type=job_type
        )

    def _define(self) -> None:
        """Say what the curves are drawn against, and which way figures are good."""
        self.run.define_metric(EPOCH, hidden=True)
        for name in CURVE_NAMES:
            self.run.define_metric(f"{CURVES}{name}", step_metric=EPOCH, summary=direction(name))
        for split in ("dev", "test"):
            for figure in ("accuracy", "quality", "rank_score", "cost"):
                self.run.define_metric(f"{split}/{figure}", summary=direction(figure))

    def _epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self.curves.add(epoch, figures)
        if self.run is not None:
            self._log_epoch(epoch, figures)

    def _log_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self.run.log({EPOCH: epoch, **{f"{CURVES}{key}": value for key, value in figures.items()}}, step=epoch)

    def _results(self, results: Results) -> None:
        if self.run is None:
            return
        self.run.summary.update({**headline(results.metrics), **_choice_shares(results)})
        if self.tables:
            self._log_tables(results)
        if self.artifacts:
            run = results.board.runs[0]
            upload(self.run, benchmark_files(run))
            upload(self.run, run_files(run, results.folder, self.run.id))

    def _log_tables(self, results: Results) -> None:
        import wandb

        board = results.board
        points, shares = (as_table(make(board)) for make in (tables.points, tables.choices))
        shown: dict[str, Any] = {
            "points": points,
            "datasets": as_table(tables.datasets(board, trained_only=True)),
            "choices": shares,
            "accuracy against cost": wandb.plot.scatter(points, "cost_per_1k", "accuracy", "Accuracy against cost"),
            "models chosen": wandb.plot.bar(shares, "model", "share", "Which models are chosen"),
        }
        pictures = {f"plots/{p.stem}": p for p in sorted(results.folder.glob("*.png"))}
        shown |= {name: wandb.Image(str(path)) for name, path in pictures.items()}
        self.run.log(shown, step=max(self._epochs_on_disk(), default=-1) + 1)

    def _epochs_on_disk(self) -> list[int]:
        """Return the epochs that were logged, by whichever process."""
        self.curves.begin(resumed=True)
        return list(self.curves.rows)

    def _end(self, *, failed: bool) -> None:
        if self.run is None:
            return
        run, self.run = self.run, None
        self.close(run, failed=failed)

    def close(self, run: Any, *, failed: bool) -> None:  # noqa: ANN401 - wandb.Run
        """Close a W&B run, and say how to upload it if it is offline and on its own."""
        offline, place = run.offline, Path(run.settings.sync_dir)
        run.finish(exit_code=1 if failed else 0)
        if offline and not self.in_sweep:
            say_how_to_sync(place)


def as_table(table: tables.Table) -> Any:  # noqa: ANN401 - wandb.Table
    """Return a plain table as W&B's."""
    import wandb

    return wandb.Table(columns=list(table.columns), data=list(table.rows), allow_mixed_types=True)


def _choice_shares(results: Results) -> dict[str, float]:
    """Return the share of test samples that each model was chosen for, for charts over many runs."""
    return {f"choices/{row[1]}": row[2] for row in tables.choices(results.board).rows}
