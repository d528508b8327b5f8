"""What the services answer with an error status when a script says nothing else."""

from http import HTTPStatus

from foundry_emulator import errors
from foundry_emulator.content_filter import FILTERED_PROMPT
from foundry_emulator.controls.fault_script import Fault
from foundry_emulator.errors import ServiceError

_RETRY = {"retry-after": "1"}
_DATA_PLANE = {
    403: ("AccessDenied", "Access denied due to Virtual Network/Firewall rules."),
    408: ("Timeout", "The operation was timeout."),
    409: ("conflict", "Another operation is being performed on the same resource. Please try again later."),
    502: ("502", "Bad gateway."),
    503: ("ServiceUnavailable", "The service is temporarily unable to process your request. Please try again later."),
    504: ("Timeout", "The gateway did not receive a response in time."),
}
_CONTROL_PLANE = {
    400: ("InvalidRequestContent", "The request content was invalid."),
    401: ("InvalidAuthenticationToken", "The access token is invalid or has expired."),
    403: (
        "AuthorizationFailed",
        "The client 'emulator' with object id 'emulator' does not have authorization to perform the requested action"
        " over the scope of this request or the scope is invalid. If access was recently granted, please refresh your"
        " credentials.",
    ),
    404: ("ResourceNotFound", "The Resource under this path was not found."),
    408: ("RequestTimeout", "The request timed out."),
    429: (
        "SubscriptionRequestsThrottled",
        "Number of requests for the subscription exceeded the limit. Please try again after '1' seconds.",
    ),
    500: ("InternalServerError", "Encountered internal server error."),
    502: ("BadGateway", "The gateway received a wrong response from 'Microsoft.CognitiveServices'."),
    503: ("ServiceUnavailable", "The service is unavailable. Please try again later."),
    504: (
        "GatewayTimeout",
        "The gateway did not receive a response from 'Microsoft.CognitiveServices' within the specified time period.",
    ),
}
_INFERENCE = ("/openai/v1/chat/completions", "/openai/v1/responses")


def is_control_plane(path: str) -> bool:
    """Return whether a path is one of Azure Resource Manager or Azure Monitor."""
    return path.startswith(("/subscriptions/", "/providers/"))


def answer(fault: Fault, path: str) -> ServiceError:
    """Return what *fault*, which answers with a status, says on *path*: its own words, or those of the service."""
    status = int(fault.value)
    usual = _of_control_plane(status, path) if is_control_plane(path) else _of_data_plane(status, path)
    code = fault.script.get("code", usual.code)
    if code == "content_filter":
        usual = errors.content_filter(FILTERED_PROMPT, status)
    message = fault.script.get("message", usual.message)
    told = ServiceError(status, code, message, headers=fault.script.get("headers", usual.headers))
    if code == usual.code:
        told.details.update(usual.details)
    return told


def _of_data_plane(status: int, path: str) -> ServiceError:
    inference = path.startswith(_INFERENCE)
    if status == HTTPStatus.BAD_REQUEST:
        return (
            errors.content_filter(FILTERED_PROMPT, status)
            if inference
            else errors.invalid_payload("The request is not valid.")
        )
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.wrong_key()
    if status == HTTPStatus.NOT_FOUND:
        return errors.deployment_not_found() if inference else errors.path_not_found()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.rate_limited("call", 1, {}, operation="ChatCompletions_Create", version="v1")
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.internal_error()
    return _tabled(status, _DATA_PLANE)


def _of_control_plane(status: int, path: str) -> ServiceError:
    if status == HTTPStatus.CONFLICT:
        return errors.arm_conflict(path.partition("/deployments")[0])
    return _tabled(status, _CONTROL_PLANE)


def _tabled(status: int, table: dict[int, tuple[str, str]]) -> ServiceError:
    code, message = table.get(status, (str(status), _phrase(status)))
    waits = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return ServiceError(status, code, message, headers=_RETRY if waits else None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
