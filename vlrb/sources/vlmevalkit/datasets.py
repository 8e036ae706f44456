"""The datasets whose logs can be read by name: reporting group, kind of question, prompt and scoring rule."""

from dataclasses import dataclass, replace
from typing import Final

GENERAL, STEM, CHARTS, OTHER = "General", "STEM", "Charts & OCR", "Other"
CHOICE_SUFFIX = "\nPlease select the correct answer from the options above. "
SHORT_SUFFIX = "\nAnswer the question using a single word or phrase."


@dataclass(frozen=True)
class DatasetSpec:
    """How one dataset is read.

    Args:
        name: Name as in the logs' file names.
        group: Reporting group.
        task: Kind of question: vqa_mc, vqa_oe, math, ocr_qa or yes_no.
        rule: Name of the scoring rule (`scoring.RULES`).
        prompt: How the prompt is composed: "plain" (the question), "choice" (hint, question, options), "auto"
            (by the columns there are) or the column that holds it.
        suffix: Fixed instruction after the prompt.
        split_key: Which samples belong together: "" (only same pictures), or a rule of `prompts.split_keys`.
        known: Whether the dataset is one of this table.
    """

    name: str
    group: str
    task: str
    rule: str
    prompt: str = "plain"
    suffix: str = ""
    split_key: str = ""
    known: bool = True


def _choice(name: str, group: str, split_key: str = "", rule: str = "choice") -> DatasetSpec:
    return DatasetSpec(name, group, "vqa_mc", rule, "choice", CHOICE_SUFFIX, split_key)


def _short(name: str, group: str, task: str, rule: str) -> DatasetSpec:
    return DatasetSpec(name, group, task, rule, "plain", SHORT_SUFFIX)


def _mmbench() -> list[DatasetSpec]:
    parts = ("MMBench_DEV_EN", "MMBench_TEST_EN", "MMBench_DEV_CN", "MMBench_TEST_CN", "MMBench", "MMBench_CN")
    names = [part + version for part in parts for version in ("", "_V11")] + ["CCBench"]
    return [_choice(name, GENERAL, "mmbench", "circular") for name in names]


def _mathverse() -> list[DatasetSpec]:
    versions = ("", "_Vision_Only", "_Vision_Dominant", "_Vision_Intensive", "_Text_Lite", "_Text_Dominant")
    specs = []
    for name in [start + version for start in ("MathVerse_MINI", "MathVerse") for version in versions]:
        spec = DatasetSpec(name, STEM, "math", "math_verse", split_key="mathverse")
        specs += [spec, replace(spec, name=f"{name}_cot", prompt="query_cot")]
    return specs


def _all() -> list[DatasetSpec]:
    return [
        *_mmbench(),
        *_mathverse(),
        *(_choice(name, GENERAL) for name in ("MMMU_DEV_VAL", "MMMU_VAL", "MMMU_DEV", "MMMU_TEST")),
        *(_choice(name, GENERAL) for name in ("MMStar", "MMStar_MINI", "MMStar_KO", "MMStar_TR", "RealWorldQA")),
        *(_choice(name, GENERAL) for name in ("SEEDBench_IMG", "SEEDBench2_Plus", "BLINK", "MMVP")),
        *(_choice(name, STEM) for name in ("AI2D_TEST", "AI2D_TEST_NO_MASK", "ScienceQA_VAL", "ScienceQA_TEST")),
        *(DatasetSpec(name, STEM, "math", "math_vista") for name in ("MathVista_MINI", "MathVista")),
        *(DatasetSpec(name, STEM, "math", "math_vision") for name in ("MathVision_MINI", "MathVision")),
        DatasetSpec("HallusionBench", GENERAL, "yes_no", "yes_no", split_key="hallusion"),
        *(DatasetSpec(name, GENERAL, "yes_no", "yes_no") for name in ("POPE", "AMBER")),
        *(_short(name, CHARTS, "vqa_oe", "soft_vqa") for name in ("TextVQA_VAL", "TextVQA_TEST")),
        *(_short(name, CHARTS, "ocr_qa", "relaxed") for name in ("ChartQA_TEST", "ChartQA_VAL")),
        *(_short(name, CHARTS, "ocr_qa", "anls") for name in ("DocVQA_VAL", "DocVQA_TEST")),
        *(_short(name, GENERAL, "ocr_qa", "anls") for name in ("InfoVQA_VAL", "InfoVQA_TEST")),
        DatasetSpec("OCRBench", CHARTS, "ocr_qa", "ocr"),
    ]


KNOWN: Final[dict[str, DatasetSpec]] = {spec.name: spec for spec in _all()}
# Datasets whose name begins with a known one but which are scored otherwise: never to be read as the known one.
OTHERS: Final = ("OCRBench_v2", "OCRBench_v2_MINI", "MMMU_Pro_10c", "MMMU_Pro_10c_COT", "MMMU_Pro_V", "MMMU_Pro_V_COT")
# Names of TSV files that older versions of the kit used.
LEGACY_TSV: Final[dict[str, str]] = {
    "MathVerse_MINIVOnly": "MathVerse_MINI_Vision_Only",
    "MathVerse_MINIVDom": "MathVerse_MINI_Vision_Dominant",
    "MathVerse_MINIVInt": "MathVerse_MINI_Vision_Intensive",
    "MathVerse_MINITLite": "MathVerse_MINI_Text_Lite",
    "MathVerse_MINITDom": "MathVerse_MINI_Text_Dominant",
    "MMBench_DEV_EN_legacy": "MMBench_DEV_EN",
}


def dataset_spec(name: str, aliases: dict[str, str] | None = None) -> DatasetSpec:
    """Return how to read a dataset; an unknown one is graded only by an explicit right/wrong column.

    >>> dataset_spec("AI2D_TEST").group, dataset_spec("MyData").known
    ('STEM', False)
    """
    known = KNOWN.get((aliases or {}).get(name, name))
    if known is None:
        return DatasetSpec(name, OTHER, "vqa_oe", "explicit", prompt="auto", known=False)
    return replace(known, name=name)
