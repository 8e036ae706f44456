"""The kit's own totals against the mean of the records: equal, different, or not comparable."""

import json
from pathlib import Path
from typing import Any

import pytest

from vlrb.sources.base import Note, RecordSet

RUN = "T20250901_Gabcdef12"


def told(read: RecordSet) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for note in read.notes:
        if note.kind.startswith("summary_"):
            found.setdefault(note.kind, []).append(note.message)
    return found


def counted(read: RecordSet) -> dict[str, int]:
    return {note.kind: note.count for note in read.notes if note.kind.startswith("summary_")}


def totals(tree: Any, name: str, text: str, folder: str = "VLMEvalKit_evaluation") -> Path:
    path = tree.root / folder / "M" / RUN / f"M_{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def rows(count: int, **columns: Any) -> dict[str, Any]:
    return {"index": list(range(count)), "question": ["q"] * count, "prediction": ["A"] * count, **columns}


def test_choice_sets_have_a_fraction_for_each_split(tree: Any) -> None:
    split = ["dev", "validation", "validation", "validation"]
    tree.result("M", "MMMU_DEV_VAL_openai_result", rows(4, split=split, hit=[0, 1, 1, 0]))
    path = totals(tree, "MMMU_DEV_VAL_acc.csv", "split,Overall,Art\nvalidation,0.6666666666666666,1.0\ndev,0.0,\n")
    assert list(told(tree.source().read())) == ["summary_agrees"]
    assert list(told(tree.source(mmmu="validation").read())) == ["summary_agrees"]  # compared before rows are dropped
    path.write_text("split,Overall\nvalidation,0.3333\ndev,0.0\n")
    assert told(tree.source().read()) == {
        "summary_disagrees": [
            f"VLMEvalKit_evaluation/M/{RUN}/{path.name} says 33.33 %, the validation rows here give 66.67 %"
        ]
    }
    assert {note.level for note in tree.source().read().notes if note.kind == "summary_disagrees"} == {"warning"}
    path.unlink()
    totals(tree, "MMMU_DEV_VAL_acc.json", json.dumps([{"split": "validation", "Overall": 2 / 3}]))
    assert list(told(tree.source().read())) == ["summary_agrees"]


def test_circular_totals_are_of_questions(tree: Any) -> None:
    tree.result("M", "MMBench_DEV_EN_V11_openai_result", rows(2, hit=[1, 0], g_index=[0, 1]))
    totals(tree, "MMBench_DEV_EN_V11_acc.csv", "split,Overall\nnone,0.5\n")
    totals(tree, "MMBench_DEV_EN_V11_acc_all.csv", "split,Overall\ncircular,0.5\nvanilla_0,1.0\nvanilla_all,0.8\n")
    assert list(told(tree.source().read())) == ["summary_agrees"]
    tree.result("M", "MMBench_DEV_EN_V11_openai_vanilla_circ0_result", rows(2, hit=[1, 1]))
    assert list(told(tree.source(mmbench="vanilla").read())) == ["summary_agrees"]
    tree.result("M", "MMBench_DEV_EN_V11_openai_vanilla_circ0_result", rows(2, hit=[1, 0]))
    assert list(told(tree.source(mmbench="vanilla").read())) == ["summary_disagrees"]


def test_question_sets_have_per_cents(tree: Any) -> None:
    tree.result("M", "TextVQA_VAL_results", rows(3, eval_score=[0.3, 1, 0.6]))
    totals(tree, "TextVQA_VAL_acc.csv", "Overall\n63.33\n")  # (0.3 + 1 + 0.6) / 3
    tree.result("M", "DocVQA_VAL_results", rows(2, eval_match=["[0.2, 0.9]", "[0.7]"], eval_score=[0.55, 0.7]))
    totals(tree, "DocVQA_VAL_acc.csv", "Overall\n40.0\n")  # ANLS (0.8 + 0) / 2
    tree.result("M", "ChartQA_TEST_results", rows(2, eval_match=["[True]", "[False]"], split=["test_human", "x"]))
    totals(tree, "ChartQA_TEST_acc.csv", "test_human,x,Overall\n100.0,0.0,50.0\n")
    tree.result(
        "M", "HallusionBench_auxmatch", rows(2, answer=["Yes", "No"], extracted=["Yes", "Yes"], score=[True, False])
    )
    totals(tree, "HallusionBench_score.csv", "split,aAcc,fAcc,qAcc\nOverall,50.0,0.0,0.0\nVD,9.0,0.0,0.0\n")
    assert counted(tree.source().read()) == {"summary_agrees": 4}
    totals(tree, "DocVQA_VAL_acc.csv", "Overall\n62.5\n")  # what the mean of eval_score would look like
    assert len(told(tree.source().read())["summary_disagrees"]) == 1


