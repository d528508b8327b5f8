"""Where the tasks of a flow run: in threads of the flow's process, or on a team's Dask or Ray cluster."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cloud.errors import SettingsUnreadable
from cloud.settings import FILE, IngestionSettings

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

OWN_CLUSTER: Mapping[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "dask": ("DaskTaskRunner", lambda n: {"cluster_kwargs": {"n_workers": n, "threads_per_worker": 1}}),
    "ray": ("RayTaskRunner", lambda n: {"init_kwargs": {"num_cpus": n}}),
}
"""The task runner of each library, and what starts a cluster of so many workers on this machine."""


def task_runner(settings: IngestionSettings) -> "TaskRunner[Any]":
    """The task runner that *settings* name, not started yet.

    Without an address Dask and Ray start a cluster of their own on this machine. Raises SettingsUnreadable when the
    package that is needed is not installed.
    """
    if settings.task_runner == "threads":
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=settings.workers)
    package = f"prefect-{settings.task_runner}"
    if find_spec(package.replace("-", "_")) is None:
        raise SettingsUnreadable(
            f"{FILE}: ingestion.task_runner is '{settings.task_runner}', which needs {package}: pip install {package}"
        )
    return _on_cluster(settings, import_module(package.replace("-", "_")))


def _on_cluster(settings: IngestionSettings, library: ModuleType) -> "TaskRunner[Any]":
    kind, own = OWN_CLUSTER[settings.task_runner]
    options = {"address": settings.address} if settings.address else own(settings.workers)
    runner: TaskRunner[Any] = getattr(library, kind)(**options)
    return runner
