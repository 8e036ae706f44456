"""From the plain dashboard to W&B's own objects (package `wandb-workspaces`), and to the server."""

from collections.abc import Mapping
from typing import Any

from vlrb.tracking.dashboard import COLUMNS, ROWS
from vlrb.utils.errors import ConfigError

INSTALL = 'pip install -e ".[wandb-dashboard]"'


def modules() -> tuple[Any, Any]:
    """Return the modules of workspaces and of panels.

    Raises:
        ConfigError: The package is not installed.
    """
    try:
        from wandb_workspaces import workspaces
        from wandb_workspaces.reports import v2 as panels
    except ModuleNotFoundError as error:
        raise ConfigError("a dashboard needs the package 'wandb-workspaces'", INSTALL) from error
    return workspaces, panels


def make_workspace(spec: Mapping[str, Any]) -> Any:  # noqa: ANN401 - wandb_workspaces.workspaces.Workspace
    """Return W&B's workspace object of a spec; nothing is sent.

    Raises:
        ConfigError: The package is not installed.
    """
    ws, wr = modules()
    filters = [ws.Config(key).isin(list(values)) for key, values in spec["filters"].items()]
    return ws.Workspace(
        entity=spec["entity"],
        project=spec["project"],
        name=spec["name"],
        sections=[
            ws.Section(
                name=section["name"],
                panels=[_panel(wr, panel, spec["entity"]) for panel in section["panels"]],
                is_open=True,
                layout_settings=ws.SectionLayoutSettings(columns=COLUMNS, rows=ROWS),
            )
            for section in spec["sections"]
        ],
        runset_settings=ws.RunsetSettings(
            filters=filters,
            groupby=[ws.Config(spec["group_by"])],
            pinned_columns=[f"summary:{key}" for key in spec["pinned"]],
        ),
    )


def upload_dashboard(spec: Mapping[str, Any]) -> str:
    """Make the spec's charts and its workspace on the server; return the address.

    Raises:
        ConfigError: The package is not installed.
    """
    workspace = make_workspace(spec)
    import wandb

    api = wandb.Api()
    for chart in spec["charts"]:
        api.create_custom_chart(
            entity=spec["entity"],
            name=chart["name"],
            display_name=chart["title"],
            spec_type="vega2",
            access="private",
            spec=chart["spec"],
        )
    workspace.save()
    return str(workspace.url)


def _panel(wr: Any, panel: Mapping[str, Any], entity: str) -> Any:  # noqa: ANN401 - W&B's modules and panels
    match panel["kind"]:
        case "scatter":
            axes = {axis: _figure(wr, panel[axis]) for axis in ("x", "y", "z") if axis in panel}
            given = {"log_x": panel.get("log_x"), "running_ymax": panel.get("frontier")}
            return wr.ScatterPlot(title=panel["title"], **axes, **{k: v for k, v in given.items() if v is not None})
        case "bars":
            metrics = [_figure(wr, metric) for metric in panel["metrics"]]
            return wr.BarPlot(title=panel["title"], metrics=metrics, orientation="h")
        case "lines":
            return wr.LinePlot(title=panel["title"], x=panel["x"], y=list(panel["metrics"]))
        case "chart":
            chart = wr.CustomChart.from_table(panel["table"], dict(panel["fields"]), dict(panel["strings"]))
            chart.chart_name = f"{entity}/{panel['chart']}"
            return chart
        case other:
            raise ConfigError(f"a panel of unknown kind {other!r} in the dashboard")


def _figure(wr: Any, reference: Mapping[str, str]) -> Any:  # noqa: ANN401 - W&B's modules and metrics
    kind = wr.Config if reference["from"] == "config" else wr.SummaryMetric
    return kind(reference["key"])
