"""Markdown tables for the reports of a benchmark."""

from collections.abc import Sequence
from typing import Any


def table_lines(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    r"""Return the lines of a table, none if it has no rows; cells become text that stays inside its cell.

    >>> table_lines(["model", "n"], [["a|b", 3]])
    ['| model | n |', '| --- | --- |', '| a\\|b | 3 |']
    """
    if not rows:
        return []
    cells = [[str(value).replace("|", "\\|").replace("\n", " ") for value in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return ["| " + " | ".join(line) + " |" for line in lines]
