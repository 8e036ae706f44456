"""`evaluate.py runs=… dashboard=<entity>/<project>`: the comparison dashboard as a file, then in W&B."""

from pathlib import Path

from vlrb.evaluation.runs import find_runs
from vlrb.tasks.jobs import JobResult
from vlrb.tracking.dashboard import dashboard_spec
from vlrb.tracking.dashboard_upload import modules, upload_dashboard
from vlrb.tracking.guard import reason
from vlrb.utils.config import Plain
from vlrb.utils.console import say
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.files import write_json

DASHBOARD_FILE = "dashboard.json"


def make_dashboard(config: Plain) -> JobResult:
    """Write the dashboard's spec beside the report, then make it in W&B.

    Raises:
        ConfigError: No runs, not `<entity>/<project>`, or the extra is not installed.
        StateError: No finished runs, or W&B refuses or does not answer.
    """
    from vlrb.tasks.evaluate import default_out

    entity, slash, project = str(config["dashboard"]).partition("/")
    if not (entity and slash and project) or "/" in project:
        raise ConfigError(f"dashboard={config['dashboard']} is no W&B project", "dashboard=<entity>/<project>")
    if not config["runs"]:
        raise ConfigError("a dashboard needs to know its runs", f"runs=<sweep | folder | glob> dashboard={entity}/…")
    runs = find_runs(str(config["runs"])).runs
    out = Path(config["out"]) if config["out"] else default_out(str(config["runs"]), config)
    spec = dashboard_spec(runs, entity, project, config["scope"])
    write_json(out / DASHBOARD_FILE, spec)
    say(f"dashboard: {out / DASHBOARD_FILE}")
    modules()
    try:
        address = upload_dashboard(spec)
    except Exception as error:  # whatever W&B raises: no key, no such project, no answer, another version
        raise StateError(f"W&B did not take the dashboard ({reason(error)})", "is `wandb login` done?") from error
    say(f"dashboard: {address}")
    return JobResult("done", out)
