"""The root of what can go wrong in this app."""


class AgentError(Exception):
    """The agent could not go on."""

    retryable = False  # whether the same call may succeed a little later

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class SandboxError(AgentError):
    """The sandbox cannot be used."""


class NotDone(SandboxError):
    """The sandbox works, but did not do what was asked of it."""


class SandboxGone(SandboxError):
    """The sandbox does not exist any more."""


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


class SandboxFull(SandboxError):
    """There is no room left on the sandbox's disk."""


class ScriptFailed(NotDone):
    """A command of ours failed in the sandbox."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"{self.__doc__} (exit {exit_code}): {output[-500:].strip()}")
        self.exit_code = exit_code


class SnapshotFailed(AgentError):
    """The files could not be saved."""

    retryable = True


class SnapshotDamaged(AgentError):
    """The saved files are damaged."""


class FilesLost(AgentError):
    """Neither the sandbox nor any saved copy of its files is whole."""
