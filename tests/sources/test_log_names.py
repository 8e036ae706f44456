"""What file and folder names say, and which of several files is used."""

from pathlib import Path

import pytest

from vlrb.sources.vlmevalkit.choose import Cell, choose
from vlrb.sources.vlmevalkit.datasets import KNOWN, OTHERS
from vlrb.sources.vlmevalkit.layout import EVALUATION, INFERENCE, WORK, FoundFile
from vlrb.sources.vlmevalkit.names import is_noise, parse, run_date
from vlrb.sources.vlmevalkit.settings import EXACT, JUDGES, Rules, Selection
from vlrb.utils.errors import ConfigError, DataError

DATASET_RULES = {name: spec.rule for name, spec in KNOWN.items()} | dict.fromkeys(OTHERS, "explicit")


@pytest.mark.parametrize(
    ("rest", "dataset", "form", "judge"),
    [
        ("MMStar", "MMStar", "prediction", ""),
        ("MMStar_MINI", "MMStar_MINI", "prediction", ""),
        ("MMStar_openai_result", "MMStar", "result", "openai"),
        ("MMStar_exact_matching_result", "MMStar", "result", "exact_matching"),
        ("MMStar_some-new_judge_result", "MMStar", "result", "some-new_judge"),
        ("MMBench_DEV_EN_V11_gpt-4o-mini_result", "MMBench_DEV_EN_V11", "result", "gpt-4o-mini"),
        ("MMBench_DEV_EN_openai_result", "MMBench_DEV_EN", "result", "openai"),
        ("MMBench_DEV_EN_openai_vanilla_circ0_result", "MMBench_DEV_EN", "vanilla", "openai"),
        ("AI2D_TEST_NO_MASK", "AI2D_TEST_NO_MASK", "prediction", ""),
        ("MathVista_MINI_gpt-4-turbo", "MathVista_MINI", "judged", "gpt-4-turbo"),
        ("MathVista_MINI_my-local-llm", "MathVista_MINI", "judged", "my-local-llm"),
        ("MathVision_gpt-4o-mini", "MathVision", "judged", "gpt-4o-mini"),
        ("MathVerse_MINI_Vision_Only_cot_gpt-4o_score", "MathVerse_MINI_Vision_Only_cot", "score", "gpt-4o"),
        ("MathVerse_MINI_gpt-4o_extract", "MathVerse_MINI", "extract", "gpt-4o"),
        ("HallusionBench_auxmatch", "HallusionBench", "auxmatch", ""),
        ("DocVQA_VAL_results", "DocVQA_VAL", "results", ""),
        ("MMStar_detailed_results", "MMStar", "detailed", ""),
        ("OCRBench", "OCRBench", "prediction", ""),
        ("OCRBench_score", "OCRBench", "summary", ""),
        ("OCRBench_v2", "OCRBench_v2", "prediction", ""),
        ("OCRBench_extra", "OCRBench_extra", "prediction", ""),  # no ending of OCRBench's: another dataset
        ("MyData", "MyData", "prediction", ""),
        ("MyData_gpt-4o-mini", "MyData", "judged", "gpt-4o-mini"),
        ("MyData_gpt-4o-mini_score", "MyData", "score", "gpt-4o-mini"),
        ("My_Data_results", "My_Data", "results", ""),
        ("My_Data_auxmatch", "My_Data", "auxmatch", ""),
        ("My_Data_newjudge_result", "My_Data", "result", "newjudge"),
        ("My_Data_detailed_results", "My_Data", "detailed", ""),
    ],
)
def test_parse(rest: str, dataset: str, form: str, judge: str) -> None:
    assert parse(rest, DATASET_RULES, (*JUDGES, EXACT))[:3] == (dataset, form, judge)


def test_a_guess_is_marked_as_one() -> None:
    assert parse("MMStar_openai_result", DATASET_RULES, JUDGES).sure
    assert not parse("MathVista_MINI_some_notes", DATASET_RULES, JUDGES).sure
    assert not parse("MyData", DATASET_RULES, JUDGES).sure


def test_summaries_and_scratch_are_noise() -> None:
    assert is_noise("M_MMStar_acc")
    assert is_noise("M_MMStar_acc_all")
    assert is_noise("M_MMStar_category_acc")
    assert is_noise("status")
    assert not is_noise("M_MMStar_openai_result")


def test_runs_are_ordered_by_date_then_time() -> None:
    runs = [
        "T20260409-101500",
        "T20240222_Gmathv",
        "old",
        "T20260409-081500",
        "T20260408_G00ff00ff",
        "T20260409_Gunknown",
    ]
    assert sorted(runs, key=run_date) == [
        "old",
        "T20240222_Gmathv",
        "T20260408_G00ff00ff",
        "T20260409_Gunknown",
        "T20260409-081500",
        "T20260409-101500",
    ]


