"""The data contract of a loop in the terms of images: classes, rules, splits; and what every loop's contract says."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from data_contracts.class_answers import alike_at_first
from data_contracts.names import folded
from data_contracts.record import Record

Severity = Literal["error", "warning"]


class ImageClass(Record):
    """One class: what the model answers for it, and under which other names it arrives."""

    name: str = Field(min_length=1)
    description: str = ""
    answer: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    parent: str | None = Field(None, min_length=1, description="The wider class that it is part of.")
    retired: bool = Field(default=False, strict=True, description="No longer asked of the model.")
    successor: str | None = Field(
        None, min_length=1, description="The class that a retired one's images belong to now."
    )
    split_into: tuple[str, ...] = Field((), description="The classes among which a person spreads its images.")
    flips: tuple[Literal["horizontal", "vertical"], ...] = Field(
        (), description="Mirrorings after which an image still is of this class; augmentation may use them."
    )

    @model_validator(mode="after")
    def _one_way_to_go(self) -> Self:
        if self.successor and self.split_into:
            raise ValueError("it has both a successor and splitInto; images can only go one way")
        if len(self.split_into) == 1 or len(set(self.split_into)) < len(self.split_into):
            raise ValueError(f"splitInto {list(self.split_into)} needs two or more different classes")
        return self

    @model_validator(mode="after")
    def _each_flip_once(self) -> Self:
        if len(set(self.flips)) < len(self.flips):
            raise ValueError(f"flips {list(self.flips)} names one twice; name it once")
        return self


class Rule(Record):
    """One quality rule in the terms of Great Expectations.

    An error refuses the image, or the whole batch for a rule of the table; a warning lets it in and is told.
    """

    id: str
    column: str | None = Field(description="The fact that is checked, image by image; None: the rule is of the table.")
    expectation: str
    kwargs: dict[str, Any]
    description: str
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """What the rule is about, for messages."""
        return f"'{self.column}'" if self.column else "the table"


class SplitRule(Record):
    """Shares of the splits and the salt that decides them; the salt never changes in a loop's life."""

    salt: str = Field(min_length=1)
    held_out: float = Field(gt=0, lt=1, strict=True)
    validation: float = Field(ge=0, lt=1, strict=True)

    @model_validator(mode="after")
    def _something_trains(self) -> Self:
        if self.held_out + self.validation >= 1:
            raise ValueError(f"held_out {self.held_out} and validation {self.validation} leave no training images")
        return self


class BalanceRule(Record):
    """How many times more images the largest class of the loop may have than the smallest."""

    largest_ratio: float = Field(ge=1, allow_inf_nan=False, strict=True)
    severity: Severity = "warning"


class NearDuplicateRule(Record):
    """Largest distances, in bits, at which two pictures are nearly the same: of 64-bit and of 256-bit hashes."""

    coarse: int = Field(8, ge=0, le=32, strict=True)
    fine: int = Field(48, ge=0, le=128, strict=True)


class GroupRule(Record):
    """What tells which images show the same part: they stay on one side of every split."""

    model_config = ConfigDict(populate_by_name=True)

    source: Literal["folder", "file name", "column", "seconds"] = Field(
        alias="from",
        description="The folder below the class, a pattern in the file's name, a column of the labels sheet, or shots"
        " of one camera that follow each other closely.",
    )
    pattern: str | None = Field(
        None, description="Regular expression on the file's name; its group 'group', its only group, or all of it."
    )
    column: str | None = Field(None, min_length=1)
    seconds: float | None = Field(
        None, gt=0, strict=True, allow_inf_nan=False, description="Longest pause between two shots."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"file name": "pattern", "column": "column", "seconds": "seconds"}.get(self.source)
        for name in ("pattern", "column", "seconds"):
            if (getattr(self, name) is not None) != (name == needed):
                raise ValueError(f"from '{self.source}' " + (f"needs {name}" if name == needed else f"takes no {name}"))
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern '{self.pattern}' is no regular expression: {error}") from error
        return self


