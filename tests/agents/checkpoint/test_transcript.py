from agents.checkpoint.transcript import upper_bound
from agents.turns import note, text_block
from tests.transcripts import as_messages

RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [text_block("ok")]}


def test_neighbouring_user_rows_become_one_message_with_results_first() -> None:
    rows = [
        ("user", [text_block("Begin.")]),
        ("assistant", [text_block("Hello.")]),
        ("user", [note("message", "hi")]),
        ("user", [RESULT]),
        ("user", [note("wake", "morning")]),
    ]
    messages = as_messages(rows)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["type"] for block in messages[2]["content"]] == ["tool_result", "text", "text"]
    assert "hi" in messages[2]["content"][1]["text"]


def test_joining_changes_no_row() -> None:
    row = [text_block("one")]
    as_messages([("user", row), ("user", [RESULT])])
    assert row == [text_block("one")]


def test_the_bound_counts_text_within_results_and_images() -> None:
    image = {"type": "image", "source": {}}
    inside = {"type": "tool_result", "tool_use_id": "t", "content": [text_block("x" * 1000), image]}
    assert upper_bound([inside]) >= 500 + 2000
