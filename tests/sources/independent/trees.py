"""Hypothesis strategies of whole trees: some of the 14 datasets, in the file forms that the kit is known to write."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from independent.grades import HANDWRITTEN
from independent.writing import Columns, Log

Draw = st.DrawFn
RUNS = ("T20250901_Gabcdef12", "T20250930_G00000001", "T20260409-081500", "T20260409-220000", "")
JUDGES = ("gpt-4o-mini", "openai", "gpt4", "exact_matching", "my-judge_7b")
MODELS = ("GPT-4o", "org--name", "My Model 2.5", "tiny_score", "x_result")
LETTERS = st.sampled_from("ABCD")
MARKS = st.sampled_from([0, 1, 1.0, 0.0, True, False, "1", "0", "True", "False", "true", None])
ODD = st.sampled_from(
    [
        *("nan", "None", "NA", "N/A", "null", "é ü 語", "a\r\nb", "tab\there", "\x07 bell", '"quoted"', " x ", "#N/A"),
        *("Failed to obtain answer via API.", "Cannot determine the answer", "=A", "=1+1", "[1, 2", "{}", "-", "Z"),
    ]
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
NUMBERS = st.sampled_from(
    [0, 1, 3, 3.5, 7, 7.0, -2, 1e3, 0.05, "3", "7", "7.0", "3.5", "3.50", " 7 ", "1,000", "50%", "0.5", "1/2", "x"]
)


def says(*texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return answers: the ones given most of the time, else odd ones, else nothing."""
    return st.one_of(*texts, *texts, *texts, ODD, TEXT, st.none())


LETTER_ANSWERS = says(
    LETTERS,
    LETTERS.map("({})".format),
    LETTERS.map("The answer is {}.".format),
    LETTERS.map("the answer is **{}** since the sky and the sea are painted so here".format),
    st.sampled_from(
        ["A or B", "it is red", "red", "green apple", "3", 3, 2.5, "A cat sat on the mat all day long", "b"]
    ),
)
OPTIONS = st.sampled_from(["red", "green apple", "None", "NA", 3, 2.5, "é", "1,000", "yes", "A", "none of these", "3"])


def choice_row(draw: Draw, i: int) -> dict[str, Any]:
    count = draw(st.integers(2, 4))
    texts = draw(st.lists(OPTIONS, min_size=count, max_size=count, unique_by=str))
    row: dict[str, Any] = dict(zip("ABCD", texts + [None] * (4 - count), strict=True))
    return row | {"answer": draw(st.sampled_from("ABCD"[:count])), "category": "c"}


def mmmu_row(draw: Draw, i: int) -> dict[str, Any]:
    row = choice_row(draw, i) | {"split": draw(st.sampled_from(["dev", "validation"]))}
    if draw(st.booleans()):
        row |= dict.fromkeys("ABCD") | {"answer": draw(st.sampled_from(["24", 24, "['24/7', '3.4']", "left atrium"]))}
    return row


CHOICES = st.sampled_from(["['1', '2', '3']", "['1 cm', '2 cm']", '["a\'s", "b"]', "[1, 2.5]"])


def vista_row(draw: Draw, i: int) -> dict[str, Any]:
    if draw(st.booleans()):
        option = draw(st.sampled_from("AB"))
        kind = {"question_type": "multi_choice", "answer_type": "text", "choices": draw(CHOICES)}
        return kind | {"answer": "1", "answer_option": option}
    kind = draw(st.sampled_from(["integer", "float", "text", "list"]))
    answer = {"integer": draw(st.sampled_from(["7", 7])), "float": "3.5", "text": "left", "list": "[1, 2]"}[kind]
    return {
        "question_type": "free_form",
        "answer_type": kind,
        "choices": None,
        "answer": answer,
        "answer_option": None,
    }


def vision_row(draw: Draw, i: int) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"choices": draw(CHOICES), "answer": draw(st.sampled_from("AB")), "level": 1}
    return {"choices": "[]", "answer": draw(st.sampled_from(["3", "1/2", r"\frac{1}{2}", "x", "0.5", 3.5])), "level": 2}


def verse_row(draw: Draw, i: int) -> dict[str, Any]:
    return {"answer": draw(st.sampled_from(["A", "3", 3, "x = 2"])), "problem_index": i, "problem_version": "Text Lite"}


