"""Constants of the demo's latent ability model: content attributes, 17 models, 14 datasets.

All figures are synthetic: they give each model plausible strengths (a skill, a kind of picture, stamina for several
steps, an eye for small detail), so that both the question and the picture say something about who will be right.
Model names are real only so that the demo's logs look like real logs; nothing here measures the real models.
"""

from dataclasses import dataclass
from typing import Final

GENERATOR_VERSION: Final = 1

SKILLS: Final = ("recognise", "count", "read", "lookup", "calculate", "know")
KINDS: Final = ("photo", "diagram", "chart", "page", "sign")
DEPTHS: Final = (0, 1, 2)  # extra steps that the question asks for
FINES: Final = (0, 1, 2)  # how small the smallest detail of the picture is
FOCUSES: Final = ("whole", "marked")  # what the question is about; coded +1, -1
LAYOUTS: Final = ("single", "panels")  # how the picture is arranged; coded +1, -1
SIGNS: Final = (1.0, -1.0)

DEPTH_PENALTY: Final = 0.7
DEPTH_LOAD: Final = (0.0, 0.7, 1.3)
DEPTH_BY_SKILL: Final = (0.6, 0.8, 0.5, 0.8, 1.2, 1.0)
REASONING_PIVOT: Final = 1.15
FINE_PENALTY: Final = 1.0
FINE_LOAD: Final = (0.0, 0.7, 1.4)
FINE_BY_SKILL: Final = (0.3, 0.7, 1.2, 1.1, 0.4, 0.2)
RESOLUTION_PIVOT: Final = 1.15
FUSION_GAIN: Final = 0.25  # strength of the focus × layout product, which neither modality shows alone
SHARED_DIFFICULTY: Final = 0.7  # variance that all models share on one sample
PICTURE_DIFFICULTY: Final = 0.5  # part of the shared variance that all questions on one picture share

OUTPUT_DEPTH_GROWTH: Final = 0.35
OUTPUT_SIGMA: Final = 0.5
OUTPUT_SIGMA_THINKING: Final = 0.6
MAX_OUTPUT_TOKENS: Final = 7_500  # an output limit as models have one; keeps an answer inside one xlsx cell

TEXT_TOKENS: Final = 45  # typical prompt length and picture tokens, for the population figures alone
PICTURE_TOKENS: Final = 256


@dataclass(frozen=True)
class ModelTraits:
    """One synthetic model: probit ability, sensitivities, output length and price.

    Args:
        model_id: Folder name in the logs.
        ability: Intercept g.
        reasoning: R, how well extra steps are borne.
        resolution: Z, how well small detail is seen.
        fusion: q, gain when focus and layout agree.
        output_median: Median output tokens at depth 0.
        thinking: Whether the model thinks at length before it answers.
        price: USD per million input and output tokens.
        by_skill: Offsets in the order of SKILLS.
        by_kind: Offsets in the order of KINDS.
    """

    model_id: str
    ability: float
    reasoning: float
    resolution: float
    fusion: float
    output_median: float
    thinking: bool
    price: tuple[float, float]
    by_skill: tuple[float, ...]
    by_kind: tuple[float, ...]


@dataclass(frozen=True)
class DatasetMix:
    """How often each attribute value occurs in one dataset (each tuple sums to 1)."""

    name: str
    skills: tuple[float, ...]
    kinds: tuple[float, ...]
    depths: tuple[float, ...]
    fines: tuple[float, ...]


# model id, g, R, Z, q, median output tokens, thinks at length, USD per million input and output tokens
_TRAITS: Final = """
Janus-Pro-1B                 0.5     0   0.1     0    10  0  0.05  0.05
deepseek_vl2_tiny           0.39   0.1  0.55   0.2    12  0  0.05  0.05
SmolVLM2                    0.45   0.1   0.3  -0.2    12  0  0.06  0.06
Kimi-VL-A3B-Thinking-2506   0.48  0.95   0.5  -0.5   380  1   0.2  0.25
Phi-3.5-Vision              0.48  0.25   0.3   0.2    16  0   0.1   0.1
deepseek_vl2                0.47  0.35  0.85   0.5    14  0  0.35   0.5
Janus-Pro-7B                0.63  0.15  0.15     0    12  0  0.18  0.25
MiMo-VL-7B-RL               0.53     1  0.45   0.6   320  1   0.2   0.3
llava_next_vicuna_7b        0.63   0.1     0     0    18  0   0.2   0.2
Qianfan-VL-8B               0.53   0.3     1  -0.6    12  0  0.18  0.25
Pixtral-12B                 0.49   0.4  0.55   0.4    45  0  0.25  0.35
Gemma3-27B                  0.73   0.5  0.35  -0.3    80  0  0.35   0.5
Qwen2.5-VL-32B-Instruct     0.64  0.85  0.65  -0.5   130  0   0.4   0.6
Qwen2.5-VL-72B-Instruct     0.75  0.65   0.9   0.4    30  0   0.8   1.2
InternVL2_5-78B             0.77   0.6  0.75  -0.5    26  0     1   1.5
GeminiFlash2-5              0.74     1   0.6  -0.6   260  1   0.3   2.4
GPT4o                       0.89   0.6   0.4   0.7    55  0   2.5    10
"""

