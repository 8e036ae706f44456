"""Every picture-token rule: by hand, and against the code that the models themselves use where it is installed."""

import math
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vlrb.benchmark.tokens import picture_rules
from vlrb.benchmark.tokens.pictures import Pictures, find_rule, rule_names, takes_number
from vlrb.utils.errors import ConfigError

NAN = float("nan")
NEEDS_NO_SIZE = {"fixed", "clip_grid"}

# name, options, width × height, tokens: the arithmetic beside each
BY_HAND = [
    ("fixed", {}, (640, 480), 256),
    ("fixed", {"picture_tokens": 576}, (640, 480), 576),
    ("clip_grid", {}, (640, 480), 24 * 24),  # 336 / 14
    ("clip_grid", {"image_size": 384, "patch_size": 14}, (640, 480), 27 * 27),  # 384 / 14 = 27.4
    ("llava_next", {}, (336, 336), 576 + 24 * 25),  # in 336 × 672: the picture's 24 of 48 rows are left
    (
        "llava_next",
        {},
        (2000, 300),
        576 + 10 * 73,
    ),  # 1008 × 336: 72 columns; ⌊300 · 72 / 2000⌋ = 10 of 24 rows, 7 cut at each end
    ("qwen_dynamic", {}, (28, 28), 4),  # 784 < 3136: enlarged to 56 × 56
    ("qwen_dynamic", {}, (1400, 700), 50 * 25),
    ("qwen_dynamic", {}, (42, 3000), 2 * 107),  # 42 / 28 = 1.5 → 2 (to even), 3000 / 28 = 107.1
    ("qwen_dynamic", {"max_pixels": 784 * 16}, (560, 560), 16),  # scaled to 112 × 112
    ("qwen_dynamic", {"min_pixels": 784 * 1280}, (560, 560), 36 * 36),  # √1280 = 35.8 → 36
    ("qwen_dynamic", {}, (2010, 10), NAN),  # 201 : 1
    ("gpt4o_tiles", {}, (150, 150), 85 + 170),
    ("gpt4o_tiles", {}, (512, 512), 85 + 170),
    ("gpt4o_tiles", {}, (513, 512), 85 + 2 * 170),
    ("gpt4o_tiles", {}, (1024, 1024), 765),  # OpenAI's guide
    ("gpt4o_tiles", {}, (2048, 4096), 1105),  # OpenAI's guide
    ("gpt4o_tiles", {"detail": "low"}, (4096, 8192), 85),  # OpenAI's guide
    ("gpt4o_tiles", {}, (3072, 1536), 85 + 170 * 3 * 2),  # 2048 × 1024 → 1536 × 768: exactly three tiles
    ("gpt4o_tiles", {}, (4096, 100), 85 + 170 * 4 * 1),  # 2048 × 50
    ("gpt4o_tiles", {}, (1920, 1080), 85 + 170 * 3 * 2),  # 1365 × 768
    ("internvl_tiles", {}, (100, 100), 256),  # 1 × 1
    (
        "internvl_tiles",
        {},
        (900, 900),
        256 * 5,
    ),  # 810,000 > ½ · 4 · 448² = 401,408, not > ½ · 9 · 448² = 903,168: 2 × 2
    ("internvl_tiles", {}, (1000, 1000), 256 * 10),  # 3 × 3
    ("internvl_tiles", {"max_tiles": 6}, (1000, 1000), 256 * 5),
    ("internvl_tiles", {}, (4000, 300), 256 * 13),  # 13.3 : 1 is closest to 12 × 1
    ("pixtral", {}, (16, 16), 1 * 2),
    ("pixtral", {}, (17, 16), 1 * 3),
    ("pixtral", {}, (2048, 1024), 32 * 65),  # → 1024 × 512
    ("pixtral", {"max_side": 512}, (1024, 1024), 32 * 33),
    ("kimi_dynamic", {}, (28, 29), 1 * 2),
    ("kimi_dynamic", {"max_patches": 4096}, (1792, 1792), 32 * 32),  # 128² patches → 64²
    ("gemini_tiles", {}, (10, 384), 258),
    ("gemini_tiles", {}, (385, 385), 258 * 2 * 2),  # ⌊385 / 1.5⌋ = 256
    ("gemini_tiles", {}, (960, 540), 258 * 6),  # Google's example
    ("gemini_tiles", {}, (2000, 2000), 258 * 3 * 3),  # 1333 → 768
    ("phi3_crops", {}, (336, 336), 757),  # 2 × 2: 5 · 144 + 1 + 3 · 12
    ("phi3_crops", {}, (1000, 250), 5 * 144 + 1 + 2 * 12),  # one row of 4
    ("phi3_crops", {}, (250, 1000), 5 * 144 + 1 + 5 * 12),  # 4 rows of one
    ("phi3_crops", {"max_crops": 16}, (1344, 1008), 1921),
    ("smolvlm_tiles", {}, (100, 100), 81 * 17),  # always enlarged: 4 × 4 and the overview
    ("smolvlm_tiles", {}, (1536, 300), 81 * 5),
    ("smolvlm_tiles", {"longest_edge": 384}, (640, 480), 81),
    ("smolvlm_tiles", {"longest_edge": 2048, "tile_side": 512, "tile_tokens": 64}, (640, 480), 64 * 13),
    ("deepseek_vl2", {}, (384, 384), 210 + 1 + 14 * 15),
    ("deepseek_vl2", {}, (5000, 5000), 210 + 1 + 42 * 43),  # 3 × 3
    ("deepseek_vl2", {}, (300, 700), 210 + 1 + 28 * 15),  # one column of 2
]


