"""The few kinds of failure. A contract code is a subclass of a kind; `http/errors.py` maps kinds to statuses."""


class AppError(Exception):
    """Something to tell the caller in one sentence. `field` names the input at fault, when there is one."""

    code = "internal_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(AppError):
    code = "invalid_input"


class InvalidParam(Invalid):
    """A query value that cannot be understood."""

    code = "invalid_param"


class InvalidId(Invalid):
    code = "invalid_id"


class InvalidJson(Invalid):
    code = "invalid_json"


class TargetForbidden(Invalid):
    """The egress policy refuses this target."""

    code = "target_forbidden"


class Unauthorized(AppError):
    code = "unauthorized"


class Forbidden(AppError):
    code = "forbidden"


class NotFound(AppError):
    code = "not_found"


class Conflict(AppError):
    code = "conflict"


class TooLarge(AppError):
    code = "payload_too_large"


class UnsupportedMediaType(AppError):
    code = "unsupported_media_type"


class RateLimited(AppError):
    """Too much at once. `retry_after_seconds` is when to come back."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooManyStreams(RateLimited):
    code = "too_many_streams"


class Unavailable(AppError):
    """The outside world failed us: an engine, a registry, a name server."""

    code = "unavailable"


class Overloaded(AppError):
    """We cannot do it now: our own time budget or our own storage."""

    code = "timeout"


class StorageUnavailable(Overloaded):
    """The database refused: full, read-only, corrupt or unreachable. Nothing of the change was kept."""

    code = "storage_unavailable"
