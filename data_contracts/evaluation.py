"""Answers of a model to held-out images, and what they add up to."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import Field

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


class ClassTable(Record):
    """Paired result of one class: its images, and what the challenger lost and won on them."""

    images: int
    losses: int
    wins: int


class Rival(Record):
    """Another model beside the challenger: images that both answered; losses only it had right, wins only the other."""

    name: str
    n: int = Field(ge=0)
    losses: int = Field(ge=0)
    wins: int = Field(ge=0)


class Running(Record):
    """What a model's answers took; None where it is not known."""

    median_ms: float | None = None
    tier: str | None = Field(None, description="Of the model deployment that answered.")
    usd_per_1000: float | None = Field(None, description="US dollars for 1,000 answers.")


class PromotionEvidence(Record):
    """Everything the gate looks at; losses are images only the champion had right, wins the reverse."""

    n: int = Field(ge=0)
    losses: int = Field(ge=0)
    wins: int = Field(ge=0)
    classes: Mapping[str, ClassTable] = Field(default_factory=dict)
    group_net_wins: tuple[int, ...] = Field(
        (), description="Wins less losses of each group of images that show the same part; empty: not grouped."
    )
    champion_failure_share: float = 0
    challenger_failure_share: float = 0
    complete: bool = Field(default=True, description="False when an image has no answer of one of the two.")
    uses_left: int = Field(description="Uses of the held-out version left, this one included.")
    alpha_per_use: float
    leak_found: bool = False
    classes_changed: bool = Field(default=False, description="Whether the champion was trained on other classes.")
    bars_missed: tuple[str, ...] = Field((), description="Why the classes that were added are not good enough yet.")
    anchor: Rival | None = Field(None, description="The best champion so far; None where the champion is that.")
    worse_cohorts: tuple[str, ...] = Field((), description="Batches that the challenger answers worse.")
    champion_running: Running = Running()
    challenger_running: Running = Running()
    first: bool = Field(default=False, description="Whether the base model stands in for a champion.")
    correct: int | None = Field(None, description="Right answers of the challenger; None where nobody counted.")
    local: Rival | None = Field(None, description="The local baseline; None where it was not measured.")

    @property
    def grouped(self) -> bool:
        """Whether groups, not images, are what the test counts: some group has several images."""
        return 0 < len(self.group_net_wins) < self.n


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


class PromotionDecision(Record):
    """A verdict, what follows from it, and why in one sentence."""

    code: Code
    action: Action
    reason: str
    delta: float = Field(description="Gain in accuracy, challenger less champion.")
    p_superior: float
    p_harm: float
    p_noninferior: float
    interval: tuple[float, float] = Field(description="95 % Tango interval of the gain.")
    harmed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    remarks: tuple[str, ...] = Field((), description="What else was compared, or could not be.")
    p_midp: float = Field(1.0, description="Mid-p value of the images, shown beside the exact one.")