def sizes_of(*sizes):
    return np.array(sizes, np.float64)


@pytest.mark.parametrize(("name", "options", "size", "tokens"), BY_HAND)
def test_rules_by_hand(name, options, size, tokens):
    found = find_rule(name, options).tokens(sizes_of(size))
    assert found.tolist() == pytest.approx([tokens], nan_ok=True)


def test_every_rule_is_worked_out_by_hand():
    assert {name for name, *_ in BY_HAND} == set(rule_names())


@pytest.mark.parametrize("name", rule_names())
def test_a_picture_of_unknown_size_has_no_tokens_and_spoils_no_other(name):
    known, mixed = sizes_of((640, 480), (33, 999)), sizes_of((640, 480), (NAN, NAN), (33, 999))
    rule = find_rule(name)
    found = rule.tokens(mixed)
    assert found[[0, 2]].tolist() == rule.tokens(known).tolist()
    assert np.isnan(found[1]) == (name not in NEEDS_NO_SIZE)
    assert rule.tokens(np.zeros((0, 2))).shape == (0,)


def test_low_detail_needs_no_size():
    assert find_rule("gpt4o_tiles", {"detail": "low"}).tokens(sizes_of((NAN, NAN))).tolist() == [85]


@pytest.mark.parametrize("name", rule_names())
def test_every_picture_has_a_whole_positive_number_of_tokens(name):
    found = find_rule(name).tokens(random_sizes(5000))
    assert (found > 0).all()
    assert (found == np.floor(found)).all()


@pytest.mark.parametrize("name", rule_names())
def test_a_benchmark_of_full_size_takes_well_under_a_second(name):
    rng = np.random.default_rng(3)
    pictures = Pictures(np.arange(31_000), rng.integers(20, 4000, (31_000, 2)).astype(np.float64), 31_000)
    start = time.process_time()
    tokens = pictures.tokens(find_rule(name))
    assert time.process_time() - start < 0.8
    assert tokens[:50].tolist() == find_rule(name).tokens(pictures.sizes[:50]).tolist()


def test_pictures_of_a_sample_add_up_and_equal_sizes_are_looked_up():
    sizes = sizes_of((56, 56), (28, 112), (56, 56), (NAN, NAN), (56, 56))
    pictures = Pictures(np.array([0, 0, 2, 3, 3]), sizes, 4)
    assert pictures.tokens(find_rule("qwen_dynamic")).tolist() == pytest.approx([8, 0, 4, NAN], nan_ok=True)
    assert pictures.unknown_sizes() == 1


