import asyncio
import threading
import time

from agents.beside import beside
from agents.metrics import LAG_EVERY_SECONDS, LOOP_LAG, measure_lag


async def test_work_beside_the_loop_leaves_it_free() -> None:
    may_end = threading.Event()

    def work() -> str:
        assert may_end.wait(10)
        return threading.current_thread().name

    working = asyncio.create_task(beside(work))
    await asyncio.sleep(0)
    may_end.set()  # only a loop that is free comes to this
    assert (await working).startswith("beside")


def lag() -> float:
    return next(
        sample.value for sample in next(iter(LOOP_LAG.collect())).samples if sample.name.endswith("_sum")
    )


async def test_work_on_the_loop_is_measured_as_its_lag() -> None:
    measuring = asyncio.create_task(measure_lag())
    await asyncio.sleep(0)
    before = lag()
    time.sleep(LAG_EVERY_SECONDS + 0.3)  # noqa: ASYNC251  # what must not happen
    while lag() == before:  # noqa: ASYNC110  # the measure is no event
        await asyncio.sleep(0.01)
    measuring.cancel()
    assert lag() - before >= 0.2
