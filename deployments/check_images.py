"""`kaizen check-images`: what the contract makes of a folder of images, changing nothing."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from cloud.settings import FILE
from data_contracts.contract_file import read_contract
from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract
from data_contracts.images import ImageFacts, ImageHeader
from data_contracts.label_sheet import LabelSheet, read_sheet, sheet_among
from decisions.imaging.masks import without_masks
from decisions.ingestion.batch_verdict import KnownImages, judged
from decisions.ingestion.class_folders import class_folder
from decisions.ingestion.file_names import nameless, printable
from decisions.ingestion.image_check import ImageCheck, calibrated, check
from decisions.ingestion.labeling import labeled
from deployments.contract_template import contract_for, distinct
from deployments.headers import check_headers, told_of_headers
from deployments.people import forecast, told
from tasks.intake.contract_check import check_facts
from tasks.intake.facts_cache import cache_file, facts_of_folder
from tasks.intake.image_workers import HeaderFile, shared_workers
from tasks.intake.people import people_finder
from tasks.labels import known_images
from tasks.loop import connect

F = TypeVar("F", bound=ImageHeader)
SHOWN = 20
LEAST_CLASSES = 2


def check_folder(
    folder: Path,
    contract: Path | None,
    against: Path | None,
    *,
    calibrate: bool,
    people: bool = False,
    cache: bool = True,
) -> tuple[list[str], object]:
    """Check the images of *folder*; returns what to print, and the same as a value.

    The contract is the file named, else that of the loop *against*, else the shipped rules with the class folders as
    classes. *against* is the folder of a loop whose accepted images count as known. With *people*, images that Azure
    would probably skip are named. With *cache*, files that are unchanged since an earlier check
    are not examined again. WrongInput without images, or without the extra that *people* needs.
    """
    find = people_finder() if people else None
    files = _files(folder)
    wanted = _contract(folder, files, contract, against)
    images, sheet = _images(files), _sheet(folder, files, wanted)
    seen = facts_of_folder(folder, images, shared_workers, cache_file() if cache else None)
    named, refused = [_shown(fact) for fact in seen], nameless(images)
    if calibrate:
        return _calibration(labeled(named, sheet, wanted)[0])
    verdict = judged(named, sheet, refused, _known(against), wanted, check_facts)
    found = check(verdict, wanted)
    told_first = [f"The contract: {each}" for each in wanted.warnings] if contract or against else []
    lines, value = [*told_first, *_told(folder, found)], found.model_dump(mode="json")
    if find is not None:
        paired = zip(verdict.facts, seen, strict=True)
        made = forecast(folder, [fact.model_copy(update={"file": there.file}) for fact, there in paired], find)
        return [*lines, *told(made)], {**value, "people": made.model_dump(mode="json")}
    return lines, value


def check_headers_of(folder: Path, contract: Path | None, against: Path | None) -> tuple[list[str], object]:
    """Check what the headers of the images of *folder* say, without a look at their pixels; as `check_folder` does."""
    files = _files(folder)
    wanted = _contract(folder, files, contract, against)
    images = _images(files)
    read = shared_workers().headers(HeaderFile(file, (folder / file).resolve()) for file in images)
    headers, unlabeled = labeled([_shown(header) for header in read], _sheet(folder, files, wanted), wanted)
    found = check_headers(headers, [*nameless(images), *unlabeled], wanted)
    return told_of_headers(folder, found), found.model_dump(mode="json")


def _calibration(facts: Sequence[ImageFacts]) -> tuple[list[str], object]:
    rule = calibrated(facts)
    if rule is None:
        told = "No thresholds tell these pictures apart. Under customProperties of the table images in the contract:"
        return [told, "- {property: nearDuplicates, value: null}", "and say with 'group' what tells the parts"], None
    line = f"- {{property: nearDuplicates, value: {{coarse: {rule.coarse}, fine: {rule.fine}}}}}"
    return [f"Under customProperties of the table images in the contract:\n{line}"], rule.model_dump()


def _shown(fact: F) -> F:
    """The fact with a name that can be shown."""
    return fact.model_copy(update={"file": printable(fact.file)})


def _files(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise WrongInput(f"There is no folder {folder}")
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    files = [path.relative_to(folder).as_posix() for path in paths]
    if not files:
        raise WrongInput(f"{folder} has no files; it needs CLASS/FILE.jpg for each class")
    return files


def _contract(folder: Path, files: Sequence[str], named: Path | None, against: Path | None) -> ImageContract:
    if named is not None:
        try:
            return read_contract(named.read_bytes(), name=str(named))
        except OSError as error:
            raise WrongInput(f"The data contract {named} cannot be read: {error.strerror}") from error
    if against is not None:
        return connect(str(_loop(against))).image_contract
    sheet = _sheet(folder, files, None)
    names = map(class_folder, files) if sheet is None else (row.label for row in sheet.rows)
    classes = distinct(name for name in names if name)
    if len(classes) < LEAST_CLASSES:
        raise WrongInput(
            f"{folder} has fewer than two class folders and no labels sheet; name a contract with --contract"
        )
    return read_contract(contract_for(classes), name="the shipped contract")


def _loop(folder: Path) -> Path:
    if not (folder / FILE).exists():
        raise WrongInput(f"{folder} is no loop: it has no {FILE}")
    return folder


def _known(against: Path | None) -> KnownImages:
    if against is None:
        return KnownImages()
    loop = connect(str(against))
    return known_images(loop, loop.state())


def _images(files: Sequence[str]) -> list[str]:
    """The files without the labels sheet and the masks beside images."""
    sheet = sheet_among(files)
    return [file for file in without_masks(files) if file != sheet]


def _sheet(folder: Path, files: Sequence[str], contract: ImageContract | None) -> LabelSheet | None:
    name = sheet_among(files)
    if name is None:
        return None
    column = contract.group_column if contract else None
    return read_sheet((folder / name).read_bytes(), name=str(folder / name), group_column=column)


def _told(folder: Path, found: ImageCheck) -> list[str]:
    reasons = Counter(refusal.code for refusal in (*found.quarantined, *found.conflicts))
    lines = [
        f"{found.images} files in {folder}: {found.accepted} would be accepted,"
        f" {sum(reasons.values())} quarantined, {len(found.duplicates)} known already",
        *(f"  {each.label:<24} {each.count:>6}   {_splits(each.splits)}" for each in found.classes),
    ]
    lines += [f"  {count:>6} {code}" for code, count in reasons.most_common()]
    if found.stopped:
        lines.append(f"A batch of these would not be taken: {found.stopped}")
    lines += _section("Remarks", found.remarks)
    lines += _section("Quarantined", [f"{each.file}: {each.reason}" for each in found.quarantined])
    lines += _section("Warnings", [f"{each.file}: {each.reason}" for each in found.warned])
    lines += _section("Conflicts", [f"{each.file}: {each.reason}" for each in found.conflicts])
    lines += _section("Known already", [f"{each.file}: {each.reason}" for each in found.duplicates])
    lines += _section("Nearly the same", [", ".join(group) for group in found.near_duplicate_groups])
    lines += _section("To look at", [" and ".join(pair) for pair in found.to_review])
    lines += _section("Leaks", [f"{' and '.join(each.files)} ({each.kind})" for each in found.leaks])
    return lines


def _splits(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in counts.items())


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  ... and {len(lines) - SHOWN} more; see --json"] if len(lines) > SHOWN else []
    return [f"{title} ({len(lines)}):", *(f"  {line}" for line in lines[:SHOWN]), *more]
