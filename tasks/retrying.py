"""How patient a task is: one policy with one name, and only for what may pass by itself."""

from typing import Any

from prefect.cache_policies import NO_CACHE

from cloud.errors import CloudUnavailable


def _may_pass(_task: object, _run: object, state: Any) -> bool:
    return isinstance(state.data, CloudUnavailable) or isinstance(
        state.result(raise_on_failure=False), CloudUnavailable
    )


PATIENTLY: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": [2, 5, 15, 60],
    "retry_condition_fn": _may_pass,
    "cache_policy": NO_CACHE,
}
"""Four retries, only for CloudUnavailable; nothing is cached, for every step finds out what was done already."""
