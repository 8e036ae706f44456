"""Launchers and sweepers: what is said of those that are not there, and our defaults."""

from collections.abc import Callable

import pytest

from vlrb.utils import launchers
from vlrb.utils.devices import claim_share, cores, default_jobs

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("group", "option", "extra"),
    [
        ("hydra/launcher", "ray", "ray"),
        ("hydra/launcher", "submitit_slurm", "submitit"),
        ("hydra/sweeper", "optuna", "optuna"),
    ],
)
def test_a_missing_plugin_names_its_extra(group: str, option: str, extra: str) -> None:
    error = launchers.check_option(group, option)
    assert error is not None
    assert str(error).splitlines() == [
        f"{group}={option} needs packages that are not installed",
        f'  → pip install -e ".[{extra}]"',
    ]


def test_other_groups_are_not_its_business() -> None:
    assert launchers.check_option("router", "ray") is None


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("hydra/launcher=jobib", ["hydra/launcher=jobib", "did you mean 'joblib'", "basic"]),
        ("hydra/sweeper=optun", ["hydra/sweeper=optun", "did you mean 'optuna'", "jobs"]),
        ("preset=vlc_lamda", ["did you mean 'vlc_lambda'"]),
    ],
)
def test_a_misspelt_name_gets_the_nearest(call: Call, word: str, parts: list[str]) -> None:
    code, _, err = call("train", "-m", word, "lambda=0,1")
    assert code == 1
    assert err.startswith("error: ")
    assert all(part in err for part in parts), err
    assert "Traceback" not in err


def test_two_cores_run_two_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlrb.utils.devices.visible_gpus", list)
    for have, jobs in ((1, 1), (2, 2), (4, 2), (8, 4), (64, 32)):
        monkeypatch.setattr("vlrb.utils.devices.cores", lambda have=have: have)
        assert default_jobs() == jobs


def test_jobs_with_several_gpus_get_blocks_of_them() -> None:
    seen = []
    for job in range(4):
        environment = {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}
        claim_share(job, 2, environment, devices=2)
        seen.append(environment["CUDA_VISIBLE_DEVICES"])
    assert seen == ["0,1", "2,3", "0,1", "2,3"]
    assert environment["OMP_NUM_THREADS"] == str(max(1, cores() // 2))
