"""The canonical prompt of a sample (never an answer), and which samples belong together."""

from collections.abc import Mapping

import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.datasets import CHOICE_SUFFIX, DatasetSpec
from vlrb.sources.vlmevalkit.scoring.choice import OPEN_OPTION, groups_of, option_letters
from vlrb.sources.vlmevalkit.tables import KEY

QUESTION_COLUMNS = ("question", "prompt", "query", "text")


def questions(table: pd.DataFrame) -> list[str]:
    """Return the question of each row as the log has it, "" where there is none."""
    column = find_column(table.columns, *QUESTION_COLUMNS)
    return [""] * len(table) if column is None else table[column].tolist()


def prompts(table: pd.DataFrame, spec: DatasetSpec) -> tuple[list[str], str]:
    """Return the prompt of each row and the dataset's fixed instruction after it."""
    letters = option_letters(table)
    has_options = {"A", "B"} <= set(letters)
    if spec.prompt == "choice" or (spec.prompt == "auto" and has_options):
        return _choice_prompts(table, letters), CHOICE_SUFFIX
    if spec.prompt not in ("plain", "auto", "choice") and spec.prompt in table.columns:
        return table[spec.prompt].tolist(), spec.suffix
    return questions(table), spec.suffix


def _choice_prompts(table: pd.DataFrame, letters: list[str]) -> list[str]:
    """Compose hint, question and options as the kit does for multiple choice.

    The evaluator writes the answer of an open question into option A; such options are left out.
    """
    hint = find_column(table.columns, "hint")
    hints = [""] * len(table) if hint is None else table[hint].tolist()
    options = zip(*(table[letter] for letter in letters), strict=True) if letters else [()] * len(table)
    return [
        canonical_prompt(question, hint_text, dict(zip(letters, row, strict=True)))
        for hint_text, question, row in zip(hints, questions(table), options, strict=True)
    ]


def canonical_prompt(question: str, hint: str = "", options: Mapping[str, str] | None = None) -> str:
    """Return the prompt of a question of multiple choice: hint, question, options.

    A question of any other kind is its own prompt, without the word "Question:".

    Args:
        question: The question.
        hint: What is said before it, "" if nothing.
        options: Text of each option by letter; empty ones are left out.

    >>> print(canonical_prompt("Which is red?", options={"A": "sky", "B": "blood", "C": ""}))
    Question: Which is red?
    Options:
    A. sky
    B. blood
    """
    given = options or {}
    shown = [] if OPEN_OPTION in given.values() else [f"{letter}. {text}" for letter, text in given.items() if text]
    lines = [*([f"Hint: {hint}"] if hint else []), f"Question: {question}"]
    return "\n".join([*lines, "Options:", *shown] if shown else lines)


def split_keys(table: pd.DataFrame, spec: DatasetSpec) -> list[str]:
    """Return the declared key of related samples of each row, "" if none.

    MathVerse: the problem that its versions show. MMBench: the question without rotation, in every language and
    version. HallusionBench: the set and figure that questions share.
    """
    if spec.split_key == "mathverse":
        column = find_column(table.columns, "problem_index")
        return [""] * len(table) if column is None else [f"MathVerse/{cell}" if cell else "" for cell in table[column]]
    if spec.split_key == "mmbench":
        return [f"MMBench/{group}" for group in groups_of(table)]
    if spec.split_key == "hallusion":
        return [_figure(key) for key in table[KEY]]
    return [""] * len(table)


def _figure(key: str) -> str:
    """Return the set and figure of a HallusionBench index.

    >>> _figure("VD_chart_1_3_2_0"), _figure("17")
    ('HallusionBench/VD_chart_3_2', '')
    """
    fields = key.split("_")
    return f"HallusionBench/{'_'.join([*fields[:2], *fields[3:5]])}" if len(fields) >= 6 else ""
