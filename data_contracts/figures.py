"""What an evaluation says in figures; sums over many examples, never a single held-out one."""

from pydantic import Field

from data_contracts.record import Record

Interval = tuple[float, float]


class ClassFigures(Record):
    """One class of one evaluation; None where a share has no examples under it."""

    name: str
    images: int = Field(description="Held-out examples that have this label.")
    answered: int = Field(description="Examples that were answered with it.")
    correct: int
    precision: float | None
    recall: float | None
    recall_interval: Interval | None = Field(description="95 % Wilson interval.")
    f1: float | None


class ConfusedPair(Record):
    """How often one label was answered as another."""

    label: str
    given: str
    images: int
    share: float = Field(description="Of the label's examples.")


class Slice(Record):
    """The examples that have something in common, such as a batch; the small ones count together."""

    kind: str = Field(description="Batch, contributor or group.")
    name: str
    images: int
    correct: int
    accuracy: float
    interval: Interval = Field(description="95 % Wilson interval.")


class LatencyFigures(Record):
    """How long answers took, in milliseconds; failed ones are not counted."""

    answers: int
    percentiles: dict[str, float] = Field(description="The 50th, 90th, 95th and 99th, by number.")
    edges: tuple[float, ...] = Field(description="Of the histogram's bars, one more than there are bars.")
    counts: tuple[int, ...]


class ReliabilityBin(Record):
    """Answers of nearly the same confidence, and how many of them were right."""

    low: float
    high: float
    answers: int
    confidence: float | None = Field(description="Mean; None in an empty bin.")
    accuracy: float | None


class Calibration(Record):
    """How far the model's confidence can be taken at its word."""

    answers: int = Field(description="Answers of which the confidence is known.")
    mean_confidence: float
    accuracy: float = Field(description="Of these answers.")
    expected_error: float = Field(description="Expected calibration error over the bins.")
    bins: tuple[ReliabilityBin, ...]


class Gap(Record):
    """Validation accuracy less held-out accuracy, and what that says."""

    validation_images: int
    validation_accuracy: float
    held_out_accuracy: float
    difference: float
    interval: Interval = Field(description="95 %, Newcombe's method 10 for two independent shares.")
    meaning: str


class ModelFigures(Record):
    """One model's answers to one held-out version."""

    role: str = Field(description="Challenger, champion, base model or local baseline.")
    model: str
    version: str
    images: int
    correct: int
    accuracy: float
    interval: Interval = Field(description="95 % Wilson interval of the accuracy.")
    macro_f1: float | None = Field(description="Mean F1 over the classes that have examples; without an interval.")
    classes: tuple[ClassFigures, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = Field(
        (), description="Rows are labels, columns answers, the last one all that is no label; none for graded texts."
    )
    confused: tuple[ConfusedPair, ...] = Field((), description="Most frequent first.")
    slices: tuple[Slice, ...] = ()
    outcomes: dict[str, int]
    latency: LatencyFigures | None = Field(description="None where nothing was answered.")
    prompt_tokens: int
    completion_tokens: int
    usd: float | None = Field(description="Of these answers by the price table; None for a model it does not know.")
    calibration: Calibration | None = Field(description="None where the service told no probabilities.")
