"""All that the report of an iteration says, as its pages, its JSON and Prefect's artifacts show it."""

from pydantic import Field

from data_contracts.evaluation import ClassTest
from data_contracts.figures import Gap, Interval, ModelFigures
from data_contracts.learning_curve import LearningCurves
from data_contracts.price_figures import PricesCompared
from data_contracts.record import Record


class RuleFigure(Record):
    """One rule of the gate with what was found."""

    rule: str
    figure: str
    asked: str = Field(description="What the rule asks for; empty where the figure is only told.")
    held: bool | None = Field(description="None where the figure is only told.")


class Misclassified(Record):
    """A validation image that the challenger answered wrongly."""

    image: str
    label: str
    given: str | None = Field(description="None where the answer is no label.")
    outcome: str
    confidence: float | None


class Comparison(Record):
    """The paired answers of challenger and champion, as the gate counted them."""

    champion: str
    n: int
    losses: int
    wins: int
    p_superior: float
    interval: Interval = Field(description="95 % interval of the gain.")


class IterationReport(Record):
    """One iteration, with figures of each model that answered its held-out version."""

    loop: str
    iteration: int
    outcome: str
    verdict: str | None = Field(description="Code of the gate; None where it did not come to a decision.")
    action: str | None
    reason: str
    answered: str | None = Field(description="Who answered where the gate asked, and why.")
    dry_run: bool = False
    comparison: Comparison | None = None
    rules: tuple[RuleFigure, ...] = ()
    class_tests: tuple[ClassTest, ...] = ()
    remarks: tuple[str, ...] = ()
    labels: tuple[str, ...] = Field((), description="Empty in a loop of chats.")
    models: tuple[ModelFigures, ...] = ()
    prices: PricesCompared | None = None
    gap: Gap | None = None
    learning: LearningCurves = Field(LearningCurves(), description="From the iterations up to this one.")
    misclassified: tuple[Misclassified, ...] = Field((), description="Of the validation images only.")
    training: tuple[str, ...] = ()
    parent: str
    model: str | None
    dataset: str | None
    examples: dict[str, int] = Field(default_factory=dict, description="Of the dataset, by split.")
    hyperparameters: dict[str, str] = Field(default_factory=dict)
    cost: float = Field(description="US dollars booked.")
    seconds: float | None

    def model_in(self, role: str) -> ModelFigures | None:
        """The figures of the model in a *role*; None where none was evaluated in it."""
        return next((each for each in self.models if each.role == role), None)
