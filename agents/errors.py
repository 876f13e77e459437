"""The errors of this app. An error's docstring is its default message."""


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


class SandboxUnreachable(SandboxError):
    """The sandbox does not answer."""

    retryable = True


class SandboxRefused(SandboxError):
    """The sandbox provider did not accept the key. Check E2B_API_KEY."""


class SandboxUnsafe(SandboxError):
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


class SnapshotDamaged(AgentError):
    """The saved files are damaged."""


class FilesLost(AgentError):
    """Files of the sandbox are lost, and no saved copy of them is intact."""
