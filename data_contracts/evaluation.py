"""Answers of a model to held-out images, and what they add up to."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_contracts.record import Record


class Outcome(StrEnum):
    """What an answer turned out to be; everything is wrong but a label of the list, and a text that a grader passed."""

    LABEL = "label"
    TEXT = "text"
    OFF_LIST = "off_list"
    EMPTY = "empty"
    REFUSED = "refused"
    FILTERED = "filtered"
    FAILED = "failed"


class AnswerToken(Record):
    """One token of an answer with its natural log-probability, and the likeliest tokens in its place."""

    text: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = Field((), description="Token and log-probability, likeliest first.")


class RawAnswer(Record):
    """What came back from a model deployment for one image."""

    text: str = ""
    refused: bool = False
    filtered: bool = False
    failure: str | None = Field(None, description="Why there is no answer after all retries.")
    tokens: tuple[AnswerToken, ...] = Field((), description="Of the text; none where the service tells none.")
    put_off: int = Field(0, description="Times that the service had no room for the question (429).")
    latency_ms: float | None = Field(0, description="None in a batch, which does not tell.")
    prompt_tokens: int = 0
    completion_tokens: int = 0


class LabelProbability(Record):
    """How probable a label was to the model."""

    label: str
    probability: float = Field(ge=0, le=1)


class Answer(Record):
    """A model's answer to one labeled image."""

    image: str
    expected: str
    given: str | None = Field(None, description="None unless the answer is a label of the list.")
    text: str | None = Field(None, description="The answer in a chat, which a grader judged.")
    passed: bool | None = Field(None, description="What the grader said; None where an answer is to be a label.")
    outcome: Outcome
    failure: str | None = Field(None, description="Why there is no answer, if the service failed.")
    confidence: float | None = Field(None, description="Probability of the answer given; None where it is not known.")
    probabilities: tuple[LabelProbability, ...] = Field(
        (), description="Of each label, where their answers differ in the first token."
    )
    put_off: int = Field(0, description="Times that the service had no room for the question (429).")
    latency_ms: float | None = Field(description="None where a batch answered.")
    prompt_tokens: int
    completion_tokens: int

    @property
    def by_batch(self) -> bool:
        """Whether the answer came in a batch, at its price, and nobody measured how long it took."""
        return self.latency_ms is None

    @property
    def correct(self) -> bool:
        """Whether the model gave the expected label, or the grader passed its text."""
        return self.given == self.expected if self.passed is None else self.passed


class Evaluation(Record):
    """All answers of one model to one held-out version."""

    model: str
    held_out_version: str
    answers: tuple[Answer, ...]

    @property
    def correct(self) -> int:
        """How many answers are right."""
        return sum(answer.correct for answer in self.answers)

    @property
    def accuracy(self) -> float:
        """Share of right answers; an evaluation always has at least one."""
        return self.correct / len(self.answers)

    @property
    def failure_share(self) -> float:
        """Share of images without an answer because the service failed; all of them when nothing was answered."""
        if not self.answers:
            return 1.0
        return sum(answer.outcome is Outcome.FAILED for answer in self.answers) / len(self.answers)

    def recall(self, labels: Sequence[str]) -> Mapping[str, float | None]:
        """Share of each class's images that were answered rightly; None where a class has no image."""
        return {label: self._recall_of(label) for label in labels}

    def _recall_of(self, label: str) -> float | None:
        mine = [answer.correct for answer in self.answers if answer.expected == label]
        return sum(mine) / len(mine) if mine else None


class PairedAnswer(Record):
    """What champion and challenger said to the same held-out image; None for an answer off the list."""

    image: str
    expected: str
    champion: str | None
    challenger: str | None
    champion_passed: bool | None = Field(None, description="What the grader said of a text; None for a label.")
    challenger_passed: bool | None = None

    @property
    def champion_right(self) -> bool:
        """Whether the champion's answer is right."""
        return self.champion == self.expected if self.champion_passed is None else self.champion_passed

    @property
    def challenger_right(self) -> bool:
        """Whether the challenger's answer is right."""
        return self.challenger == self.expected if self.challenger_passed is None else self.challenger_passed


class PairedCounts(Record):
    """What the challenger lost and won against another model on the same images, by groups that show one part.

    An answer that the service lost is wrong; how many losses and wins are nothing else is told beside them.
    """

    losses: int = Field(ge=0, description="Images that only the other model had right.")
    wins: int = Field(ge=0, description="Images that only the challenger had right.")
    losses_by_failure: int = Field(0, ge=0, description="Of the losses, those where the challenger's answer was lost.")
    wins_by_failure: int = Field(0, ge=0, description="Of the wins, those where the other's answer was lost.")
    group_net_wins: tuple[int, ...] = Field(
        (), description="Wins less losses of each group of images that show the same part; empty: not grouped."
    )
    group_images: tuple[int, ...] = Field((), description="Images of each group; empty where they are not known.")
    group_losses_by_failure: tuple[int, ...] = ()
    group_wins_by_failure: tuple[int, ...] = ()

    def check(self, images: int) -> None:
        """Raise ValueError for counts that cannot be."""
        if self.losses + self.wins > images:
            raise ValueError(f"{self.losses} losses and {self.wins} wins of {images} images cannot be")
        if self.losses_by_failure > self.losses or self.wins_by_failure > self.wins:
            by_failure = f"{self.losses_by_failure} losses and {self.wins_by_failure} wins"
            raise ValueError(f"{by_failure} by failure are more than {self.losses} and {self.wins} in all")
        if not self.group_net_wins:
            return
        if sum(self.group_net_wins) != self.wins - self.losses:
            raise ValueError(f"the groups won {sum(self.group_net_wins)}, the images {self.wins - self.losses}")
        for of_groups, whole in (
            (self.group_images, images),
            (self.group_losses_by_failure, self.losses_by_failure),
            (self.group_wins_by_failure, self.wins_by_failure),
        ):
            if of_groups and (len(of_groups) != len(self.group_net_wins) or sum(of_groups) != whole):
                raise ValueError(
                    f"{len(of_groups)} groups of {sum(of_groups)} in all are not the "
                    f"{len(self.group_net_wins)} groups of {whole}"
                )


