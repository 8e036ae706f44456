"""The category that the logs give each sample, e.g. MathVision's subjects: one log of each dataset is enough."""

from collections.abc import Iterable

from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.choose import Cell
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table

COLUMNS = ("category", "l2-category")  # the first that tells samples apart counts


def read_categories(cells: Iterable[Cell]) -> dict[str, str]:
    """Return the category of each sample id, for datasets whose logs have one.

    Args:
        cells: Log files by model and dataset; of each dataset the first table is read.

    Raises:
        DataError: A log that is looked at is damaged.
    """
    found: dict[str, str] = {}
    done: set[str] = set()
    for cell in cells:
        if cell.spec.name in done:
            continue
        own = _of_cell(cell)
        if own is not None:
            done.add(cell.spec.name)
            found |= {f"{cell.spec.name}/{key}": category for key, category in own.items()}
    return found


def _of_cell(cell: Cell) -> dict[str, str] | None:
    """Return the category by sample key, empty where the table has none; None where there is no table."""
    for log in (*cell.predicted, *cell.graded):
        try:
            table = read_table(log.path, log.name, _is_category)
        except NotATableError:
            continue
        for title in COLUMNS:
            column = find_column(table.columns, title)
            if column is not None and table[column].nunique() > 1:
                return dict(zip(table[KEY], table[column].str.strip(), strict=True))
        return {}
    return None


def _is_category(column: str) -> bool:
    return column.strip().lower() in COLUMNS
