"""Policies: the thresholds of a loop as typed values, which the Prefect UI shows as forms."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, field_validator, model_validator

from data_contracts.limits import current_limits
from data_contracts.record import Record

Share = Annotated[float, Field(ge=0, le=1)]


TrainingMode = Literal["continue", "restart"]
"""Where a job starts: from the champion's checkpoint, or from the base model."""
TrainingType = Literal["Standard", "GlobalStandard", "Developer"]
"""Azure's training tiers; they decide the price per token."""


def _in_words(name: str, _field: object) -> str:
    return name.replace("_", " ").capitalize()


class Policy(Record):
    """Thresholds of one kind; fields without a title of their own are called by their name in words."""

    model_config = ConfigDict(field_title_generator=_in_words)


class BudgetPolicy(Policy):
    """What a loop may spend, in US dollars by the price table; empty for no limit."""

    per_iteration_usd: float | None = Field(
        None, gt=0, title="Per iteration", description="US dollars of training, evaluation and hosting until decided."
    )
    per_month_usd: float | None = Field(
        None, gt=0, title="Per month", description="US dollars in a calendar month, UTC, hosting included."
    )


class AugmentationPolicy(Policy):
    """Changed copies of training images; each range is off at 0."""

    copies: int = Field(0, ge=0, le=10, title="Copies", description="Changed copies of each training image; 0 is off.")
    seed: int = Field(
        42, ge=0, title="Seed", description="The same seed and images give the same copies, byte for byte."
    )
    rotation: float = Field(10, ge=0, le=180, title="Rotation", description="Degrees at most, either way.")
    flips: bool = Field(
        default=True,
        title="Flips",
        description="Mirror copies at random, but only those of classes whose `flips` in the contract allow it.",
    )
    scale: float = Field(0.1, ge=0, le=0.5, title="Scale", description="Share larger or smaller at most.")
    shift: float = Field(0.05, ge=0, le=0.5, title="Shift", description="Share of width and height at most.")
    crop: float = Field(0, ge=0, le=0.5, title="Crop", description="Share of each side cut off at most.")
    brightness: float = Field(0.15, ge=0, le=0.9, title="Brightness", description="Share brighter or darker at most.")
    contrast: float = Field(0.15, ge=0, le=0.9, title="Contrast", description="Share stronger or weaker at most.")
    saturation: float = Field(0, ge=0, le=1, title="Saturation", description="Share more or less colourful at most.")
    greyscale: Share = Field(0, title="Greyscale", description="Share of the copies that lose their colours.")
    blur: float = Field(0, ge=0, le=10, title="Blur", description="Radius in pixels at most.")
    noise: float = Field(0, ge=0, le=0.5, title="Noise", description="Standard deviation at most, as a share of white.")
    background: Share = Field(
        0, title="Background", description="Share of the copies with a new background, of images with a mask."
    )
    masking: float = Field(0, ge=0, le=0.5, title="Masking", description="Share of the area covered at most.")


