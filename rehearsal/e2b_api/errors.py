"""Errors a caller can get, with the codes E2B uses."""


class SandboxError(Exception):
    """The request could not be carried out."""

    code = "internal"
    status = 500


class NotFound(SandboxError):
    """There is nothing with that name."""

    code = "not_found"
    status = 404


class InvalidArgument(SandboxError):
    """The request is not valid."""

    code = "invalid_argument"
    status = 400


class AlreadyExists(SandboxError):
    """Something with that name exists already."""

    code = "already_exists"
    status = 409


class PermissionDenied(SandboxError):
    """The sandbox has no permission to do that."""

    code = "permission_denied"
    status = 403


class NoSpace(SandboxError):
    """The disk is full."""

    code = "resource_exhausted"
    status = 507


class NotRunning(SandboxError):
    """The sandbox was not found."""

    code = "unavailable"
    status = 502


class AlreadyPaused(SandboxError):
    """The sandbox is paused already."""

    code = "already_exists"
    status = 409


class ConfinementUnavailable(SandboxError):
    """Commands cannot be confined on this machine."""

    code = "unimplemented"
    status = 501