class LoopContract(Record):
    """What the data contract of every loop says, whether its examples are labeled images or chats."""

    id: str
    version: str
    digest: str = Field(description="SHA-256 of the YAML file's bytes.")
    classes: tuple[ImageClass, ...]
    split: SplitRule
    smallest_class: int = Field(
        20, ge=1, strict=True, description="Images that each class needs before anything is trained."
    )
    owner: str | None = Field(None, description="Who answers for the contract.")
    freshness_days: float | None = Field(None, description="Days after which new images are overdue.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes that the model is asked for, in the contract's order."""
        return tuple(each.name for each in self.asked)

    @property
    def asked(self) -> tuple[ImageClass, ...]:
        """The classes that are not retired."""
        return tuple(each for each in self.classes if not each.retired)

    @property
    def examples(self) -> str:
        """What the loop learns from, for messages."""
        return "images"

    @property
    def grading(self) -> str:
        """What decides, beside its label, whether an answer is right; empty where nothing does."""
        return ""

    @property
    def tells_classes(self) -> bool:
        """Whether there are classes to tell apart, so that recalls and confusion matrices say something."""
        return len(self.labels) > 1

    def label_of(self, name: str) -> str | None:
        """The class that *name* means, by its own name or an alias; None when the contract has none.

        For a retired class it is the successor, and the retired class itself where there is none.
        """
        label = self._names().get(folded(name))
        return None if label is None else self.current(label)

    def current(self, label: str) -> str:
        """The class that images labeled *label* belong to now: the successor of a retired class."""
        return next((each.successor for each in self.classes if each.name == label and each.successor), label)

    def counted(self, counts: Mapping[str, int]) -> Mapping[str, int]:
        """*counts* of images per class, those of retired classes with their successors."""
        current: Counter[str] = Counter()
        for label, count in counts.items():
            current[self.current(label)] += count
        return current

    def retired(self, label: str | None) -> ImageClass | None:
        """The retired class *label*, None for one that is still asked for."""
        return next((each for each in self.classes if each.name == label and each.retired), None)

    def answers(self) -> Mapping[str, str]:
        """What the model answers for each label."""
        return {each.name: each.answer for each in self.asked}

    def class_list(self) -> str:
        """The classes as a prompt lists them: their answers, and what each means where it is not the class's name."""
        if all(map(_says_itself, self.asked)):
            return "\n".join(f"- {each.answer}" for each in self.asked)
        lines = [
            f"- {each.answer}" if _says_itself(each) else f"- {each.answer}: {_meaning(each)}" for each in self.asked
        ]
        return "\n".join([*lines, "The name of a class is what stands before a colon."])

    def _names(self) -> Mapping[str, str]:
        return {folded(name): each.name for each in self.classes for name in (*each.aliases, each.answer, each.name)}


class ImageContract(LoopContract):
    """What labeled images of a loop must look like."""

    rules: tuple[Rule, ...]
    group: GroupRule | None = Field(None, description="What tells the group of an image; None: each is its own.")
    near_duplicates: NearDuplicateRule | None = Field(
        NearDuplicateRule(), description="When two pictures are nearly the same; None: only equal pictures are."
    )

    balance: BalanceRule | None = None

    @property
    def group_column(self) -> str | None:
        """The column of a labels sheet that names the group of an image, if the contract takes groups from one."""
        return self.group.column if self.group else None

    def flips(self, label: str) -> Collection[str]:
        """How images of the class may be mirrored; an unknown class allows nothing."""
        return next((each.flips for each in self.classes if each.name == label), ())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What works, but not as well as it could; a sentence each."""
        alike = alike_at_first(self.answers().values())
        groups = "; ".join(", ".join(group) for group in alike)
        told = f"answers may begin with the same token, so one token tells no probability per class: {groups}."
        return (f"{told} Give the classes short answers such as A, B, C",) if alike else ()


def _says_itself(each: ImageClass) -> bool:
    return folded(each.answer) == folded(each.name)


def _meaning(each: ImageClass) -> str:
    """What an answer that is not the class's name means."""
    return " ".join(f"{each.name}. {each.description}".split())