class TrainingPolicy(Policy):
    """When and how a loop fine-tunes."""

    base_model: str = Field("gpt-4.1-2025-04-14", description="Model that the first iteration starts from.")
    training_types: tuple[TrainingType, ...] = Field(
        ("GlobalStandard",),
        min_length=1,
        title="Training tiers",
        description="Azure's training tiers in order; the next one is taken when one is refused or its queue is full.",
    )
    n_epochs: int = Field(3, ge=1, le=10, title="Epochs", description="Passes over the training images.")
    batch_size: int | None = Field(None, ge=1, description="Examples per step; empty lets Azure choose.")
    learning_rate_multiplier: float | None = Field(None, gt=0, le=10, description="Empty lets Azure choose.")
    seed: int = Field(42, ge=0, description="The same seed and data give a comparable job.")
    detail: Literal["low", "high", "auto"] = Field("low", description="Image detail, which decides its tokens.")
    prefer: TrainingMode = Field(
        "continue", description="Continue from the champion's checkpoint, or restart from the base model each time."
    )
    longest_chain: int = Field(
        3, ge=1, description="Continuations in a row after which training restarts from the base model."
    )
    restart_share: float = Field(
        0.3, gt=0, description="New images, as a share of those of the last restart, from which training restarts."
    )
    replay_per_new: float = Field(
        1.0, ge=0, description="Earlier images that are shown again for each new one when training continues."
    )
    continue_epochs: int = Field(
        2, ge=1, le=10, title="Epochs when continuing", description="Passes over new and replayed images."
    )
    smallest_addition: int = Field(
        50, ge=1, description="New training images that make another iteration worth its money."
    )
    attempts: int = Field(2, ge=1, le=5, description="Jobs an iteration may buy when Azure fails one.")
    settling_minutes: float = Field(
        10, ge=0, description="How long an answer that was lost may still turn up in Azure's list of jobs."
    )
    budget: BudgetPolicy = Field(
        BudgetPolicy(), title="Budget", description="What exceeds it is refused before anything is uploaded or bought."
    )
    largest_loss_share: Share = Field(
        0.05, description="Share of the training examples that Azure may leave out before the iteration is stopped."
    )
    deadline_hours: float = Field(72, gt=0, description="How long a job may take before a person is asked.")
    balance: Literal["none", "repeat"] = Field(
        "none",
        title="Class balance",
        description="repeat: images of rare classes appear more often, up to the count of the largest class.",
    )
    largest_repeat: int = Field(
        5, ge=1, le=50, title="Largest repeat", description="How often an image may appear to balance its class."
    )
    augmentation: AugmentationPolicy = Field(
        default_factory=AugmentationPolicy,
        title="Augmentation",
        description="Changed copies of the training images; validation and held-out images are never changed.",
    )

    @property
    def training_type(self) -> TrainingType:
        """The tier that is asked for first."""
        return self.training_types[0]

    @model_validator(mode="before")
    @classmethod
    def _one_tier(cls, given: Any) -> Any:
        """Take `training_type`, as the setting was called when there could be one only."""
        if not isinstance(given, dict) or "training_type" not in given:
            return given
        if "training_types" in given:
            raise ValueError("training_type and training_types are both set; keep training_types")
        rest = {name: value for name, value in given.items() if name != "training_type"}
        return {**rest, "training_types": (given["training_type"],)}


