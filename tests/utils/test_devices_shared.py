from pathlib import Path

from vlrb.utils.devices import claim_share, cores, default_jobs, visible_gpus


def driver(folder: Path, gpus: int) -> Path:
    for k in range(gpus):
        (folder / f"0000:{k:02d}:00.0").mkdir(parents=True)
    return folder


def test_job_k_gets_gpu_k_mod_n(tmp_path: Path) -> None:
    proc = driver(tmp_path, 3)
    seen = []
    for job in range(5):
        environment: dict[str, str] = {}
        claim_share(job, 3, environment, proc)
        seen.append(environment["CUDA_VISIBLE_DEVICES"])
    assert seen == ["0", "1", "2", "0", "1"]


def test_only_the_gpus_that_were_given_are_shared(tmp_path: Path) -> None:
    proc = driver(tmp_path, 8)
    environment = {"CUDA_VISIBLE_DEVICES": "4,6"}
    claim_share(3, 2, environment, proc)
    assert environment["CUDA_VISIBLE_DEVICES"] == "6"
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, proc) == []


def test_cores_are_divided_and_own_settings_win(tmp_path: Path) -> None:
    environment = {"MKL_NUM_THREADS": "7"}
    claim_share(0, 2, environment, tmp_path / "no driver")
    assert environment == {"MKL_NUM_THREADS": "7", "OMP_NUM_THREADS": str(max(1, cores() // 2))}


def test_one_job_per_gpu(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert default_jobs() == 3
