"""What the API's description says of every call."""

from django.test import Client


def test_it_says_what_any_call_may_be_refused_with(client: Client, db: None) -> None:
    calls = [
        call
        for path in client.get("/api/schema?format=json").json()["paths"].values()
        for call in path.values()
    ]
    assert all("4XX" in call["responses"] for call in calls)
    assert any("429" in call["responses"] for call in calls)
