"""What the contract asks of a batch as a whole, beside what Great Expectations checks: balance and freshness."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from data_contracts.findings import Findings
from data_contracts.image_contract import ImageContract, LoopContract

A_DAY = 24 * 3600


def with_balance(found: Findings, labels: Iterable[str], contract: ImageContract) -> Findings:
    """*found* with what is to be said when the images with these *labels*, all of the loop, are not balanced."""
    problem = unbalanced(Counter(labels), contract)
    if problem is None or contract.balance is None:
        return found
    if contract.balance.severity == "error":
        return found.model_copy(update={"stopped": found.stopped or problem})
    return found.model_copy(update={"remarks": (*found.remarks, problem)})


def too_few(counts: Mapping[str, int], contract: ImageContract) -> str | None:
    """Which classes have fewer images than anything is trained on; None when none have."""
    few = {label: counts.get(label, 0) for label in contract.labels if counts.get(label, 0) < contract.smallest_class}
    if not few:
        return None
    told = ", ".join(f"{label} has {count}" for label, count in few.items())
    return f"each class needs {contract.smallest_class} images before anything is trained: {told}"


def unbalanced(counts: Mapping[str, int], contract: ImageContract) -> str | None:
    """Which classes are further apart in their *counts* than the contract allows; None when none are."""
    if contract.balance is None or not any(counts.values()):
        return None
    sizes = {label: counts.get(label, 0) for label in contract.labels}
    smallest, largest = min(sizes, key=lambda label: sizes[label]), max(sizes, key=lambda label: sizes[label])
    allowed = contract.balance.largest_ratio
    if sizes[largest] <= allowed * sizes[smallest]:
        return None
    counted = f"{largest} has {sizes[largest]} images and {smallest} {sizes[smallest]}"
    return f"the classes are not balanced: {counted}; the contract allows {allowed:g} times as many"


def overdue(last: datetime | None, now: datetime, contract: LoopContract) -> str | None:
    """How long no new images came, when that is longer than the contract promises; *last* is the last batch's time."""
    if contract.freshness_days is None or last is None:
        return None
    days = (now - last).total_seconds() / A_DAY
    if days <= contract.freshness_days:
        return None
    asked = f"{contract.freshness_days:g} days"
    whom = f"; ask {contract.owner}" if contract.owner else ""
    return f"The newest images came {days:.1f} days ago; the contract asks for new ones every {asked}{whom}."