@pytest.mark.parametrize(
    ("name", "options", "message", "hint"),
    [
        ("qwen_dynamc", {}, "no such rule", "did you mean 'qwen_dynamic'"),
        ("qwen_dynamic", {"max_pixel": 5}, "unknown option 'max_pixel'", "did you mean 'max_pixels'"),
        ("llava_next", {"max_tiles": 5}, "unknown option 'max_tiles'", "no options"),
        ("qwen_dynamic", {"max_pixels": "many"}, "whole number ≥ 1, not 'many'", ""),
        ("qwen_dynamic", {"max_pixels": True}, "whole number", ""),
        ("internvl_tiles", {"max_tiles": 0}, "whole number ≥ 1", ""),
        ("fixed", {"picture_tokens": -1}, "whole number ≥ 0", ""),
        ("gpt4o_tiles", {"detail": "hihg"}, "detail must be one of high, low", "did you mean 'high'"),
    ],
)
def test_rules_and_options_that_do_not_exist(name, options, message, hint):
    with pytest.raises(ConfigError, match=message) as error:
        find_rule(name, options)
    assert hint in (error.value.hint or "")


def test_rules_say_what_they_are():
    assert str(find_rule("llava_next")) == "llava_next"
    rule = find_rule("internvl_tiles", {"max_tiles": 6})
    assert str(rule) == "internvl_tiles (max_tiles 6)"
    assert rule.plain() == {
        "picture_rule": "internvl_tiles",
        "picture_tokens": None,
        "picture_options": {"max_tiles": 6},
    }
    assert rule != find_rule("internvl_tiles")
    assert find_rule("internvl_tiles", {"max_tiles": 12}) == find_rule("internvl_tiles")
    assert [name for name in rule_names() if takes_number(name)] == ["fixed"]


# --- against the models' own code, on sizes that cover thin, small and large pictures --------------------------------