VISTA = {
    "question_type": ["free_form"] * 2,
    "answer_type": ["integer"] * 2,
    "choices": ["", ""],
    "answer_option": ["", ""],
}


def test_math_sets_count_hits_of_the_judge_that_is_used(tree: Any) -> None:
    result = rows(2, **VISTA, answer=["3", "4"], res=["3", "5"], log=["", ""])
    tree.result("M", "MathVista_MINI_gpt-4o-mini", result)
    header = "Task&Skill,tot,prefetch,hit,prefetch_rate,acc\n"
    totals(tree, "MathVista_MINI_gpt-4o-mini_score.csv", header + "Overall,2,0,1,0.0,50.0\nfree,2,0,2,0,100\n")
    totals(tree, "MathVista_MINI_gpt-4-turbo_score.csv", header + "Overall,2,0,2,0.0,100.0\n")  # of another judge
    totals(tree, "MathVista_MINI_score.csv", header + "Overall,2,0,0,0.0,0.0\n")  # of the verifier
    tree.result("M", "MathVision_MINI_gpt-4o-mini", rows(2, answer=["1", "2"], res=["1", "2"], log=["", ""]))
    totals(tree, "MathVision_MINI_gpt-4o-mini_score.csv", "Subject,tot,prefetch,hit,acc\nOverall,2,0,2,100.0\n")
    verse = rows(
        3, answer=["1"] * 3, score=[True, False, True], problem_version=["Text Lite", "Text Lite", "Vision Only"]
    )
    tree.result("M", "MathVerse_MINI_gpt-4o_score", verse)
    totals(tree, "MathVerse_MINI_gpt-4o_score.csv", "split,Overall\nText Lite,50.0\nVision Only,100.0\n")
    assert counted(tree.source().read()) == {"summary_agrees": 3}
    totals(tree, "MathVerse_MINI_gpt-4o_score.csv", "split,Overall\nOverall,50.0\n")
    assert told(tree.source().read())["summary_disagrees"] == [
        f"VLMEvalKit_evaluation/M/{RUN}/M_MathVerse_MINI_gpt-4o_score.csv says 50.00 %, the rows here give 66.67 %"
    ]


def test_ocrbench_keeps_nothing_but_a_count(tree: Any) -> None:
    columns = rows(3, answer=["['a']", "['b']", "['c']"], category=["Text Recognition"] * 3)
    tree.predictions("M", "OCRBench", {**columns, "prediction": ["an a", "b", "x"]})
    path = totals(tree, "OCRBench_score.json", json.dumps({"Final Score": 2, "Final Score Norm": 0.2}))
    assert list(told(tree.source().read())) == ["summary_agrees"]
    path.write_text(json.dumps({"Final Score": 1}))
    assert list(told(tree.source().read())) == ["summary_disagrees"]
    # An unknown grade may be right or wrong: totals between the two cannot be told to be wrong.
    tree.predictions("M", "OCRBench", {**columns, "prediction": ["an a", None, "x"]})
    assert list(told(tree.source().read())) == ["summary_unchecked"]
    path.write_text(json.dumps({"Final Score": 3}))
    (message,) = told(tree.source().read())["summary_disagrees"]
    assert message.endswith("says 100.00 %, the rows here give 33.33 % (and 1 rows unknown)")


def test_totals_of_another_run_are_not_of_these_records(tree: Any) -> None:
    tree.result("M", "MMStar_openai_result", rows(2, hit=[1, 0]), "T20990101_Gz")
    totals(tree, "MMStar_acc.csv", "split,Overall\nnone,0.1\n")
    assert told(tree.source().read()) == {}


@pytest.mark.parametrize("text", ["", "\0", "split,Overall\n", "no,columns\n1,2\n", "split,Overall\nnone,n/a\n", "{"])
def test_a_file_that_is_no_summary_says_nothing(tree: Any, text: str) -> None:
    tree.result("M", "MMStar_openai_result", rows(2, hit=[1, 0]))
    totals(tree, "MMStar_acc.csv", text)
    totals(tree, "MMStar_acc.json", text)
    assert told(tree.source().read()) == {}


def test_agreement_of_many_is_one_line() -> None:
    from vlrb.sources.vlmevalkit.notes import compact

    many = [Note("summary_agrees", f"M{i} on MMStar", "agrees") for i in range(30)]
    (note,) = compact(many)
    assert (note.where, note.count) == ("M0 on MMStar, M1 on MMStar, M2 on MMStar and 27 more", 30)
    few = [Note("failed", f"M{i}", "answers that could not be obtained") for i in range(24)]
    assert compact(few) == few
    different = [Note("dates", f"f{i}", f"message {i}", 2, "warning") for i in range(400)]
    shown = compact(different)
    assert len(shown) == 300
    assert (shown[-1].message, shown[-1].count) == ("101 more notes of this kind are left out", 202)
