"""Refusals with the status, code and wording of the services that are imitated.

ServiceError
  one class: an HTTP status, a code, a message, and headers; functions below name the cases
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


class ServiceError(Exception):
    """A request is refused; carries what the caller is told."""

    def __init__(
        self,
        status: int,
        code: str | None,
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


def connection_lost() -> ServiceError:
    return ServiceError(400, "invalidPayload", "The connection was lost before the body had ended.")


def cannot_keep(problem: Exception) -> ServiceError:
    return ServiceError(500, "internalFailure", f"The emulator cannot use its state folder: {problem}")


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


def bad_request(message: str, param: str | None, code: str | None) -> ServiceError:
    """Refuse a question to a model because of the field *param*."""
    return ServiceError(400, code, message, type="invalid_request_error", param=param)


def content_filter(results: Mapping[str, Any], status: int = 400) -> ServiceError:
    """Refuse a prompt because of what the content filter found in it."""
    refusal = ServiceError(
        status,
        "content_filter",
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please"
        " modify your prompt and retry. To learn more about our content filtering policies please read our"
        " documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
        type=None,
        param="prompt",
        innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": dict(results)},
    )
    refusal.details["status"] = status
    return refusal


def context_length_exceeded(most: int, prompt: int, answer: int) -> ServiceError:
    """Refuse a prompt of *prompt* tokens with room for an answer of *answer* tokens; the model has *most* in all."""
    told = (
        f"you requested {prompt + answer} tokens ({prompt} in the messages, {answer} in the completion). Please reduce"
        " the length of the messages or completion."
        if answer
        else f"your messages resulted in {prompt} tokens. Please reduce the length of the messages."
    )
    return bad_request(
        f"This model's maximum context length is {most} tokens. However, {told}", "messages", "context_length_exceeded"
    )


def input_too_long() -> ServiceError:
    return bad_request(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "input",
        "context_length_exceeded",
    )


def too_many_headers(most: int) -> ServiceError:
    return ServiceError(431, "431", f"Request Header Fields Too Large: at most {most} custom headers are allowed.")


def response_not_found(name: str) -> ServiceError:
    return ServiceError(404, None, f"Response with id '{name}' not found.", type="invalid_request_error", param=None)


def previous_response_not_found(name: str) -> ServiceError:
    return bad_request(
        f"Previous response with id '{name}' not found.", "previous_response_id", "previous_response_not_found"
    )


def quota_exceeded(message: str) -> ServiceError:
    return ServiceError(429, "quotaExceeded", message)


def file_quota_exceeded(what: str, most: int) -> ServiceError:
    return ServiceError(400, "quotaExceeded", f"The quota for {what} is reached. The maximum is {most}.")


def too_large(most: int) -> ServiceError:
    return ServiceError(400, "invalidPayload", f"The file is too large. The maximum is {most} bytes.")


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


def rate_limited(limit: str, wait: float, headers: Mapping[str, str], *, operation: str, version: str) -> ServiceError:
    """Refuse because the *limit* ("token" or "call") is used up for *wait* more real seconds."""
    milliseconds = max(1, math.ceil(wait * 1000))
    seconds = -(-milliseconds // 1000)
    return ServiceError(
        429,
        "429",
        f"Requests to the {operation} Operation under Azure OpenAI API version {version} have exceeded"
        f" {limit} rate limit of your current OpenAI S0 pricing tier. Please retry after {seconds}"
        f" second{'' if seconds == 1 else 's'}."
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


def arm_model_deprecated(name: str, version: str, since: int) -> ServiceError:
    day = datetime.fromtimestamp(since, UTC).strftime("%m/%d/%Y %H:%M:%S")
    return ServiceError(
        400,
        "ServiceModelDeprecated",
        f"The model 'Format:OpenAI,Name:{name},Version:{version}' has been deprecated since {day}.",
    )


def conflict(message: str) -> ServiceError:
    return ServiceError(409, "conflict", message)