def random_sizes(count, seed=0):
    """Sizes of 16 … 4000 pixels, log-uniform, and special ones: squares, multiples and their neighbours."""
    rng = np.random.default_rng(seed)
    free = np.exp(rng.uniform(math.log(16), math.log(4000), (count, 2))).round()
    grid = rng.choice([28, 336, 384, 448, 512], (count, 2)) * rng.integers(1, 8, (count, 2)) + rng.integers(
        -1, 2, (count, 2)
    )
    squares = np.repeat(rng.integers(16, 3000, (count // 4, 1)), 2, axis=1)
    sizes = np.concatenate([free, grid, squares]).astype(np.float64)
    return sizes[sizes.max(axis=1) / sizes.min(axis=1) < 150]


def compare(rule, theirs, sizes):
    expected = [theirs(int(width), int(height)) for width, height in sizes]
    found = rule.tokens(sizes)
    wrong = np.flatnonzero(found != expected)
    assert not len(wrong), [(sizes[i].tolist(), found[i], expected[i]) for i in wrong[:5]]


@pytest.mark.parametrize("limits", [{}, {"min_pixels": 1003520}, {"max_pixels": 200_000}])
def test_qwen_dynamic_is_smart_resize(limits):
    qwen = pytest.importorskip("transformers.models.qwen2_vl.image_processing_qwen2_vl")
    theirs = {"min_pixels": 3136, "max_pixels": 12845056} | limits

    def tokens(width, height):
        down, across = qwen.smart_resize(height, width, 28, **theirs)
        return down * across // 784

    compare(find_rule("qwen_dynamic", limits), tokens, random_sizes(4000))


def test_llava_next_is_its_processor():
    utils = pytest.importorskip("transformers.image_processing_utils")
    llava = pytest.importorskip("transformers.models.llava_next.processing_llava_next")
    canvases = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]  # height, width
    processor = object.__new__(llava.LlavaNextProcessor)

    def tokens(width, height):
        down, across = utils.select_best_resolution([height, width], canvases)
        left, breaks = processor._get_unpadded_features(height, width, 24, 24, down // 336, across // 336)
        return 576 + left + breaks

    compare(find_rule("llava_next"), tokens, random_sizes(4000))


@pytest.mark.parametrize("most", [6, 12])
def test_internvl_tiles_are_its_processors(most):
    got = pytest.importorskip("transformers.models.got_ocr2.image_processing_got_ocr2")

    def tokens(width, height):
        across, down = got.get_optimal_tiled_canvas((height, width), (448, 448), 1, most)
        return 256 * (across * down + (across * down > 1))

    compare(find_rule("internvl_tiles", {"max_tiles": most}), tokens, random_sizes(4000))


def test_pixtral_is_mistrals_encoder():
    image = pytest.importorskip("mistral_common.tokens.tokenizers.image")
    encoder = image.ImageEncoder(image.ImageConfig(16, 1024), image.SpecialImageIDs(img=1, img_break=2, img_end=3))

    class Sized:
        def __init__(self, *size):
            self.size = size

    def tokens(width, height):
        columns, rows = encoder._image_to_num_tokens(Sized(width, height))
        return (columns + 1) * rows

    compare(find_rule("pixtral"), tokens, random_sizes(4000))


def test_kimi_dynamic_is_the_resize_of_its_successor():
    kimi = pytest.importorskip("transformers.models.kimi_k25.image_processing_kimi_k25")

    def tokens(width, height):
        _, (down, across) = kimi.navit_resize(height, width, 14, 2, 16384, 512)
        return down * across // 784

    compare(find_rule("kimi_dynamic"), tokens, random_sizes(4000))


def test_smolvlm_tiles_are_its_processors():
    smolvlm = pytest.importorskip("transformers.models.smolvlm.image_processing_smolvlm")
    options = {"size": {"longest_edge": 1536}, "max_image_size": {"longest_edge": 384}}
    processor = smolvlm.SmolVLMImageProcessor()

    def tokens(width, height):
        tiles, _, _ = processor.get_number_of_image_patches(height, width, options)
        return 81 * max(tiles, 1)

    compare(find_rule("smolvlm_tiles"), tokens, random_sizes(4000))


def test_deepseek_vl2_chooses_canvases_as_llava_next_does():
    utils = pytest.importorskip("transformers.image_processing_utils")
    canvases = [(384 * m, 384 * n) for m in range(1, 10) for n in range(1, 10) if m * n <= 9]  # paper, section 2.1

    def tokens(width, height):
        down, across = (side // 384 for side in utils.select_best_resolution((height, width), canvases))
        return 14 * 15 + 1 + 14 * down * (14 * across + 1)

    compare(find_rule("deepseek_vl2"), tokens, random_sizes(2000))


def test_phi3_crops_against_a_plain_loop():
    def tokens(width, height):
        long, short = max(width, height), min(width, height)
        scale = max(s for s in range(1, 5) if s * math.ceil(s / (long / short)) <= 4)
        across = math.ceil(int(scale * 336 / (long / short)) / 336)
        rows = scale if width < height else across
        return (scale * across + 1) * 144 + 1 + (rows + 1) * 12

    compare(find_rule("phi3_crops"), tokens, random_sizes(4000))


def test_gpt4o_tiles_against_exact_fractions():
    from fractions import Fraction

    def tokens(width, height):
        sides = [Fraction(width), Fraction(height)]
        if max(sides) > 2048:
            sides = [side * 2048 / max(sides) for side in sides]
        if min(sides) > 768:
            sides = [side * 768 / min(sides) for side in sides]
        return 85 + 170 * math.ceil(sides[0] / 512) * math.ceil(sides[1] / 512)

    compare(find_rule("gpt4o_tiles"), tokens, random_sizes(4000))


def test_the_table_in_the_docs_is_what_the_rules_say():
    page = (Path(__file__).parents[2] / "docs/tokens.md").read_text(encoding="utf-8").splitlines()
    head = next(line for line in page if line.startswith("| Rule | 336"))
    sizes = sizes_of(*(tuple(map(int, cell.split("×"))) for cell in head.split("|")[2:-1]))
    start = page.index(head) + 2
    rows = page[start : page.index("", start)]
    shown = {row.split("`")[1]: [float(cell.replace(",", "")) for cell in row.split("|")[2:-1]] for row in rows}
    assert shown == {name: find_rule(name).tokens(sizes).tolist() for name in rule_names()}
    described = [line.split("`")[1] for line in page if line.startswith("| `") and line not in rows]
    assert set(described) - {"by_model", "published"} == set(rule_names())


def test_the_recipe_for_a_rule_works_to_the_letter(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs/tokens.md").read_text(encoding="utf-8")
    (tmp_path / "area.py").write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    monkeypatch.setattr(picture_rules, "__path__", [*picture_rules.__path__, str(tmp_path)])
    assert find_rule("area", {"pixels": 500}).tokens(sizes_of((100, 101), (NAN, NAN))).tolist() == pytest.approx(
        [21, NAN], nan_ok=True
    )  # 10,100 / 500 = 20.2
    with pytest.raises(ConfigError, match="pixels must be a whole number"):
        find_rule("area", {"pixels": 1.5})
    sys.modules.pop(f"{picture_rules.__name__}.area")
