"""The root of what can go wrong in this app."""


class AgentError(Exception):
    """The agent could not go on."""

    retryable = False  # whether the same call may succeed a little later

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)