def yes_row(draw: Draw, i: int) -> dict[str, Any]:
    return {"answer": draw(st.sampled_from(["Yes", "No"])), "category": "VD", "l2-category": "chart"}


def answers(*texts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(texts), min_size=1, max_size=10).map(str)


def text_row(draw: Draw, i: int) -> dict[str, Any]:
    return {"answer": draw(answers("two", "2", "The dog", "dog", "dont", "1,000", "stop.", "a - b"))}


def chart_row(draw: Draw, i: int) -> dict[str, Any]:
    plain = st.sampled_from(["10", "10.4", "0", "50%", "0.5", "Yes", "1,234", 10, "-3"])
    return {"answer": draw(plain | answers("10", "Yes", "7%"))}


def doc_row(draw: Draw, i: int) -> dict[str, Any]:
    return {"answer": draw(answers("June 1", "1,000 USD", "a", "The Long  Name", "") | st.just("['x']"))}


def ocr_row(draw: Draw, i: int) -> dict[str, Any]:
    category = draw(st.sampled_from([HANDWRITTEN, "Regular Text Recognition", "Doc-oriented VQA"]))
    return {"answer": draw(answers("x ^ 2", "STOP", "é", "12")), "category": category}


Extra = Callable[[Draw, dict[str, Any]], dict[str, Any]]


def mark(column: str) -> Extra:
    return lambda draw, row: {column: draw(MARKS), "log": "l"}


