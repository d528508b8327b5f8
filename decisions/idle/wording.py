"""What is said about model deployments that are idle or not: the same facts in the same words."""

from datetime import datetime

from data_contracts.idle import ObservedDeployment
from decisions.idle.dates import Dates, is_developer


def moment(at: datetime) -> str:
    """A moment in words, to the minute."""
    return f"{at:%Y-%m-%d %H:%M %Z}"


def planned_in_words(seen: ObservedDeployment, found: Dates, saved_per_day: float, *, late: bool) -> str:
    """Why a model deployment is to be deleted, in one sentence."""
    what = "no customer has called it"
    if "champion" in seen.roles:
        what = "the champion is to be parked: no customer has called it"
    elif "orphan" in seen.roles:
        what = "its iteration is over and no customer has called it"
    if is_developer(seen.sku):
        return f"{what} since it was created, and Azure ends the developer tier's 24 hours on {moment(found.azure)}"
    date = f"Azure would delete it on {moment(found.azure)}"
    if late:
        date = f"it is late, for Azure may delete it from {moment(found.azure)} on"
    return f"{what} since {moment(found.customers_silent_since)}, {date}, and it costs ${saved_per_day:,.2f} a day"


def left_in_words(found: Dates) -> str:
    """Why a model deployment is not idle yet."""
    if found.idle_since > found.customers_silent_since:
        return f"a customer's call until {moment(found.idle_since)} cannot be ruled out"
    return f"a customer called it, or it was created, on {moment(found.idle_since)}"
