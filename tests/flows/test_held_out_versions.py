"""Which held-out version decides: one stays until it is worn or hurt, and the reserve follows it."""

from pathlib import Path

import pytest

from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import Actor, HeldOutLookedAt, HeldOutVersionMade, IterationClosed, IterationOpened
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from flows.ingest_images import ingest_images
from tasks.datasets import freeze_dataset, held_out_images, held_out_in_force
from tasks.labels import labeled_images
from tasks.loop import Loop, Turn
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

POLICY = PromotionPolicy(smallest_held_out=6)
PERSON = Actor(name="test", established="command line")


def begun(folder: LoopFolder, number: int) -> HeldOutVersionMade:
    """The held-out version of a new iteration, which learns from all batches that there are."""
    loop = folder.loop()
    batches = len(loop.state().batches)
    opened = IterationOpened(number=number, reason="any", parent="any", champion=None, image_batches=batches)
    loop.ledger.write(loop.authorship(PERSON), number, opened)
    turn = Turn(folder=folder.name, iteration=number, fence=1)
    freeze_dataset.fn(turn, TrainingPolicy())
    return held_out_in_force.fn(turn, POLICY)


def ended(loop: Loop, number: int, *, looks: int) -> None:
    """The iteration is over, and the version in force was looked at so many times."""
    version = loop.state().held_out
    assert version
    for _ in range(looks):
        look = HeldOutLookedAt(version=version.version, champion="any", challenger="other")
        loop.ledger.write(loop.authorship(PERSON), number, look)
    over = IterationClosed(number=number, outcome="kept the champion", reason="any")
    loop.ledger.write(loop.authorship(PERSON), number, over)


def accepted_held_out(loop: Loop) -> list[LabeledImage]:
    return [image for image in labeled_images(loop, loop.state()) if image.split is Split.HELD_OUT]


@pytest.fixture
def decided(loop_folder: LoopFolder, images: Path) -> tuple[LoopFolder, HeldOutVersionMade]:
    """A loop with a held-out version from its first batch, and a second batch after that."""
    files = sorted(images.glob("*/*"))
    loop_folder.deliver("one", files[::2])
    ingest_images(loop_folder.name)
    version = begun(loop_folder, 1)
    loop_folder.deliver("two", files[1::2])
    ingest_images(loop_folder.name)
    return loop_folder, version


def test_held_out_images_that_came_later_wait_in_the_reserve(decided: tuple[LoopFolder, HeldOutVersionMade]) -> None:
    folder, version = decided
    loop = folder.loop()
    ended(loop, 1, looks=version.uses - 1)

    assert begun(folder, 2) == version
    assert loop.state().reserve == len(accepted_held_out(loop)) - version.images > 0


def test_an_exhausted_version_is_followed_by_the_reserve_and_keeps_its_images_to_itself(
    decided: tuple[LoopFolder, HeldOutVersionMade],
) -> None:
    folder, version = decided
    loop = folder.loop()
    waiting = loop.state().reserve
    ended(loop, 1, looks=version.uses)
    following = begun(folder, 2)

    assert (following.reason.partition(":")[0], following.images, following.continues) == ("exhausted", waiting, None)
    old, new = ({image.digest for image in held_out_images(loop, each)} for each in (version, following))
    assert not old & new
    assert (loop.state().reserve, loop.state().uses_spent) == (0, 0)
