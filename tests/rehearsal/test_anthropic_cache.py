"""Prompt-cache accounting: what is read, written or neither."""

from typing import Any

import pytest

from rehearsal.anthropic_api.catalogue import MODELS
from rehearsal.anthropic_api.prompt import prompt_of, prompt_tokens
from rehearsal.anthropic_api.prompt_cache import InputUse, PromptCache
from rehearsal.anthropic_api.usage import Usage

SONNET = MODELS["claude-sonnet-5-5"]
LONG = "word " * 1000
MARK = {"type": "ephemeral"}


def body(*texts: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text} for text in texts]
    return {
        "model": SONNET.id,
        "messages": [{"role": "user", "content": content}],
        "cache_control": MARK,
        **more,
    }


class Clock:
    """A clock that the test moves."""

    seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> PromptCache:
    return PromptCache(clock)


def use(cache: PromptCache, request: dict[str, Any], key: str = "k", model: str = SONNET.id) -> InputUse:
    used = cache.use(key, MODELS[model], prompt_of(request))
    assert used.total == prompt_tokens(request)
    return used


def test_the_longest_cached_prefix_is_read_and_the_rest_is_written(cache: PromptCache) -> None:
    first = use(cache, body(LONG))
    second = use(cache, body(LONG, LONG))
    assert (first.read, first.write_5m, first.input) == (0, first.total, 0)
    assert (second.read, second.write_5m) == (first.total, second.total - first.total)


def test_what_follows_the_last_mark_is_neither_read_nor_written(cache: PromptCache) -> None:
    request = body(LONG, cache_control=None, system=[{"type": "text", "text": LONG, "cache_control": MARK}])
    first, second = use(cache, request), use(cache, request)
    assert first.write_5m == second.read == first.total - first.input
    assert second.input == first.input > 1000


@pytest.mark.parametrize(
    "change",
    [
        {"system": "You build."},
        {"tools": [{"name": "bash", "input_schema": {"type": "object"}}]},
        {"thinking": {"type": "adaptive"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": LONG + "."}]}]},
    ],
)
def test_a_prefix_that_is_not_byte_exact_is_not_read(cache: PromptCache, change: dict[str, Any]) -> None:
    use(cache, body(LONG))
    assert use(cache, body(LONG) | change).read == 0


def test_changed_messages_still_read_the_tools_and_the_system_prompt(cache: PromptCache) -> None:
    marked = [{"type": "text", "text": LONG, "cache_control": MARK}]
    first = use(cache, body("one", system=marked))
    assert 0 < use(cache, body("two", system=marked)).read < first.total


def test_each_key_and_each_model_has_its_own_cache(cache: PromptCache) -> None:
    use(cache, body(LONG))
    assert use(cache, body(LONG), key="other").read == 0
    assert use(cache, body(LONG), model="claude-opus-5-5").read == 0


def test_a_prefix_below_the_models_minimum_is_not_cached(cache: PromptCache) -> None:
    short = body("word " * 600)
    assert use(cache, short).write_5m > 512
    assert use(cache, short, model="claude-sonnet-4-6").write_5m == 0


def test_no_more_than_twenty_blocks_are_looked_back(cache: PromptCache) -> None:
    use(cache, body(LONG))
    assert use(cache, body(LONG, *"abcdefghijklmnopqrs")).read > 0
    use(cache, body(LONG + "!"))
    assert use(cache, body(LONG + "!", *"abcdefghijklmnopqrst")).read == 0


@pytest.mark.parametrize(("ttl", "alive", "gone"), [("5m", 299, 301), ("1h", 3599, 3601)])
def test_an_entry_lives_its_ttl_after_it_was_last_read(
    cache: PromptCache, clock: Clock, ttl: str, alive: int, gone: int
) -> None:
    request = body(LONG, cache_control={"type": "ephemeral", "ttl": ttl})
    written = use(cache, request)
    assert (written.write_1h > 0) == (ttl == "1h")
    for _ in range(2):
        clock.seconds += alive
        assert use(cache, request).read == written.total
    clock.seconds += gone
    assert use(cache, request).read == 0


def test_a_prefix_read_from_a_longer_prompt_lives_on(cache: PromptCache, clock: Clock) -> None:
    first = use(cache, body(LONG))
    for more in "ab":
        clock.seconds += 200
        assert use(cache, body(LONG, more)).read == first.total


def test_one_request_can_write_for_an_hour_and_for_five_minutes(cache: PromptCache) -> None:
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    used = use(cache, body(LONG, system=system))
    assert used.write_1h == prompt_tokens({"messages": [], "system": system})
    assert (used.input, used.read, used.write_5m) == (0, 0, used.total - used.write_1h)


def test_a_request_costs_what_each_kind_of_token_costs() -> None:
    used = Usage(InputUse(input=1, read=10, write_5m=100, write_1h=1000), output=10_000)
    assert used.cost(SONNET) == 2 + 1 + 250 + 4000 + 100_000
    assert Usage(InputUse(input=0, read=1), output=0).cost(SONNET) == 1


def test_a_long_prompt_costs_more_where_the_model_says_so() -> None:
    haiku = MODELS["claude-haiku-5-5"]
    assert Usage(InputUse(input=100_000), 0).cost(haiku) == 10_000
    assert Usage(InputUse(input=100_010), 0).cost(haiku) == 50_005
