"""Refusals with the status, code and wording of the services that are imitated.

ServiceError
  one class: an HTTP status, a code, a message, and headers; functions below name the cases
"""

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """A request is refused; carries what the caller is told."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the JSON body that tells it."""
        return {"error": {"code": self.code, "message": self.message, **self.details}}


def wrong_key() -> ServiceError:
    return ServiceError(
        401,
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key"
        " for an active subscription and use a correct regional API endpoint for your resource.",
    )


def wrong_token(audience: str) -> ServiceError:
    return ServiceError(
        401,
        "401",
        f"Unauthorized. Access token is missing, invalid, audience is incorrect ({audience}), or have expired.",
    )


def arm_without_token() -> ServiceError:
    return ServiceError(
        401,
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
        headers={"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common"'},
    )


def arm_wrong_token(reason: str) -> ServiceError:
    return ServiceError(
        401,
        "InvalidAuthenticationToken",
        reason,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def internal_error() -> ServiceError:
    return ServiceError(500, "500", "The server had an error while processing your request.")


def path_not_found() -> ServiceError:
    return ServiceError(404, "404", "Resource not found")


def not_found(what: str, name: str) -> ServiceError:
    return ServiceError(404, "notFound", f"The {what} '{name}' was not found.")


def invalid_payload(message: str) -> ServiceError:
    return ServiceError(400, "invalidPayload", message)


def unexpected_state(message: str) -> ServiceError:
    return ServiceError(400, "unexpectedEntityState", message)


def bad_chat_request(message: str, param: str | None, code: str = "invalid_request_error") -> ServiceError:
    return ServiceError(400, code, message, param=param, type="invalid_request_error")


def quota_exceeded(message: str) -> ServiceError:
    return ServiceError(429, "quotaExceeded", message)


def deployment_not_found() -> ServiceError:
    return ServiceError(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within the last"
        " 5 minutes, please wait a moment and try again.",
    )


def operation_not_supported(operation: str, model: str) -> ServiceError:
    return ServiceError(
        400,
        "OperationNotSupported",
        f"The {operation} operation does not work with the specified model, {model}. Please choose different model and"
        " try again. You can learn more about which models can be used with each operation here:"
        " https://go.microsoft.com/fwlink/?linkid=2197993.",
    )


def rate_limited(limit: str, wait: float, headers: Mapping[str, str]) -> ServiceError:
    """Refuse because the *limit* ("token" or "call") is used up for *wait* more seconds."""
    milliseconds = max(1, round(wait * 1000))
    seconds = -(-milliseconds // 1000)
    return ServiceError(
        429,
        "429",
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version v1 have exceeded"
        f" {limit} rate limit of your current OpenAI S0 pricing tier. Please retry after {seconds} seconds."
        " Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default"
        " rate limit.",
        headers={**headers, "retry-after-ms": str(milliseconds), "retry-after": str(seconds)},
    )


def arm_account_not_found(name: str, group: str) -> ServiceError:
    return ServiceError(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.CognitiveServices/accounts/{name}' under resource group '{group}' was not"
        " found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def arm_deployment_not_found(name: str) -> ServiceError:
    return ServiceError(404, "ResourceNotFound", f"The deployment '{name}' was not found.")


def arm_operation_not_found(name: str) -> ServiceError:
    return ServiceError(404, "OperationNotFound", f"The operation '{name}' was not found.")


def arm_conflict(account_id: str) -> ServiceError:
    return ServiceError(
        409,
        "RequestConflict",
        f"Another operation is being performed on the parent resource '{account_id}'. Please try again later.",
    )


def arm_model_not_supported(model_format: str, name: str, version: str) -> ServiceError:
    return ServiceError(
        400,
        "DeploymentModelNotSupported",
        f"The model 'Format:{model_format},Name:{name},Version:{version}' is not supported.",
    )


def arm_model_cannot_change() -> ServiceError:
    return ServiceError(400, "CannotChangeDeploymentModel", "The model of deployment cannot be changed.")


def arm_too_many_deployments(kind: str, limit: int) -> ServiceError:
    return ServiceError(
        400,
        "DeploymentQuotaExceeded",
        f"The number of {kind} deployments has reached the limit of {limit} for this resource.",
    )


def arm_insufficient_quota(wanted: int, quota: str, used: int, limit: int) -> ServiceError:
    return ServiceError(
        400,
        "InsufficientQuota",
        f"This operation require {wanted} new capacity in quota {quota}, which is bigger than the current available"
        f" capacity {max(0, limit - used)}. The current quota usage is {used} and the quota limit is {limit} for quota"
        f" {quota}.",
    )


def arm_properties(message: str) -> ServiceError:
    return ServiceError(400, "InvalidResourceProperties", message)


def arm_sku_not_supported(sku: str, model: str, version: str) -> ServiceError:
    return arm_properties(
        f"The specified SKU '{sku}' of account deployment is not supported by the model '{model}' version: '{version}'."
    )


def arm_sku_not_in_region(sku: str, model: str, region: str) -> ServiceError:
    return arm_properties(f"The specified SKU '{sku}' for model '{model}' is not supported in this region '{region}'.")


def arm_wrong_name(name: str) -> ServiceError:
    return ServiceError(
        400,
        "InvalidResourceName",
        f"The deployment name '{name}' is not valid: 2 to 64 letters, digits, hyphens, underscores and dots.",
    )


def arm_failed_state(name: str) -> ServiceError:
    return ServiceError(
        409, "InvalidResourceState", f"The deployment '{name}' has failed; delete it before it is created again."
    )


def arm_precondition_failed() -> ServiceError:
    return ServiceError(
        412, "PreconditionFailed", "The condition in the If-Match or If-None-Match header does not hold."
    )


def arm_api_version_missing() -> ServiceError:
    return ServiceError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def arm_api_version_invalid(version: str) -> ServiceError:
    return ServiceError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. It must be a date, such as 2025-09-01, that -preview may follow.",
    )


def arm_invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequestContent", message)