def found(name: str, section: str = WORK, model: str = "M", mtime: int = 0) -> FoundFile:
    path = Path("/x") / name
    run = path.parent.name if path.parent.name.startswith("T") else ""
    return FoundFile(path, name, section, model, run, path.stem.removeprefix(f"{model}_"), 1, mtime)


def chosen(*files: FoundFile, select: Selection | None = None, rules: Rules | None = None) -> list[Cell]:
    return choose(files, select or Selection(), rules or Rules())[0]


def test_newest_graded_run_wins_whatever_the_judge() -> None:
    (cell,) = chosen(
        found("T20240101_Ga/M_MMStar.xlsx"),
        found("T20240101_Ga/M_MMStar_gpt-4o-mini_result.xlsx"),
        found("T20250101_Gb/M_MMStar.xlsx"),
        found("T20250101_Gb/M_MMStar_exact_matching_result.xlsx"),
        found("T20260101_Gc/M_MMStar.xlsx"),
    )
    assert cell.graded[0].name == "T20250101_Gb/M_MMStar_exact_matching_result.xlsx"
    assert cell.predicted[0].name == "T20250101_Gb/M_MMStar.xlsx"  # the answers that were graded
    assert {note.kind for note in cell.notes} == {"several_results", "several_runs"}


def test_judges_then_formats_in_order_of_preference() -> None:
    names = [
        f"M_MMStar_{judge}_result.{ending}"
        for judge in ("zeta", "exact_matching", "openai")
        for ending in ("tsv", "xlsx")
    ]
    (cell,) = chosen(*(found(name) for name in names))
    assert [log.name for log in cell.graded] == [
        "M_MMStar_openai_result.xlsx",
        "M_MMStar_openai_result.tsv",
        "M_MMStar_zeta_result.xlsx",
        "M_MMStar_zeta_result.tsv",
        "M_MMStar_exact_matching_result.xlsx",
        "M_MMStar_exact_matching_result.tsv",
    ]
    (mine,) = chosen(*(found(name) for name in names), select=Selection(judges=["zeta"]))
    assert mine.graded[0].name == "M_MMStar_zeta_result.xlsx"
    assert "judge openai" in cell.notes[0].message


def test_a_judged_score_beats_an_extraction_of_a_newer_run() -> None:
    (cell,) = chosen(
        found("T20240101_Ga/M_MathVerse_MINI_gpt-4o_score.xlsx"),
        found("T20250101_Gb/M_MathVerse_MINI_gpt-4o_extract.xlsx"),
    )
    assert [log.parsed.form for log in cell.graded] == ["score", "extract"]
    assert cell.notes == []


def test_inference_folder_tells_the_names_of_unknown_datasets() -> None:
    (cell,) = chosen(
        found("i/M_My_Data_2.xlsx", INFERENCE),
        found("e/M_My_Data_2_my_judge_result.xlsx", EVALUATION),
        found("e/M_My_Data_2_score.json", EVALUATION),
    )
    assert (cell.spec.name, cell.spec.known) == ("My_Data_2", False)
    assert cell.graded[0].parsed.judge == "my_judge"
    assert cell.predicted[0].file.section == INFERENCE


def test_vanilla_mmbench_ignores_the_marks_of_all_rotations() -> None:
    files = [found("M_MMBench_DEV_EN.xlsx"), found("M_MMBench_DEV_EN_openai_result.xlsx")]
    assert chosen(*files)[0].graded[0].parsed.form == "result"
    assert chosen(*files, rules=Rules(mmbench="vanilla"))[0].graded == []


def test_selection_and_misspelt_names() -> None:
    files = [found("M_MMStar.xlsx"), found("M_OCRBench.xlsx"), found("N_MMStar.xlsx", model="N")]
    cells = chosen(*files, select=Selection(exclude_datasets=["OCRBench"], models=["M"]))
    assert [(cell.model, cell.spec.name) for cell in cells] == [("M", "MMStar")]
    with pytest.raises(DataError, match=r"no logs of dataset 'MMstar'") as caught:
        chosen(*files, select=Selection(datasets=["MMstar"]))
    assert "did you mean 'MMStar'" in caught.value.hint
    with pytest.raises(DataError, match=r"no logs of model 'X'"):
        chosen(*files, select=Selection(models=["X"]))


def test_an_alias_lends_a_rule_but_keeps_the_name() -> None:
    (cell,) = chosen(found("M_HardStar_my_judge_result.xlsx"), select=Selection(aliases={"HardStar": "MMStar"}))
    assert (cell.spec.name, cell.rule, cell.spec.group) == ("HardStar", "choice", "General")


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"mmbench must be one of circular, vanilla"):
        Rules(mmbench="round")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"select.models must be a list of names"):
        Selection(models=[""])