class PromotionPolicy(Policy):
    """When a challenger takes the champion's place."""

    smallest_held_out: int = Field(
        200,
        ge=1,
        title="Smallest held-out set",
        description="Held-out images below which a person decides, not the gate.",
    )
    alpha: Share = Field(
        0.05,
        title="Chance of a false promotion",
        description="Over all uses of a held-out version; each use gets its part.",
    )
    target_gain: Share | Literal["auto"] = Field(
        "auto",
        description="Gain of accuracy worth finding, 0.02 for 2 points; auto takes the smallest that leaves four uses.",
    )
    largest_number_of_uses: int = Field(20, ge=1, description="Uses of one held-out version at most.")
    margin: Share = Field(
        0.02,
        title="Margin of not being worse",
        description="Loss of accuracy that still counts as not worse; 0.02 is 2 points.",
    )
    harm_alpha: Share = Field(
        0.05,
        title="Significance of harm",
        description="p-value at which a challenger that lost, overall or on a class, is rejected.",
    )
    class_drop: Share = Field(
        0.05,
        title="Drop of a class",
        description="Drop of a class's recall that a person has to see; 0.05 is 5 points.",
    )
    class_drop_images: int = Field(
        30, ge=1, title="Images for a drop", description="Held-out images of a class from which its drop is looked at."
    )
    largest_failure_share: Share = Field(
        0.02,
        title="Failed answers",
        description="Share of the answers lost to failures above which an evaluation does not count and is made again.",
    )
    when_inconclusive: Literal["keep", "ask"] = Field(
        "keep", description="Without proof: keep the champion, or ask a person."
    )
    smallest_accuracy: Share = Field(
        0.5,
        title="Smallest accuracy",
        description="Held-out accuracy below which a first challenger, without a champion to beat, is rejected.",
    )
    local_baseline: Literal["require", "report", "off"] = Field(
        "require",
        title="Local baseline",
        description=(
            "A small local model trained on the same images. require: a first challenger that is worse waits for a "
            "person; report: only shown; off: not trained."
        ),
    )
    critical_classes: tuple[str, ...] = Field(
        (),
        title="Critical classes",
        description="Names of classes, each of which has to be proved not worse before the gate promotes by itself.",
    )
    critical_margin: Share = Field(
        0.05,
        title="Margin of critical classes",
        description="Loss of a critical class's recall that still counts as not worse.",
    )
    new_class_recall: Share = Field(
        0.8, title="Recall of new classes", description="Lower bound that a class new to the contract has to reach."
    )
    new_class_images: int = Field(
        50, ge=1, title="Images of new classes", description="Held-out images that a new class needs to be believed."
    )
    largest_theft: Share = Field(
        0.02, title="Largest theft", description="Share of the other classes' images that new classes may take at most."
    )
    largest_slowdown: float = Field(
        0.5,
        ge=0,
        description="Share by which median latency may grow, from a quarter of a second; between equal tiers only.",
    )
    largest_cost_growth: float = Field(0.25, ge=0, description="Share by which the price of an answer may grow.")
    asked_again_share: Share = Field(
        0.1, title="Asked again", description="Share of the champion's known answers that is asked anew, at random."
    )
    largest_flip_share: Share = Field(
        0.02, description="Share of these that may change, beyond chance, before all of them are asked anew."
    )
    validation_images: int = Field(
        200, ge=0, description="Validation images that the challenger answers too, for the report; 0 for none."
    )
    base_model_by_batch: bool = Field(
        default=False,
        title="Base model by batch",
        description="Ask the base model through the Batch API: half the price, up to a day. Never a fine-tuned model.",
    )
    keep_previous_hours: float = Field(
        24,
        ge=0,
        title="Keep the previous champion",
        description="Hours that its model deployment stays after a swap, to roll back to within seconds; it is billed.",
    )
    dry_run: bool = Field(
        default=False, title="Dry run", description="Let the gate report its verdict, and change nothing by it."
    )
    approval_days: float = Field(
        7, gt=0, description="How long the form in the Prefect UI waits for a person; no answer is not a yes."
    )


Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class DeletionPolicy(Policy):
    """When an idle model deployment is deleted, before the provider does it."""

    idle_days: int = Field(
        7, ge=1, le=90, description="Days without a customer's call after which a model deployment is deleted."
    )
    safety_margin_hours: int = Field(
        24, ge=24, le=168, title="Safety margin", description="Hours before Azure's date by which it has to be done."
    )
    notice_days: int = Field(
        3, ge=0, le=30, title="Notice", description="Days that a deletion is shown ahead, for somebody to cancel it."
    )
    working_from: int = Field(9, ge=0, le=23, description="Hour of the day from which deletions may happen.")
    working_until: int = Field(17, ge=1, le=24, description="Hour of the day from which none may happen any more.")
    weekdays: tuple[Weekday, ...] = Field(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
        min_length=1,
        description="Days on which deletions may happen.",
    )
    time_zone: str = Field("UTC", description="Of the working hours, such as Europe/Berlin.")
    most_a_day: int = Field(20, ge=1, title="Most a day", description="Deletions of this loop a day.")
    most_days_earlier: int = Field(
        4,
        ge=0,
        le=30,
        title="Most days earlier",
        description="Idle days that may be missing where Azure's date is near and no working hours are left before it.",
    )
    cancel_keeps: int = Field(
        14, ge=1, title="A cancel keeps", description="Days for which cancelling a planned deletion keeps it."
    )
    idle_champion: Literal["park", "keep alive"] = Field(
        "keep alive",
        description="park: delete it like any other, revive it on demand; keep alive: call it now and then, and pay.",
    )
    azure_days: int | None = Field(
        None,
        ge=2,
        title="Azure's idle days",
        description="Days without a call until Azure deletes; empty takes the dated fact of provider_limits.yaml.",
    )
    keep_alive_every: int = Field(
        7, ge=1, title="Keep-alive calls", description="Days between calls that keep a model deployment alive."
    )
    on_vanished: Literal["revive", "park"] = Field(
        "revive",
        title="When one vanished",
        description="What happens to one that is needed and vanished by itself; one that nobody needs is parked.",
    )
    evidence_minutes: int = Field(
        30, ge=1, le=360, title="Age of evidence", description="Minutes that evidence may be old when it is deleted."
    )
    metrics_lag_hours: int = Field(
        2,
        ge=0,
        le=24,
        title="Lag of metrics",
        description="Hours that Azure Monitor may be late without being missing.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the working hours."""
        return ZoneInfo(self.time_zone)

    @property
    def azure_span(self) -> timedelta:
        """Without a call for so long, and as old, Azure deletes a model deployment."""
        return timedelta(days=self.azure_days or current_limits().idle_deployment_days.value)

    @property
    def safety_margin(self) -> timedelta:
        """Time between our last moment and Azure's."""
        return timedelta(hours=self.safety_margin_hours)

    @property
    def metrics_lag(self) -> timedelta:
        """How late figures may be without being missing."""
        return timedelta(hours=self.metrics_lag_hours)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin or UTC") from error
        return name

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.working_until <= self.working_from:
            raise ValueError(
                f"working_until {self.working_until} has to be later than working_from {self.working_from}, on one day"
            )
        if timedelta(days=self.keep_alive_every) + self.safety_margin > self.azure_span:
            raise ValueError(
                f"keep_alive_every {self.keep_alive_every} days is too late for Azure's {self.azure_span.days}; "
                "make it shorter than these less the safety margin"
            )
        return self
