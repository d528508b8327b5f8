"""Forgetting images: which ones are meant, what no longer counts, and who may not come back."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from data_contracts.errors import WrongInput
from data_contracts.images import ImageFacts, LabeledImage, Refusal, RefusedImage
from data_contracts.ledger import ForgottenOfBatch, ImagesAccepted, ImagesForgotten
from data_contracts.refusal_codes import FORGOTTEN

SHORTEST_PREFIX, DIGITS = 8, 64
Delivered = LabeledImage | RefusedImage
"""What people put into the inbox: accepted or not."""
HEX = frozenset("0123456789abcdef")


def by_digests(images: Sequence[Delivered], wanted: Sequence[str]) -> list[Delivered]:
    """The images whose digests begin with one of *wanted*, each of which has to name exactly one.

    Raises WrongInput for a digest that is too short, names no image, or names several.
    """
    digests: dict[str, Delivered] = {}
    for image in images:
        digests.setdefault(image.digest, image)
    return list({image.digest: image for image in (_named(digests, each.lower()) for each in wanted)}.values())


def by_source(images: Sequence[Delivered], name: str) -> list[Delivered]:
    """The images that *name* contributed: who put them in, their batch, or a folder or file of a batch.

    Whole names count: `monday` is the batch monday, not mondays; `monday/crazing` is a folder of it.
    Raises WrongInput when there is none.
    """
    folder = name.rstrip("/")
    chosen = [each for each in images if each.who == name or _is_of(each.source, folder)]
    if not chosen or not folder:
        known = sorted({each.who for each in images if each.who} | {each.source.partition("/")[0] for each in images})
        near = get_close_matches(name, known, n=1, cutoff=0.5) or known[:1]
        nearest = f"; did you mean '{near[0]}'?" if near else "; the loop has no images"
        raise WrongInput(f"No image comes from '{name}'{nearest}")
    return chosen


def _is_of(source: str, folder: str) -> bool:
    """Whether *source* is the folder or file, lies in it, or is one of its lines."""
    return source == folder or source.startswith((f"{folder}/", f"{folder}:"))


def forgotten_of_batches(images: Iterable[LabeledImage]) -> tuple[ForgottenOfBatch, ...]:
    """How many images of each batch, class and split are among *images*."""
    by_batch: dict[str, list[LabeledImage]] = {}
    for image in images:
        by_batch.setdefault(image.source.partition("/")[0], []).append(image)
    return tuple(
        ForgottenOfBatch(
            batch=batch,
            classes=dict(sorted(Counter(each.label for each in found).items())),
            splits=dict(sorted(Counter(str(each.split) for each in found).items())),
        )
        for batch, found in sorted(by_batch.items())
    )


def less_forgotten(batches: Iterable[ImagesAccepted], event: ImagesForgotten) -> tuple[ImagesAccepted, ...]:
    """The batches with counts that leave out what was forgotten."""
    gone = {each.batch: each for each in event.batches}
    return tuple(_less(batch, gone[batch.batch]) if batch.batch in gone else batch for batch in batches)


def arrived_again(facts: Iterable[ImageFacts], forgotten: Collection[str]) -> list[Refusal]:
    """A refusal for each file whose bytes or pixels are among the digests *forgotten*.

    A forgotten picture is refused for good: nobody has to notice that it came back.
    """
    reason = "this picture was forgotten; see kaizen ledger log"
    known = (fact for fact in facts if fact.digest in forgotten or fact.pixel_digest in forgotten)
    return [Refusal(file=fact.file, code=FORGOTTEN, reason=reason) for fact in known]


def _less(batch: ImagesAccepted, gone: ForgottenOfBatch) -> ImagesAccepted:
    classes, splits = _minus(batch.classes, gone.classes), _minus(batch.splits, gone.splits)
    return batch.model_copy(update={"classes": classes, "splits": splits})


def _minus(counts: Mapping[str, int], gone: Mapping[str, int]) -> dict[str, int]:
    return {name: count - gone.get(name, 0) for name, count in counts.items()}


def _named(digests: Mapping[str, Delivered], wanted: str) -> Delivered:
    if not HEX.issuperset(wanted):
        raise WrongInput(f"'{wanted}' is no digest: its digits are 0 to 9 and a to f")
    if len(wanted) < SHORTEST_PREFIX:
        raise WrongInput(f"'{wanted}' is too short for a digest; give {SHORTEST_PREFIX} or more of its {DIGITS} digits")
    found = [digest for digest in digests if digest.startswith(wanted)]
    if len(found) > 1:
        raise WrongInput(f"'{wanted}' begins {len(found)} digests, such as {found[0]} and {found[1]}; give more digits")
    if not found:
        raise WrongInput(f"No image has the digest '{wanted}'")
    return digests[found[0]]
