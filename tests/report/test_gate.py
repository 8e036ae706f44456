"""Conditions that make a job fail: what they mean, what they refuse."""

import pandas as pd
import pytest

from vlrb.report.gate import check_gate, parse_gate
from vlrb.utils.errors import ConfigError, StateError


def frame() -> pd.DataFrame:
    rows = [
        ("router", "mlp", 0.80, 0.75, 0.2, "a"),
        ("router", "knn", 0.70, 0.69, 0.1, "b"),
        ("router", "odd", 0.60, None, 0.1, "c"),
        ("bound", "oracle", 0.95, 0.90, 0.05, None),
    ]
    return pd.DataFrame(rows, columns=["kind", "name", "accuracy", "rank_score", "cost_per_1k", "run"])


def fails(text: str) -> str:
    try:
        check_gate(text, frame())
    except StateError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rank_score<0.7", ""),  # the best row is mlp
        ("rank_score<0.76", "mlp has rank_score 0.75 (rank_score<0.76)"),
        ("rank_score<=0.75", "mlp has rank_score 0.75"),
        ("accuracy != 0.8", ""),
        ("any accuracy<0.75", "knn has accuracy 0.7 (any accuracy<0.75) (and 1 more)"),
        ("all accuracy<0.75", ""),
        ("all accuracy<0.85", "mlp has accuracy 0.8"),
        ("best cost_per_1k>1.5e-1", "mlp has cost_per_1k 0.2"),
        ("any rank_score<0", "odd has no rank_score (undefined, so any rank_score<0 cannot be judged)"),
        ("all rank_score<0", ""),  # undefined for one, defined and not met for the others
        ("rank_score<0.7 and accuracy<0.9", ""),
        ("rank_score<0.76 and accuracy<0.9", "mlp has rank_score 0.75 (rank_score<0.76) and mlp has accuracy 0.8"),
        ("rank_score<0.7, accuracy<0.9", "mlp has accuracy 0.8"),
        ("accuracy<0.9 or rank_score<0.76 and cost_per_1k>9", "mlp has accuracy 0.8 (accuracy<0.9)"),  # and binds first
    ],
)
def test_meaning(text: str, names: str) -> None:
    message = fails(text)
    assert names in message
    assert bool(names) == bool(message)
    assert "\n" not in message


UNREADABLE = ["", " ", "rank_score", "rank_score<", "<0.7", "rank_score<0.7 and", "rank_score<<1", "rank_score=1"]
UNREADABLE += ["rank_score<x", "__import__('os').system('x')<1", "some accuracy<1", "accuracy<0.7;accuracy<1"]
UNREADABLE += ["accuracy<nan", "accuracy<1,,", "accuracy<0.1 or " * 100 + "accuracy<0"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="fail_if") as caught:
        parse_gate(text)
    assert "e.g. fail_if=" in caught.value.hint


def test_a_misspelt_column_is_named() -> None:
    with pytest.raises(ConfigError, match="no column 'rank_scor'") as caught:
        check_gate("rank_scor<0.7", frame())
    assert "did you mean 'rank_score'" in caught.value.hint
    with pytest.raises(ConfigError, match="no column 'name'"):  # text is no metric
        check_gate("name<0.7", frame())


def test_nothing_to_judge_is_not_passed() -> None:
    with pytest.raises(StateError, match="no router to judge"):
        check_gate("accuracy<0.1", frame().iloc[3:])


def test_changes_are_judged_on_rows_that_were_there_before() -> None:
    table = frame().assign(accuracy_change=[None, -0.02, 0.01, None], decisions_changed=[None, 0.1, 0.2, None])
    changes = ("accuracy_change", "decisions_changed")
    with pytest.raises(StateError, match=r"knn has accuracy_change -0\.02"):
        check_gate("accuracy_change<-0.01", table, changes)  # mlp is new: the best of the others
    check_gate("any accuracy_change<-0.03", table, changes)
