"""The errors of this app. An error's docstring is its default message."""

from enum import StrEnum


class Trouble(StrEnum):
    """What may go wrong outside of a build; `agents.failures.trouble` says what follows from each."""

    MODEL_AWAY = "model_away"  # busy, overloaded, torn, silent
    MODEL_KEY = "model_key"
    MODEL_PERMISSION = "model_permission"
    MODEL_CREDIT = "model_credit"
    MODEL_SPEND_LIMIT = "model_spend_limit"
    MODEL_UNKNOWN = "model_unknown"
    MODEL_RETIRED = "model_retired"
    MODEL_NO_PRICE = "model_no_price"
    MODEL_REQUEST = "model_request"  # the provider does not take the request itself
    MODEL_FULL = "model_full"  # too long even after a fresh start
    MODEL_DECLINES = "model_declines"
    MODEL_CUT = "model_cut"
    MODEL_SILENT = "model_silent"
    SANDBOX_AWAY = "sandbox_away"
    SANDBOX_LIMIT = "sandbox_limit"  # no more at once
    SANDBOX_KEY = "sandbox_key"
    SANDBOX_PERMISSION = "sandbox_permission"
    SANDBOX_REQUEST = "sandbox_request"  # the provider does not take the request itself
    SANDBOX_UNSAFE = "sandbox_unsafe"  # commands cannot be confined
    SANDBOX_FAULT = "sandbox_fault"
    STORAGE_AWAY = "storage_away"
    STORAGE_REFUSED = "storage_refused"  # a wrong bucket, or no access to it
    FILES_LOST = "files_lost"
    NO_MONEY = "no_money"  # the subscription does not pay for this
    DEFECT = "defect"  # a bug of ours


class AgentError(Exception):
    """The agent could not go on."""

    retryable = False  # whether the same call may succeed if repeated later

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class SandboxError(AgentError):
    """The sandbox cannot be used."""


class NotDone(SandboxError):
    """The sandbox works, but could not do what it was asked to do."""


class SandboxGone(SandboxError):
    """The sandbox no longer exists."""


class SandboxTaken(SandboxError):
    """A newer worker owns this sandbox."""


class SandboxBusy(SandboxError):
    """The sandbox provider has no room at the moment."""

    retryable = True


class SandboxLimit(SandboxBusy):
    """The sandbox provider gives no more sandboxes at once, or takes no more requests for now."""


class SandboxUnreachable(SandboxError):
    """The sandbox does not answer."""

    retryable = True


class SandboxDenied(SandboxError):
    """The sandbox provider does not serve this installation: only its operator can mend that."""

    retryable = True


class SandboxRefused(SandboxDenied):
    """The sandbox provider did not accept the key."""


class SandboxForbidden(SandboxDenied):
    """The sandbox provider does not allow this."""


class SandboxRequestRefused(SandboxDenied):
    """The sandbox provider does not take the request itself."""


class SandboxUnsafe(SandboxDenied):
    """The sandbox's provider cannot confine commands, so it creates no sandbox."""


class SandboxFull(SandboxError):
    """The sandbox's disk is full."""


class ScriptFailed(NotDone):
    """One of our own commands failed in the sandbox."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"{self.__doc__} (exit {exit_code}): {output[-500:].strip()}")
        self.exit_code = exit_code


class SnapshotFailed(AgentError):
    """The files could not be saved."""

    retryable = True


class StorageAway(SnapshotFailed):
    """The storage of the files does not answer at the moment."""


class StorageRefused(SnapshotFailed):
    """The storage of the files cannot be used. The operator of this installation has to mend that."""


class SnapshotDamaged(AgentError):
    """The saved files are damaged."""


class FilesLost(AgentError):
    """Files of the sandbox are lost, and no saved copy of them is intact."""


def said_by(error: BaseException) -> str:
    """What was said about an error where it began, for the operator: a founder reads our own words."""
    return str(error.__cause__ or error) or type(error).__name__
