"""What a job under way says and measures, shown on the run: in its log, as progress, and as a loss curve."""

import time
from collections.abc import Sequence
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_image_artifact, create_progress_artifact, update_progress_artifact

from cloud.store import NotFound
from data_contracts.record import Record
from data_contracts.training import CurvePoint, TrainingEvent, TrainingJob
from decisions.training.training_curve import curve_point, merged
from decisions.training.training_progress import progress_of
from tasks.charts import loss_picture, png_url
from tasks.formats import artifact_id
from tasks.loop import Loop

REDRAWN_AFTER = 20.0


class _Told(Record):
    """The last event of a job that stands in some run's log; kept so that no later run repeats it."""

    job: str
    event: str


class JobProgress:
    """Follows one job; what an earlier run has told of it is not told again, as far as that is known."""

    def __init__(self, loop: Loop, iteration: int, job: str, redrawn_after: float = REDRAWN_AFTER) -> None:
        """Nothing is asked yet; the curve is drawn again after *redrawn_after* seconds at the earliest."""
        self.job = job
        self._loop, self._iteration, self._redrawn_after = loop, iteration, redrawn_after
        self._mark = loop.iteration_path(iteration, "told.json")
        intended = loop.iteration(iteration).intended
        self._examples = intended.examples if intended else 0
        self._last: str | None = None
        self._curve: tuple[CurvePoint, ...] = ()
        self._described = ""
        self._bar: UUID | None = None
        self._picture: UUID | None = None
        self._drawn_at, self._drawn_points = time.monotonic(), 0

    def tell(self, job: TrainingJob) -> None:
        """Show what is new since the last time."""
        events = self._loop.foundry.events(self.job, self._last)
        self._log(events)
        found = (curve_point(event.figures) for event in events)
        self._curve = merged((*self._curve, *(point for point in found if point is not None)))
        self._show_progress(job)
        self._show_curve()

    def _log(self, events: Sequence[TrainingEvent]) -> None:
        if not events:
            return
        first = self._last is None
        told = self._told() if first else None
        ids = [event.id for event in events]
        new = events[ids.index(told) + 1 :] if told in ids else events
        for event in new:
            get_run_logger().info("%s: %s", self.job, event.message)
        self._last = events[-1].id
        if new:
            self._loop.store.put(self._mark, _Told(job=self.job, event=self._last).model_dump_json().encode())

    def _told(self) -> str | None:
        try:
            told = _Told.model_validate_json(self._loop.store.get(self._mark).content)
        except (NotFound, ValueError):
            return None
        return told.event if told.job == self.job else None

    def _show_progress(self, job: TrainingJob) -> None:
        step = self._curve[-1].step if self._curve else 0
        percent, described = progress_of(job, step, self._examples)
        if described == self._described:
            return
        self._described = described
        if self._bar is None:
            self._bar = artifact_id(
                create_progress_artifact(percent, key=f"{self._loop.name}-training", description=described)
            )
        else:
            update_progress_artifact(self._bar, percent, description=described)

    def _show_curve(self) -> None:
        if len(self._curve) == self._drawn_points or time.monotonic() - self._drawn_at < self._redrawn_after:
            return
        self._drawn_at, self._drawn_points = time.monotonic(), len(self._curve)
        url = png_url(loss_picture(self._curve, None, f"Losses of iteration {self._iteration}, training"))
        if self._picture is None:
            words = f"Losses of iteration {self._iteration} while it trains"
            self._picture = artifact_id(create_image_artifact(url, key=f"{self._loop.name}-losses", description=words))
        else:
            _update_picture(self._picture, url)


def _update_picture(artifact: UUID, url: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import ArtifactUpdate

    with get_client(sync_client=True) as client:
        client.update_artifact(artifact, ArtifactUpdate(data=url))
