"""Who may call: account keys, and signed tokens from the emulator's own managed identity endpoint."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from foundry_emulator import errors
from foundry_emulator.accounts import Account
from foundry_emulator.clock import Clock

DATA_AUDIENCES = frozenset({"https://cognitiveservices.azure.com", "https://ai.azure.com"})
MANAGEMENT_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
METRICS_AUDIENCES = frozenset({"https://metrics.monitor.azure.com"})
TOKEN_SECONDS = 86_400
_TOKEN_DOTS = 2


class Gatekeeper:
    """Checks keys and tokens, and issues the tokens."""

    def __init__(self, identity_header: str | None, secret: bytes, clock: Clock) -> None:
        self._identity_header = identity_header
        self._secret = secret
        self._clock = clock

    def admit_to_data(self, headers: Mapping[str, str], account: Account) -> None:
        """Return if the caller may use the data plane of *account*; ServiceError 401 if not."""
        bearer = _bearer(headers)
        if _opens(headers.get("api-key") or bearer, account):
            return
        if bearer is None or bearer.count(".") != _TOKEN_DOTS:
            raise errors.wrong_key()
        claims = self._claims(bearer)
        if claims is None or _audience(claims) not in DATA_AUDIENCES:
            raise errors.wrong_token("https://cognitiveservices.azure.com")

    def admit_to_management(self, headers: Mapping[str, str]) -> None:
        """Return if the caller may use the control plane; ServiceError 401 if not."""
        self._admit_token(headers, MANAGEMENT_AUDIENCES)

    def admit_to_metrics(self, headers: Mapping[str, str]) -> None:
        """Return if the caller may use the batch addresses of metrics; ServiceError 401 if not."""
        self._admit_token(headers, METRICS_AUDIENCES)

    def _admit_token(self, headers: Mapping[str, str], audiences: frozenset[str]) -> None:
        bearer = _bearer(headers)
        if bearer is None:
            raise errors.arm_without_token()
        claims = self._claims(bearer)
        if claims is None:
            raise errors.arm_wrong_token("The access token is invalid or has expired.")
        if _audience(claims) not in audiences:
            allowed = ",".join(f"'{audience}/'" for audience in sorted(audiences, reverse=True))
            raise errors.arm_wrong_token(
                f"The access token has been obtained for wrong audience or resource '{_audience(claims)}'."
                f" It should exactly match with one of the allowed audiences {allowed}."
            )

    def issue_token(self, headers: Mapping[str, str], resource: str | None) -> dict[str, str]:
        """Return a token answer for *resource* as App Service gives it; ServiceError if it may not."""
        presented = headers.get("x-identity-header")
        if not presented or presented != (self._identity_header or presented):
            raise errors.ServiceError(401, "Unauthorized", "The X-IDENTITY-HEADER header is missing or wrong.")
        if not resource:
            raise errors.ServiceError(400, "invalid_request", "The resource parameter is missing.")
        expires = int(self._clock.callers_now()) + TOKEN_SECONDS
        token = self._sign({"aud": resource, "exp": expires, "oid": "emulator", "iss": "foundry-emulator"})
        return {
            "access_token": token,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
        }

    def _sign(self, claims: dict[str, Any]) -> str:
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        content = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{content}.{self._signature(content)}"

    def _signature(self, content: str) -> str:
        return _encode(hmac.new(self._secret, content.encode(), hashlib.sha256).digest())

    def _claims(self, token: str) -> dict[str, Any] | None:
        """Return what a living token of ours says, None for any other."""
        content, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            return None
        payload = content.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims if claims["exp"] > self._clock.callers_now() else None


def _opens(presented: str | None, account: Account) -> bool:
    return presented is not None and hmac.compare_digest(presented.encode(), account.api_key.encode())


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _audience(claims: dict[str, Any]) -> str:
    return str(claims["aud"]).rstrip("/")


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
