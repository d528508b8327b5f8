"""Refusals of Azure Monitor; over the ARM path they come without the envelope that other services put around them."""

from typing import Any

from foundry_emulator.errors import ServiceError


class MonitorError(ServiceError):
    """A query is refused; *bare* is whether it is told without an envelope."""

    bare = False

    def body(self) -> dict[str, Any]:
        """Return the JSON body that tells it."""
        return {"code": self.code, "message": self.message} if self.bare else super().body()


def bad_query(message: str) -> MonitorError:
    return MonitorError(400, "BadRequest", message)


def unknown_metric(name: str, valid: list[str]) -> MonitorError:
    return bad_query(
        "Failed to find metric configuration for provider: Microsoft.CognitiveServices, resource Type: accounts,"
        f" metric: {name}, Valid metrics: {','.join(valid)}"
    )


def unavailable() -> MonitorError:
    return MonitorError(503, "ServiceUnavailable", "The service is temporarily unavailable. Please try again later.")
