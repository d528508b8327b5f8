"""`roll_back` and `revive_deployment`: an earlier model back into production, a deleted model deployment to life."""

from typing import cast

from prefect import flow
from prefect.states import Completed

from cloud.errors import CloudUnavailable
from data_contracts.ledger import RolledBack
from data_contracts.record import Record
from decisions.swap.way_back import WayBack
from tasks.swap.reviving import Revived, revive
from tasks.swap.rolling_back import find_way_back, point_back

ATTEMPTS = 3


class Back(Record):
    """Which model answers in production after a roll-back."""

    iteration: int | None
    model_deployment: str | None
    revived: bool = False
    told: str


@flow(name="roll_back", persist_result=False)
def roll_back(why: str, folder: str = ".", iteration: int | None = None, who: str | None = None) -> Back:
    """Point production of the loop in *folder* back to the model of *iteration*, by default the champion before.

    Takes seconds where its model deployment is alive, whatever other runs do; else it is deployed first. *who* wants
    it goes into the ledger as claimed. Raises WrongInput where there is nowhere to go.
    """
    target = find_way_back(folder, iteration, why)
    back = (
        Back(iteration=iteration, model_deployment=None, told="Production uses that model already; nothing was changed")
        if target is None
        else go_back(folder, target, why, who)
    )
    return cast("Back", Completed(message=back.told, data=back))


def go_back(folder: str, target: WayBack, why: str, who: str | None) -> Back:
    """Make sure that the model answers, and point to it; raises CloudUnavailable where it is deleted time and again."""
    anew = False
    for _ in range(ATTEMPTS):
        anew = revive(folder, target.model_deployment).anew or anew
        rolled = point_back(folder, target, why, who)
        if rolled is not None:
            return Back(
                iteration=target.iteration,
                model_deployment=target.model_deployment,
                revived=anew,
                told=_told(rolled, anew=anew),
            )
    raise CloudUnavailable(f"{target.model_deployment} was deleted again and again while it was revived; run it again")


def _told(rolled: RolledBack, *, anew: bool) -> str:
    how = "was deployed anew for it" if anew else "was alive"
    return (
        f"Production uses the model of iteration {rolled.to_iteration} again, {rolled.model_deployment}, which {how}; "
        f"{rolled.previous_model_deployment} stays for a while to go back to"
    )


@flow(name="revive_deployment", persist_result=False)
def revive_deployment(name: str, folder: str = ".") -> Revived:
    """Deploy the deleted model deployment *name* of the loop in *folder* again, from its recipe in the ledger.

    Raises WrongInput where the ledger knows none of that name.
    """
    revived = revive(folder, name)
    return cast("Revived", Completed(message=revived.told, data=revived))
