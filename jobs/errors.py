"""Refusals: exceptions whose message is a sentence for the person who asked."""

from http import HTTPStatus


class CofounderError(Exception):
    """Something we refuse, with a sentence for the person who asked."""

    status_code: int = HTTPStatus.BAD_REQUEST
    code = "invalid"

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message or self.__doc__)
        self.field = field  # the field of the request that is at fault, if one is


class Conflict(CofounderError):
    """This cannot be done in the present state."""

    status_code = HTTPStatus.CONFLICT
    code = "conflict"


class PaymentNeeded(CofounderError):
    """There is no money for this."""

    status_code = HTTPStatus.PAYMENT_REQUIRED
    code = "payment_needed"


class Unavailable(CofounderError):
    """This is switched off for now."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"


class TooLarge(CofounderError):
    """The request is too large: at most 1 MB is accepted."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class TooOften(CofounderError):
    """There were too many tries in a short time. Wait a little, then try again."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS
    code = "throttled"
