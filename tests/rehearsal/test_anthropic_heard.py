"""What the model was told besides tool results is recorded request by request."""

import time
from pathlib import Path

import httpx
import pytest

from tests.rehearsal.model_server import BEGIN, JOB, answered, model_client

pytestmark = pytest.mark.services
NOTE = '<note kind="message">\nMake it blue.\n</note>'


async def test_each_request_tells_what_is_new_and_when_it_came(tmp_path: Path) -> None:
    async with model_client(tmp_path) as model, httpx.AsyncClient() as client:
        began = time.time()
        first = await model.say([BEGIN])
        await model.say([BEGIN, *answered(first, note=NOTE)])
        url = f"{model.url}/rehearsal/heard"
        told = (await client.get(url, params={"user_id": JOB})).json()
        nobody = (await client.get(url, params={"user_id": "nobody"})).json()
    assert [request["new"] for request in told["requests"]] == [[told["latest"][0]], [NOTE]]
    assert began <= told["requests"][0]["at"] <= told["requests"][1]["at"] <= time.time()
    assert told["latest"][1:] == [NOTE]
    assert nobody == {"requests": [], "latest": []}