def aux(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    return {"extracted": draw(st.sampled_from(["Yes", "No", "Unknown"])), "score": draw(MARKS)}


def without_score(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    return {"extracted": draw(st.sampled_from(["Yes", "No", "Unknown"]))}


def res(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "res": draw(says(LETTERS, NUMBERS)),
        "log": draw(st.sampled_from(["Succeed", "All 5 retries failed.", None])),
    }


def extract(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    return {"extract": draw(says(st.just(row["answer"]), NUMBERS)), "log_extract": "Succeed"}


def soft(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
    score = draw(st.sampled_from([0, 0.3, 0.6, 0.9, 1, 1.0, "0.6"]))
    return {"eval_gt": row["answer"], "eval_pred": "p", "eval_match": "[0, 1]", "eval_score": score}


def matches(*values: Any) -> Extra:
    def extra(draw: Draw, row: dict[str, Any]) -> dict[str, Any]:
        found = draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
        return {"eval_gt": row["answer"], "eval_match": str(found), "eval_score": 0.25}

    return extra


VERIFIED = ("_detailed_results", mark("verifier_match"))
HIT = ("_{judge}_result", mark("hit"))
SHORT_ANSWERS = says(
    st.sampled_from(["Two", "dog", "the dog!", "1000", "10.2", 10, "9.4", "yes", "June 1", "june  1", "7%", "0.07"])
)
Question = Callable[[Draw, int], dict[str, Any]]
Form = tuple[str, Extra]
# Dataset → its questions, what models say to them, and the result files that its evaluator writes.
SETS: dict[str, tuple[Question, st.SearchStrategy[Any], list[Form]]] = {
    "MMMU_DEV_VAL": (mmmu_row, LETTER_ANSWERS, [HIT, VERIFIED]),
    "MathVista_MINI": (vista_row, says(LETTERS, NUMBERS), [("_{judge}", res), VERIFIED]),
    "MathVision_MINI": (vision_row, says(LETTERS, NUMBERS), [("_{judge}", res), VERIFIED]),
    "MathVerse_MINI": (verse_row, says(NUMBERS), [("_{judge}_score", mark("score")), ("_{judge}_extract", extract)]),
    "MMBench_DEV_EN_V11": (choice_row, LETTER_ANSWERS, [HIT]),
    "RealWorldQA": (choice_row, LETTER_ANSWERS, [HIT, VERIFIED]),
    "MMStar": (choice_row, LETTER_ANSWERS, [HIT, VERIFIED]),
    "HallusionBench": (yes_row, says(st.sampled_from(["Yes", "no.", "Yes, it is", "maybe"])), [("_auxmatch", aux)]),
    "TextVQA_VAL": (text_row, SHORT_ANSWERS, [("_results", soft), VERIFIED]),
    "ChartQA_TEST": (chart_row, SHORT_ANSWERS, [("_results", matches(True, False, 1, 0)), VERIFIED]),
    "DocVQA_VAL": (doc_row, SHORT_ANSWERS, [("_results", matches(0, 0.2, 0.5, 0.51, 1)), VERIFIED]),
    "InfoVQA_VAL": (doc_row, SHORT_ANSWERS, [("_results", matches(0, 0.4, 0.49, 1.0)), VERIFIED]),
    "AI2D_TEST": (choice_row, LETTER_ANSWERS, [HIT, VERIFIED]),
    "OCRBench": (ocr_row, says(st.sampled_from(["x^2", "it says stop", "STOP", "12 É", "x ^ 2\n"])), []),
}
SETS["HallusionBench"][2].append(("_auxmatch", without_score))


@st.composite
def questions(draw: Draw, dataset: str) -> list[dict[str, Any]]:
    """Draw the rows that a dataset's TSV file would have, without pictures."""
    count = draw(st.integers(1, 4))
    if dataset == "HallusionBench":
        keys: list[Any] = [f"VD_chart_0_1_{i}_{i}" for i in range(count)]
    else:
        keys = draw(st.lists(st.integers(0, 999), min_size=count, max_size=count, unique=True))
    make = SETS[dataset][0]
    rows = [{"index": key, "question": f"q{key}"} | make(draw, i) for i, key in enumerate(keys)]
    return rotated(rows) if dataset.startswith("MMBench") else rows


def rotated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the rotations of each question: the options move on by one, the index by a million."""
    out = list(rows)
    for row in rows:
        texts = [row[letter] for letter in "ABCD" if row[letter] is not None]
        for k in range(1, len(texts)):
            moved = dict(zip("ABCD", texts[k:] + texts[:k] + [None] * (4 - len(texts)), strict=True))
            letter = "ABCD"[("ABCD".index(row["answer"]) - k) % len(texts)]
            out.append(row | moved | {"index": row["index"] + k * 1_000_000, "answer": letter})
    return out


def columns_of(rows: list[dict[str, Any]]) -> Columns:
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return {title: [row.get(title) for row in rows] for title in titles}


@st.composite
def logs_of(draw: Draw, dataset: str, model: str, rows: list[dict[str, Any]], work: bool) -> list[Log]:
    """Draw one model's files on one dataset: predictions, results, or both, of one or two runs."""
    _, answers, forms = SETS[dataset]
    logs = []
    for run in draw(st.lists(st.sampled_from(RUNS), min_size=1, max_size=2, unique=True)):
        said = [row | {"prediction": draw(answers)} for row in rows]
        results = draw(st.lists(st.sampled_from(forms), max_size=2, unique_by=id)) if forms else []
        if not results or draw(st.booleans()):
            ending = draw(st.sampled_from([".xlsx", ".xlsx", ".tsv", ".json"]))
            logs.append(Log("" if work else "VLMEvalKit_inference", model, run, dataset, ending, typed(draw, said)))
        for suffix, extra in results:
            graded = [row for row in said if suffix != "_{judge}_result" or dataset[:3] != "MMB" or row["index"] < 1e6]
            graded = draw(st.permutations([row | extra(draw, row) for row in graded]))
            name = dataset + suffix.format(judge=draw(st.sampled_from(JUDGES)))
            ending = draw(st.sampled_from([".xlsx", ".xlsx", ".tsv"]))
            logs.append(Log("" if work else "VLMEvalKit_evaluation", model, run, name, ending, typed(draw, graded)))
    return logs


def typed(draw: Draw, rows: list[dict[str, Any]]) -> Columns:
    """Return columns; whole-number ids may have become decimals or texts."""
    columns = columns_of(rows)
    kind = draw(st.sampled_from([int, int, float, str]))
    columns["index"] = [kind(key) if isinstance(key, int) else key for key in columns["index"]]
    return columns


@st.composite
def trees(draw: Draw) -> list[Log]:
    """Draw the files of one to three datasets and one to three models, in one layout."""
    work = draw(st.booleans()) and draw(st.booleans())
    logs: list[Log] = []
    models = draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=3, unique=True))
    for dataset in draw(st.lists(st.sampled_from(sorted(SETS)), min_size=1, max_size=3, unique=True)):
        rows = draw(questions(dataset))
        for model in models:
            logs += draw(logs_of(dataset, model, rows, work))
    unique = {(log.section, log.model, log.run, log.name, log.ending): log for log in logs}
    return list(unique.values())