class ClassTable(PairedCounts):
    """Paired result on a part of the images, those of one class or of one batch."""

    images: int = Field(ge=0)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.check(self.images)
        return self

    @property
    def n(self) -> int:
        """Images that were compared."""
        return self.images


class Rival(PairedCounts):
    """Another model beside the challenger: images that both answered; losses only it had right, wins only the other."""

    name: str
    n: int = Field(ge=0)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.check(self.n)
        return self


class Running(Record):
    """What a model's answers took; None where it is not known."""

    median_ms: float | None = None
    tier: str | None = Field(None, description="Of the model deployment that answered.")
    usd_per_1000: float | None = Field(None, description="US dollars for 1,000 answers.")


class PromotionEvidence(PairedCounts):
    """Everything the gate looks at; losses are images only the champion had right, wins the reverse."""

    n: int = Field(ge=0)
    classes: Mapping[str, ClassTable] = Field(
        default_factory=dict, description="By name; none where classes are not compared."
    )
    champion_failure_share: float = Field(0, ge=0, le=1, allow_inf_nan=False)
    challenger_failure_share: float = Field(0, ge=0, le=1, allow_inf_nan=False)
    complete: bool = Field(default=True, description="False when an image has no answer of one of the two.")
    uses_left: int = Field(description="Uses of the held-out version left, this one included.")
    alpha_per_use: float = Field(ge=0, lt=1, allow_inf_nan=False)
    leak_found: bool = False
    classes_changed: bool = Field(default=False, description="Whether the champion was trained on other classes.")
    bars_missed: tuple[str, ...] = Field((), description="Why the classes that were added are not good enough yet.")
    anchor: Rival | None = Field(None, description="The best champion so far; None where the champion is that.")
    worse_cohorts: tuple[str, ...] = Field((), description="Batches that the challenger answers worse.")
    champion_running: Running = Running()
    challenger_running: Running = Running()
    first: bool = Field(default=False, description="Whether the base model stands in for a champion.")
    correct: int | None = Field(None, ge=0, description="Right answers of the challenger; None where nobody counted.")
    local: Rival | None = Field(None, description="The local baseline; None where it was not measured.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.check(self.n)
        return self


class Code(StrEnum):
    """The gate's verdict."""

    PROMOTE = "PROMOTE"
    """Proved better at this use's significance, on enough images, without any warning."""
    REJECT = "REJECT"
    """Proved worse, overall or on a class; or, as a first model, proved below the smallest accuracy."""
    HUMAN_SUPERIOR_WITH_WARNINGS = "HUMAN_SUPERIOR_WITH_WARNINGS"
    """Proved better, but something speaks against it that a person has to weigh."""
    HUMAN_NON_INFERIOR = "HUMAN_NON_INFERIOR"
    """Not proved better, but proved at most the margin worse."""
    HUMAN_INCONCLUSIVE = "HUMAN_INCONCLUSIVE"
    """Nothing is proved either way."""
    HUMAN_BUDGET_EXHAUSTED = "HUMAN_BUDGET_EXHAUSTED"
    """The held-out version may decide no more, whatever it shows."""
    HUMAN_CLASS_CHANGE = "HUMAN_CLASS_CHANGE"
    """The champion was trained on other classes, so the two can be compared in part only."""
    HUMAN_NO_COMPARISON = "HUMAN_NO_COMPARISON"
    """There is neither a champion nor a base model to compare with."""
    INVALID_RERUN = "INVALID_RERUN"
    """Answers are missing or too many were lost: nothing was learned, and no use is spent."""


class Action(StrEnum):
    """What follows from a verdict."""

    PROMOTE = "promote"
    KEEP = "keep"
    ASK = "ask"
    RERUN = "rerun"


class ClassTest(Record):
    """Whether the challenger is worse than the champion on a class."""

    name: str
    images: int
    losses: int
    wins: int
    p: float = Field(description="Exact one-sided test for harm, adjusted for the number of classes by Holm.")


class PromotionDecision(Record):
    """A verdict, what follows from it, and why in one sentence."""

    code: Code
    action: Action
    reason: str
    delta: float = Field(description="Gain in accuracy, challenger less champion.")
    p_superior: float
    p_harm: float
    p_noninferior: float
    interval: tuple[float, float] = Field(description="95 % interval of the gain.")
    harmed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    class_tests: tuple[ClassTest, ...] = Field((), description="Likeliest harm first.")
    doubts: tuple[str, ...] = Field((), description="What would keep a better challenger from being promoted.")
    remarks: tuple[str, ...] = Field((), description="What else was compared, or could not be.")
    p_midp: float = Field(1.0, description="Mid-p value of the images, shown beside the exact one.")