# model id, offset of each skill, offset of each kind of picture
_OFFSETS: Final = """
Janus-Pro-1B                0.225 -0.075 -0.225 -0.225 -0.375 -0.225    0.18 -0.18 -0.18 -0.27     0
deepseek_vl2_tiny               0 -0.075  0.338   0.15 -0.375 -0.375   -0.18 -0.18     0  0.36  0.18
SmolVLM2                    0.262      0 -0.075  -0.15 -0.375 -0.225    0.27 -0.18 -0.18 -0.18  0.18
Kimi-VL-A3B-Thinking-2506  -0.225      0  -0.15      0    0.6  0.075   -0.18  0.27     0 -0.09 -0.27
Phi-3.5-Vision                  0  -0.15 -0.075  0.262 -0.075   0.15       0  0.09  0.36     0 -0.18
deepseek_vl2                 0.15  0.225   0.45   0.15   -0.3 -0.225       0 -0.27 -0.09  0.27  0.54
Janus-Pro-7B                0.375   0.15 -0.375   -0.3   -0.3      0    0.45 -0.18 -0.36 -0.36     0
MiMo-VL-7B-RL              -0.225  0.075  -0.15   0.15  0.675      0   -0.18  0.45  0.09 -0.18 -0.27
llava_next_vicuna_7b        0.375      0  -0.45 -0.375  -0.45 -0.075    0.45 -0.18 -0.45 -0.45     0
Qianfan-VL-8B              -0.225 -0.075  0.525   0.45 -0.075 -0.225   -0.45 -0.18  0.36  0.54     0
Pixtral-12B                     0  0.375 -0.075  0.075 -0.075   0.15   -0.09  0.54     0 -0.09 -0.09
Gemma3-27B                  0.225      0 -0.225  -0.15      0   0.45    0.45     0 -0.27 -0.27  0.09
Qwen2.5-VL-32B-Instruct    -0.075  0.075      0  0.075  0.375  0.075   -0.18  0.09  0.18  0.09 -0.09
Qwen2.5-VL-72B-Instruct         0  0.075  0.225   0.15      0      0   -0.09     0  0.09  0.27  0.18
InternVL2_5-78B             0.225  0.225      0      0 -0.075  0.075    0.27  0.18 -0.09 -0.18  0.09
GeminiFlash2-5             -0.075   -0.3      0   0.15    0.3  0.225   -0.09  0.09  0.36     0 -0.36
GPT4o                       0.225   -0.3 -0.075 -0.075      0  0.525    0.45 -0.18 -0.18 -0.09  0.27
"""

# dataset key, share of each skill, kind, depth and fineness
_MIXES: Final = """
MMBench_DEV_EN_V11  0.45 0.15  0.1 0.05 0.05  0.2    0.6  0.2 0.05 0.05  0.1    0.6  0.3  0.1    0.5 0.35 0.15
MMStar               0.3 0.15  0.1  0.1 0.15  0.2   0.45 0.25 0.15 0.05  0.1    0.4 0.35 0.25    0.4  0.4  0.2
MMMU_DEV_VAL        0.05 0.05  0.1  0.1  0.3  0.4   0.25  0.4  0.2  0.1 0.05   0.25  0.4 0.35    0.4  0.4  0.2
RealWorldQA         0.45  0.3 0.15    0    0  0.1   0.75    0    0    0 0.25    0.6  0.3  0.1    0.3 0.35 0.35
InfoVQA_VAL         0.05  0.1 0.35 0.35  0.1 0.05   0.05 0.15 0.35  0.4 0.05    0.4  0.4  0.2   0.25 0.35  0.4
HallusionBench      0.35  0.2  0.1 0.15 0.05 0.15    0.4  0.2 0.25    0 0.15    0.5 0.35 0.15    0.4 0.35 0.25
MathVista_MINI      0.05 0.15 0.05 0.25  0.4  0.1    0.2 0.35 0.35 0.05 0.05    0.3  0.4  0.3    0.4  0.4  0.2
MathVision_MINI     0.05  0.2    0 0.05 0.65 0.05    0.1 0.75  0.1 0.05    0   0.15 0.35  0.5    0.4  0.4  0.2
MathVerse_MINI      0.05 0.05 0.05  0.1  0.7 0.05      0  0.8  0.1  0.1    0    0.2  0.4  0.4    0.4  0.4  0.2
AI2D_TEST           0.25  0.1  0.2 0.05 0.05 0.35    0.1 0.75  0.1 0.05    0    0.5  0.4  0.1   0.45  0.4 0.15
ChartQA_TEST           0  0.1 0.15  0.5 0.25    0      0 0.05  0.9 0.05    0    0.4  0.4  0.2   0.35  0.4 0.25
DocVQA_VAL             0 0.05 0.65 0.25 0.05    0      0 0.05 0.15 0.75 0.05    0.7 0.25 0.05   0.25  0.4 0.35
TextVQA_VAL         0.15 0.05  0.7 0.05    0 0.05   0.35    0    0  0.1 0.55    0.8 0.15 0.05    0.3  0.4  0.3
OCRBench            0.05 0.05 0.75  0.1 0.05    0   0.15 0.05 0.15 0.35  0.3   0.75  0.2 0.05    0.3 0.35 0.35
"""


def _rows(table: str) -> dict[str, tuple[float, ...]]:
    """Return a text table as name → numbers, in the table's order."""
    cells = (line.split() for line in table.strip().splitlines())
    return {name: tuple(map(float, numbers)) for name, *numbers in cells}


def _models() -> tuple[ModelTraits, ...]:
    offsets = _rows(_OFFSETS)
    models = []
    for name, (g, r, z, q, median, thinks, price_in, price_out) in _rows(_TRAITS).items():
        price, skills, kinds = (price_in, price_out), offsets[name][:6], offsets[name][6:]
        models.append(ModelTraits(name, g, r, z, q, median, bool(thinks), price, skills, kinds))
    return tuple(models)


MODELS: Final = _models()
MODEL_IDS: Final = tuple(model.model_id for model in MODELS)
DATASETS: Final = tuple(
    DatasetMix(name, row[:6], row[6:11], row[11:14], row[14:]) for name, row in _rows(_MIXES).items()
)
DATASET_NAMES: Final = tuple(mix.name for mix in DATASETS)
