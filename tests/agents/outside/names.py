"""A name server for tests: it answers as told, and remembers what it was asked."""


class NameServer:
    """Each look-up takes the next of `turns`; the last one stays. Raises `OSError` where there are none."""

    def __init__(self, *addresses: str, turns: list[list[str]] | None = None) -> None:
        self._turns = turns or [list(addresses)]
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int, /) -> list[str]:
        self.asked.append(host)
        return list(self._turns.pop(0) if len(self._turns) > 1 else self._turns[0])
