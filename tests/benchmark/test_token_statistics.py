"""Token statistics of the tiny benchmark by hand, the two ways of counting, and the files they are written to."""

import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vlrb.benchmark.build import stale_parts
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.plot import TokenFigure, draw_tokens
from vlrb.benchmark.tokens.statistics import TokenArrays, token_table

NAN = float("nan")
CARDS = {"large": {"picture_rule": "qwen_dynamic"}, "mid": {"picture_tokens": 5}}  # `small` is left to the default


def statistics(root):
    return pd.read_csv(root / "reports/token_statistics.csv").set_index(["dataset", "model_id"])


def test_statistics_by_hand(build, root):
    build()
    table = statistics(root)
    row = table.loc[("B", "small")]  # texts 2 3 1, pictures 2 0 1 of 10 tokens, answers 1 1 3
    assert row[["n", "input_count", "input_missing"]].tolist() == [3, 3, 0]
    assert row[["text_mean", "picture_mean", "input_mean", "input_total"]].tolist() == pytest.approx([2, 10, 12, 36])
    assert row[["output_mean", "output_median", "output_max", "output_total"]].tolist() == pytest.approx(
        [5 / 3, 1, 3, 5]
    )
    assert table.loc[("B", "large"), ["output_count", "output_missing"]].tolist() == [2, 1]
    assert list(table.index[-4:]) == [("all", "large"), ("all", "mid"), ("all", "small"), ("all", "all")]
    assert len(table) == 3 * 4  # two datasets and all, three models and all


def test_by_model_totals_the_input_of_every_record_and_published_of_every_sample(build, root, choices):
    # texts 2 5 1 2 3 1 = 14 tokens, six pictures; answers 2 3 1 1 1 – | 1 1 1 1 1 1 | 0 1 1 1 1 3: 8 + 6 + 7 = 21
    build()
    row = statistics(root).loc[("all", "all")]
    assert row["input_count"] == 18
    assert row["input_total"] == 3 * (14 + 6 * 10)
    assert row[["output_count", "output_missing", "output_total"]].tolist() == [17, 1, 21]
    published = TokenCounter("tekken", choices["tokens"].tokenizer, picture_tokens=10, count="published")
    bench = build(tokens=published, pool=ModelPool("cards", models=CARDS, discover=True))
    assert bench.tokens_in.tolist() == [[text + 256 * pictures] * 3 for text, pictures in zip(
        (2, 5, 1, 2, 3, 1), (1, 1, 1, 2, 0, 1), strict=True)]  # fmt: skip
    row = statistics(root).loc[("all", "all")]
    assert row["input_count"] == 6
    assert row["input_total"] == 14 + 6 * 256
    assert row["input_mean"] == pytest.approx((14 + 6 * 256) / 6)
    assert row[["output_count", "output_total"]].tolist() == [17, 21]
    report = (root / "reports/token_statistics.md").read_text(encoding="utf-8")
    assert "tokens.count=published" in report
    assert "| together |  |  | 1,571 |" in report  # 14 + 1536 + 21


def test_the_way_of_counting_alone_renews_inputs_and_reports_but_not_costs(build, root, source, choices, capsys):
    tokenizer = choices["tokens"].tokenizer
    by_model = TokenCounter("tekken", tokenizer)  # 256 a picture as well: the matrix stays the same
    published = TokenCounter("tekken", tokenizer, count="published")
    build(tokens=by_model)
    assert stale_parts(root, source, **{**choices, "tokens": published}) == ["tokens_in"]
    capsys.readouterr()
    build(tokens=published)
    out = capsys.readouterr().out
    assert "tokens_in: way of counting changed" in out
    assert "reports/tokens: way of counting changed" in out
    assert "costs" not in out
    assert statistics(root).loc[("all", "all"), "input_count"] == 6


def test_own_rules_reach_the_matrix_the_costs_and_the_cards(build, root, source):
    for name, size in {"p": (56, 56), "q": (280, 28), "r": (28, 28), "s": (56, 84)}.items():
        Image.new("RGB", size).save(source.root / f"{name}.png")
    picture = source._picture
    sizes = {"p": (56, 56), "q": (280, 28), "r": (28, 28), "s": (56, 84)}
    source._picture = lambda name: {**picture(name), "width": sizes[name][0], "height": sizes[name][1]}
    bench = build(pool=ModelPool("cards", models=CARDS, discover=True))
    # large: p 4, q 10, r 4 (enlarged), s 6 tokens; pictures p q p qr – s beside texts 2 5 1 2 3 1
    assert bench.tokens_in[:, 0].tolist() == [6, 15, 5, 16, 3, 7]
    assert bench.tokens_in[:, 1].tolist() == [7, 10, 6, 12, 3, 6]  # 5 a picture
    assert bench.tokens_in[:, 2].tolist() == [12, 15, 11, 22, 3, 11]  # 10 a picture
    assert bench.costs("list").C[0, 0] == pytest.approx(6 * 2e-6 + 2 * 1e-5)
    card = bench.models[0]
    assert (card["picture_rule"], card["picture_tokens"]) == ("qwen_dynamic", None)
    assert card["picture_options"] == {"min_pixels": 3136, "max_pixels": 12845056}
    assert "| fixed (picture_tokens 5) | mid |" in (root / "reports/token_statistics.md").read_text(encoding="utf-8")


