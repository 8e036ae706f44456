"""The columns of each dataset's TSV file, in the form its evaluator expects."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vlrb.demo.latent import DatasetDraw
from vlrb.demo.logs import DatasetRows
from vlrb.demo.questions import Question

LETTERS = "ABCD"
CHOICE = ("MMBench_DEV_EN_V11", "MMStar", "MMMU_DEV_VAL", "RealWorldQA", "AI2D_TEST")
HINT = "The names and numbers in the picture are made up."
Table = tuple[dict[str, list[Any]], list[str], list[tuple[str, ...]]]  # columns, truth, wrong answers
Builder = Callable[[DatasetDraw, list[Question], np.random.Generator], Table]


def dataset_rows(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> DatasetRows:
    """Return the rows of one dataset (pictures are added by the caller)."""
    return DatasetRows(draw.name, *_BUILDERS[draw.name](draw, questions, rng))


def sample_index(draw: DatasetDraw) -> list[int | str]:
    """Return the `index` of each sample: numbers, except for HallusionBench's composed ids."""
    order = np.arange(len(draw.picture))
    within = order - np.searchsorted(draw.picture, draw.picture)
    if draw.name == "HallusionBench":
        return [f"VD_figure_0_{p}_1_{q}" for p, q in zip(draw.picture, within, strict=True)]
    if draw.name == "AI2D_TEST":
        return [int(v) for v in draw.picture * 100 + within]
    first = 1 if draw.name.startswith("Math") else 0
    return [int(v) for v in order + first]


def _options(question: Question, rng: np.random.Generator) -> tuple[list[str], int]:
    options = [question.answer, *question.wrong[:3]]
    order = rng.permutation(len(options))
    return [options[i] for i in order], int(np.flatnonzero(order == 0)[0])


def _letters(place: int) -> tuple[str, ...]:
    return tuple(letter for i, letter in enumerate(LETTERS) if i != place)


def _choice(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> Table:
    drawn = [_options(question, rng) for question in questions]
    count = len(questions)
    columns: dict[str, list[Any]] = {"index": sample_index(draw)}
    if draw.name == "MMBench_DEV_EN_V11":
        columns["hint"] = [HINT if i % 3 == 0 else "" for i in range(count)]
    columns["question"] = [question.text for question in questions]
    for i, letter in enumerate(LETTERS):
        columns[letter] = [options[i] for options, _ in drawn]
    columns["answer"] = [LETTERS[place] for _, place in drawn]
    columns["category"] = ["synthetic"] * count
    if draw.name in ("MMBench_DEV_EN_V11", "MMStar", "MMMU_DEV_VAL"):
        columns["l2-category"] = ["synthetic"] * count
    if draw.name in ("MMBench_DEV_EN_V11", "MMMU_DEV_VAL"):
        columns["split"] = ["validation" if draw.name == "MMMU_DEV_VAL" else "dev"] * count
    return columns, columns["answer"], [_letters(place) for _, place in drawn]


def _yes_no(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> Table:
    truth = ["Yes" if v else "No" for v in rng.integers(2, size=len(questions))]
    texts = [
        f"{question.text} Is the answer {question.answer if right == 'Yes' else question.wrong[0]}? Reply yes or no."
        for question, right in zip(questions, truth, strict=True)
    ]
    count = len(questions)
    columns: dict[str, list[Any]] = {
        "index": sample_index(draw),
        "question": texts,
        "answer": truth,
        "category": ["VD"] * count,
        "l2-category": ["figure"] * count,
    }
    return columns, truth, [("No",) if right == "Yes" else ("Yes",) for right in truth]


def _math(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> Table:
    """Numbers are open questions; words become a choice of four, answered with a letter."""
    open_ended = [question.answer.isdigit() for question in questions]
    drawn = [_options(question, rng) for question in questions]
    letters = [LETTERS[place] for _, place in drawn]
    choices = ["[]" if is_open else str(options) for is_open, (options, _) in zip(open_ended, drawn, strict=True)]
    answers = [question.answer for question in questions]
    keys = [a if is_open else letter for a, is_open, letter in zip(answers, open_ended, letters, strict=True)]
    wrong = [
        question.wrong if is_open else _letters(place)
        for question, is_open, (_, place) in zip(questions, open_ended, drawn, strict=True)
    ]
    texts = [
        question.text if is_open else f"{question.text}\nChoices:\n" + _listed(options)
        for question, is_open, (options, _) in zip(questions, open_ended, drawn, strict=True)
    ]
    columns: dict[str, list[Any]] = {"index": sample_index(draw), "question": texts}
    if draw.name == "MathVista_MINI":
        columns |= {
            "question_type": ["free_form" if is_open else "multi_choice" for is_open in open_ended],
            "answer_type": ["integer" if is_open else "text" for is_open in open_ended],
            "choices": choices,
            "answer": answers,
            "answer_option": ["" if is_open else k for is_open, k in zip(open_ended, keys, strict=True)],
            "task": ["synthetic"] * len(questions),
            "skills": ["['synthetic']"] * len(questions),
        }
    else:
        columns |= {"choices": choices, "answer": keys, "category": ["synthetic"] * len(questions)}
    return columns, keys, wrong


def _listed(options: list[str]) -> str:
    return "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=True))


def _verse(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> Table:
    texts, count = [question.text for question in questions], len(questions)
    columns: dict[str, list[Any]] = {
        "index": sample_index(draw),
        "problem_index": [int(v) + 1 for v in draw.picture],
        "problem_version": ["Vision Intensive"] * count,
        "question": texts,
        "question_for_eval": texts,
        "query_cot": [f"{text} Explain each step before the result." for text in texts],
        "answer": [question.answer for question in questions],
        "metadata": ["{'subject': 'synthetic', 'subfield': 'synthetic'}"] * count,
    }
    return columns, columns["answer"], [question.wrong for question in questions]


def _words(draw: DatasetDraw, questions: list[Question], rng: np.random.Generator) -> Table:
    truth = [question.answer for question in questions]
    columns: dict[str, list[Any]] = {"index": sample_index(draw), "question": [q.text for q in questions]}
    if draw.name == "ChartQA_TEST":
        columns |= {"answer": truth, "split": ["test_human"] * len(truth)}
    elif draw.name == "TextVQA_VAL":
        columns["answer"] = [str(_annotators(question, rng)) for question in questions]
    else:
        columns["answer"] = [str([answer]) for answer in truth]
    if draw.name == "OCRBench":
        columns["category"] = ["Doc-oriented VQA"] * len(truth)
    # The last wrong answer is one that no annotator gave.
    return columns, truth, [question.wrong[-1:] for question in questions]


def _annotators(question: Question, rng: np.random.Generator) -> list[str]:
    """Return ten answers, three of them or more right, the others one and the same mistake."""
    right = 10 - int(rng.binomial(7, 0.15))
    names = [question.answer] * right + [question.wrong[0]] * (10 - right)
    return [names[i] for i in rng.permutation(10)]


_BUILDERS: dict[str, Builder] = {
    **dict.fromkeys(CHOICE, _choice),
    "HallusionBench": _yes_no,
    "MathVista_MINI": _math,
    "MathVision_MINI": _math,
    "MathVerse_MINI": _verse,
    **dict.fromkeys(("TextVQA_VAL", "ChartQA_TEST", "DocVQA_VAL", "InfoVQA_VAL", "OCRBench"), _words),
}
