"""When Azure takes a fine-tuned model deployment away: 15 idle days, or 24 hours of the developer tier.

What is due is found from moments when somebody looks, so a clock that jumps by weeks misses nothing. The model stays.
"""

from dataclasses import dataclass

from foundry_emulator.calls import Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.deployment_records import Deployment, DeploymentRecords

DAY = 86_400
IDLE_SECONDS = 15 * DAY
DEVELOPER_SECONDS = DAY
IDLE = "inactive for 15 days"
EXPIRED = "24 hours of the developer tier are over"


@dataclass(frozen=True)
class Retention:
    """Ends model deployments at the moment they are due, whenever that is noticed."""

    records: DeploymentRecords
    clock: Clock
    calls: Calls

    def settle(self, account: str) -> None:
        """End all model deployments of an account that are due."""
        for deployment in self.records.idle_candidates(account, self.clock.now() - DEVELOPER_SECONDS):
            self.settle_one(deployment)

    def settle_one(self, deployment: Deployment) -> bool:
        """Return whether a model deployment lives on; it is ended if it is due."""
        now = self.clock.now()
        due = self.due(deployment, now)
        if due is None or now < due[0]:
            return True
        self.records.go(deployment.life.number, *due)
        return False

    def due(self, deployment: Deployment, now: float) -> tuple[float, str] | None:
        """Return when and why a model deployment goes unless it is called until then, None if it stays.

        Its calls are only looked up when it is old enough at the moment *now*: whoever compares must use the same.
        """
        life, span = deployment.life, deployment.span
        if not span.fine_tuned or life.failure is not None or life.gone_at is not None:
            return None
        if span.sku == tiers.DEVELOPER:
            return max(life.deployed_at + DEVELOPER_SECONDS, life.succeeded_at), EXPIRED
        earliest = max(life.deployed_at + IDLE_SECONDS, life.succeeded_at)
        if now < earliest:
            return earliest, IDLE
        last = self.calls.last_completed(life.number)
        return max(earliest, (last or 0.0) + IDLE_SECONDS), IDLE