def test_a_picture_of_unknown_size_is_missing_counted_and_spoils_nothing_else(build, root, source):
    picture = source._picture
    source._picture = lambda name: {**picture(name), **({"width": None, "height": None} if name == "s" else {})}
    bench = build(pool=ModelPool("cards", models={"large": {"picture_rule": "pixtral"}}, discover=True))
    # one patch and its row end for pictures of 4 × 2; B/2 alone shows s
    assert bench.tokens_in[:, 0].tolist() == pytest.approx([4, 7, 3, 6, 3, NAN], nan_ok=True)
    assert bench.tokens_in[5, 1:].tolist() == [11, 11]
    assert np.isnan(bench.costs("list").C[5, 0])
    table = statistics(root)
    row = table.loc[("B", "large")]  # B/0: 2 + 4, B/1: 3
    assert row[["input_count", "input_missing", "input_total"]].tolist() == [2, 1, 9]
    assert row[["text_mean", "picture_mean"]].tolist() == [2.5, 2]
    assert table.loc[("A", "large"), "input_missing"] == 0
    assert table.loc[("all", "all"), "input_missing"] == 1
    report = (root / "reports/token_statistics.md").read_text(encoding="utf-8")
    assert "| large | 1 | 1 |" in report
    assert "Size unknown: 1 of 6 pictures." in report


def test_the_published_34_million():
    """30,540 samples × 17 models: 301 input tokens a sample once, 48.7 a record of output."""
    samples, models, text, output = 30_540, 17, 45, 48.7
    total = samples * (text + 256) + samples * models * output
    assert samples * models == 519_180
    assert round(total / 1e6, 1) == 34.5
    assert samples * models * (text + 256) > 4 * total  # counted for every record, inputs alone would be 156 million


def random_arrays(n=400, models=5, counting="by_model"):
    rng = np.random.default_rng(0)
    samples = pd.DataFrame({"sample_id": [f"s{i}" for i in range(n)], "dataset": rng.choice(["X", "Y", "Z"], n)})
    text = rng.integers(1, 10, n)
    tokens_in = text[:, None] + rng.integers(0, 300, (n, models)).astype(np.float32)
    tokens_out = rng.integers(0, 500, (n, models)).astype(np.float32)
    tokens_in[rng.random((n, models)) < 0.1] = NAN
    tokens_out[rng.random((n, models)) < 0.2] = NAN
    return TokenArrays(tokens_in, tokens_out, text, samples, [f"m{k}" for k in range(models)], counting)


def test_statistics_against_plain_loops():
    arrays = random_arrays()
    table = token_table(arrays)
    assert len(table) == 4 * 6
    for row in table.itertuples():
        rows = [i for i, name in enumerate(arrays.samples["dataset"]) if row.dataset in (name, "all")]
        columns = [m for m, name in enumerate(arrays.model_ids) if row.model_id in (name, "all")]
        cells = [(i, m) for i in rows for m in columns]
        inputs = [(arrays.tokens_in[c], arrays.text[c[0]]) for c in cells if not np.isnan(arrays.tokens_in[c])]
        outputs = [arrays.tokens_out[c] for c in cells if not np.isnan(arrays.tokens_out[c])]
        assert row.n == len(rows)
        assert (row.input_count, row.input_missing) == (len(inputs), len(cells) - len(inputs))
        assert (row.output_count, row.output_missing) == (len(outputs), len(cells) - len(outputs))
        assert row.input_total == pytest.approx(sum(total for total, _ in inputs))
        assert row.text_mean == pytest.approx(np.mean([text for _, text in inputs]))
        assert row.picture_mean == pytest.approx(np.mean([total - text for total, text in inputs]))
        assert row.output_median == pytest.approx(np.median(outputs))
        assert row.output_max == max(outputs)


def test_a_model_without_any_answer():
    arrays = random_arrays(n=30)
    arrays.tokens_out[:, 2] = NAN
    row = token_table(arrays).set_index(["dataset", "model_id"]).loc[("all", "m2")]
    assert row[["output_count", "output_missing", "output_total"]].tolist() == [0, 30, 0]
    assert np.isnan(row["output_mean"])


@pytest.fixture
def figure():
    arrays = random_arrays()
    arrays.tokens_out[:, 1] = NAN
    arrays.tokens_in[:, 3] = NAN
    names = {"m0": "costs $5 or $6", "m2": "模型", "m4": "a_name_that_is_much_too_long_for_a_plot"}
    return TokenFigure(token_table(arrays), arrays.tokens_out, names, "test")


def test_the_figure_is_the_same_every_time_and_leaves_settings_alone(figure, tmp_path, recwarn):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    for name in ("a.png", "b.png"):
        draw_tokens(figure, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 1690
        assert not set(image.info) - {"dpi"}  # no date, no version
        assert len(image.convert("L").getcolors(256)) > 20
    assert dict(mpl.rcParams) == before
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_statistics_and_figure_of_a_full_size_benchmark_take_moments(tmp_path):
    arrays = random_arrays(n=30_540, models=17)
    start = time.process_time()
    table = token_table(arrays)
    draw_tokens(TokenFigure(table, arrays.tokens_out, {}, "full size"), tmp_path / "f.png")
    assert time.process_time() - start < 3  # about 1 s on an idle machine
