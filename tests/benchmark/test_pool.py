import pytest

from vlrb.benchmark.pool import ModelPool
from vlrb.utils.errors import ConfigError, DataError

FOUND = ["a", "b", "c"]


def test_discover_takes_what_is_there():
    assert ModelPool("p").select(FOUND) == [0, 1, 2]
    assert ModelPool("p", exclude=["b"]).select(FOUND) == [0, 2]
    assert ModelPool("p", include=["c", "a"]).select(FOUND) == [0, 2]  # column order, not the order of the list


def test_declared_models_are_taken_and_must_be_there():
    assert ModelPool("p", models={"c": {}, "a": None}).select(FOUND) == [0, 2]
    with pytest.raises(DataError) as error:
        ModelPool("p", models={"a": {}, "x": {}, "y": {}}).select(FOUND)
    assert "no logs of x, y" in error.value.message
    assert "model_pool.exclude=[x,y]" in error.value.hint
    assert ModelPool("p", models={"a": {}, "x": {}}, exclude=["x"]).select(FOUND) == [0]


def test_cards_describe_without_choosing_when_discovering():
    pool = ModelPool("p", models={"b": {"display_name": "Bee"}, "x": {}}, discover=True)
    assert pool.select(FOUND) == [0, 1, 2]
    assert [pool.display_name(model) for model in FOUND] == ["a", "Bee", "c"]


def test_aliases_lead_to_the_pools_id():
    pool = ModelPool("p", models={"GPT4o": {"display_name": "GPT-4o", "aliases": ["gpt-4o-0806"]}})
    assert pool.select(["other", "gpt-4o-0806"]) == [1]
    assert pool.canonical("gpt-4o-0806") == "GPT4o"
    assert pool.display_name("gpt-4o-0806") == "GPT-4o"
    with pytest.raises(DataError, match="are both 'GPT4o'"):
        pool.select(["GPT4o", "gpt-4o-0806"])


def test_cards_and_rules():
    pool = ModelPool("p", models={"a": {"parameters": "7B", "provider": "Us", "picture_rule": "fixed"}})
    assert pool.card("a") == {"id": "a", "display_name": "a", "parameters": "7B", "provider": "Us"}
    assert pool.card("b") == {"id": "b", "display_name": "b", "parameters": None, "provider": None}
    assert pool.picture_rule("a") == "fixed"
    assert pool.picture_rule("b") is None
    assert pool.picture_tokens("a") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": {"a": {"dispaly_name": "A"}}}, "unknown key 'dispaly_name'"),
        ({"models": {"a": {"picture_tokens": -1}}}, "picture_tokens"),
        ({"models": {"a": {"picture_rule": "pixtrall"}}}, "pool p, a: picture rule 'pixtrall': no such rule"),
        ({"models": {"a": {"picture_rule": "pixtral", "picture_tokens": 256}}}, "'pixtral' counts its own"),
        ({"models": {"a": {"picture_rule": "pixtral", "picture_options": {"side": 1}}}}, "a: .*unknown option 'side'"),
        ({"models": {"a": {"picture_options": {"max_side": 1}}}}, "picture_options without a picture_rule"),
        ({"models": {"a": {"picture_rule": "pixtral", "picture_options": 3}}}, "must be a mapping"),
        ({"models": {"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}}}, "more than one model"),
        ({"models": {"a": {"aliases": ["b"]}, "b": {}}}, "more than one model"),
        ({"models": {"a": {}}, "include": ["b"]}, "'b' is not one of its models"),
        ({"models": {"a": {}}, "exclude": ["b"]}, "'b' is not one of its models"),
    ],
)
def test_malformed_pools_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ModelPool("p", **options)


def test_choices_that_leave_nothing_or_name_nobody():
    with pytest.raises(DataError, match="no model is left"):
        ModelPool("p", exclude=FOUND).select(FOUND)
    with pytest.raises(ConfigError) as error:
        ModelPool("p", exclude=["bb"]).select(["aa", "bbb"])
    assert "no such model 'bb'" in error.value.message
    assert "bbb" in error.value.hint
    with pytest.raises(DataError, match="no logs of z"):
        ModelPool("p", include=["z"]).select(FOUND)
