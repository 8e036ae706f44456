"""From the tables of a run folder to arrays that can be judged."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from vlrb.evaluation.decisions import ROUTER
from vlrb.evaluation.judge import Units
from vlrb.evaluation.runs import Run
from vlrb.metrics.outcomes import Chosen
from vlrb.schema import COST, DATASET, MODEL_ID, QUALITY, SAMPLE_ID, SPLIT, SPLIT_GROUP
from vlrb.utils.errors import StateError


class Evaluated(NamedTuple):
    """One split of one run as arrays.

    Attributes:
        table: The decision table of the split, n rows.
        units: Split group and dataset codes of the samples.
        dataset_names: Names behind the dataset codes (all datasets of the benchmark, so none can go missing unseen).
    """

    table: pd.DataFrame
    units: Units
    dataset_names: tuple[str, ...]

    def chooser(self, prefix: str = "") -> Chosen:
        """Return the router's outcomes, or those of `oracle_` or `best_single_`."""
        return _chosen(self.table, prefix)

    def in_order(self, ids: pd.Index) -> "Evaluated | None":
        """Return the same in the sample order of `ids`; None if those are other samples."""
        place = pd.Index(self.table[SAMPLE_ID]).get_indexer(ids)
        if len(self.table) != len(ids) or (place < 0).any():
            return None
        units = Units(*(codes[place] for codes in self.units))
        return Evaluated(self.table.iloc[place].reset_index(drop=True), units, self.dataset_names)


def evaluated(run: Run, split: str) -> Evaluated:
    """Return the decisions of a run on one split.

    Raises:
        StateError: There are none, or they name a dataset that the run does not know.
    """
    table = run.decided(split)
    names = tuple(run.data["dataset_groups"])
    codes = pd.Index(names).get_indexer(pd.Index(table[DATASET]))
    if (codes < 0).any():
        unknown = table[DATASET][codes < 0].iloc[0]
        raise StateError(f"{run.folder}: decisions on dataset {unknown!r}, which data.json does not list")
    return Evaluated(table, Units(table[SPLIT_GROUP].to_numpy(), codes), names)


def reference_choosers(run: Run, split: str, names: list[str]) -> dict[str, Chosen]:
    """Return the outcomes of reference routers, in the sample order of the run's decisions.

    Raises:
        StateError: A reference did not decide on the same samples.
    """
    table = run.references[run.references[SPLIT] == split]
    wanted = pd.Index(run.decided(split)[SAMPLE_ID])
    found = {}
    for name in names:
        own = table[table[ROUTER] == name].set_index(SAMPLE_ID)
        if len(own) != len(wanted) or not own.index.is_unique or not wanted.isin(own.index).all():
            raise StateError(f"{run.folder}: reference {name!r} and the router decided on different {split} samples")
        found[name] = _chosen(own.loc[wanted])
    return found


def reference_names(run: Run) -> list[str]:
    """Return the run's reference routers, in the order of the file."""
    return run.reference_names


def choice_shares(table: pd.DataFrame, model_ids: list[str], prefix: str = "") -> np.ndarray:
    """Return the share of samples for which each model was chosen, (m,)."""
    counts = table[f"{prefix}{MODEL_ID}"].value_counts()
    return np.asarray(counts.reindex(model_ids, fill_value=0).to_numpy() / max(len(table), 1))


def _chosen(table: pd.DataFrame, prefix: str = "") -> Chosen:
    return Chosen(table[f"{prefix}{QUALITY}"].to_numpy(np.float64), table[f"{prefix}{COST}"].to_numpy(np.float64))
