"""What counts as a category, and how many options a question has."""

import numpy as np
import pandas as pd
import pytest

from vlrb.evaluation.headroom.groupings import OTHERS, groupings, option_counts


def frame(dataset: list[str], task: list[str] | None = None, prompt: list[str] | None = None) -> pd.DataFrame:
    n = len(dataset)
    return pd.DataFrame(
        {
            "sample_id": [f"{name}/{k}" for k, name in enumerate(dataset)],
            "dataset": dataset,
            "task": task or ["math"] * n,
            "prompt": prompt or [""] * n,
        }
    )


def test_categories_of_one_dataset() -> None:
    samples = frame(["M"] * 400)
    names = ["algebra"] * 200 + ["logic"] * 190 + ["rare"] * 4 + ["odd"] * 3 + [""] * 3
    by_dataset, by_category = groupings(samples, dict(zip(samples["sample_id"], names, strict=True)))
    assert (by_dataset.name, by_dataset.labels) == ("dataset", ("M",))
    assert by_category.labels == (OTHERS, "algebra", "logic")
    assert np.bincount(by_category.codes).tolist() == [10, 200, 190]


def test_categories_lie_within_datasets() -> None:
    samples = frame(["A"] * 100 + ["B"] * 100)
    names = dict(zip(samples["sample_id"], ["x", "y"] * 100, strict=True))
    (_, found) = groupings(samples, names)
    assert found.labels == ("A: x", "A: y", "B: x", "B: y")


def test_without_categories_the_kind_of_question_counts_and_else_there_is_none() -> None:
    assert len(groupings(frame(["A"] * 50), {})) == 1
    (_, found) = groupings(frame(["A"] * 60, ["math"] * 30 + ["yes_no"] * 30), {})
    assert found.labels == ("math", "yes_no")


def test_ids_are_no_categories_and_one_category_is_none() -> None:
    samples = frame(["A"] * 100)
    ids = {key: key for key in samples["sample_id"]}
    assert len(groupings(samples, ids)) == 1
    assert len(groupings(samples, dict.fromkeys(samples["sample_id"], "synthetic"))) == 1


@pytest.mark.parametrize(
    ("prompt", "task", "options"),
    [
        ("Question: Which?\nOptions:\nA. one\nB. two\nC. three", "vqa_mc", 3),
        ("Hint: A. Smith said so.\nQuestion: Which?\nOptions:\nA. one\nB. two", "vqa_mc", 2),
        ("Which?\n<image1>\nChoices: (A) 1 (B) 2 (C) 3 (D) 4 (E) 5", "math", 5),
        ("How many (A) are there?", "math", np.nan),
        ("Is it? Reply yes or no.", "yes_no", 2),
        ("Question: Which?\nOptions:\nA. the only one", "vqa_mc", np.nan),
    ],
)
def test_options(prompt: str, task: str, options: float) -> None:
    found = option_counts(frame(["D"], [task], [prompt]))
    np.testing.assert_array_equal(found, [options])
    np.testing.assert_array_equal(option_counts(frame(["D"], [task], [prompt]), ["D"]), [np.nan])
