"""The models the stand-in knows, with their rules and prices (as published by November 2026)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Lifecycle = Literal["active", "deprecated", "retired"]

ADAPTIVE_ONLY = frozenset({"adaptive"})
ALL_THINKING = frozenset({"adaptive", "enabled", "disabled"})


@dataclass(frozen=True)
class Prices:
    """In thousandths of a micro-dollar for each token (USD per million tokens x 1000)."""

    input: int
    output: int
    write_5m: int
    write_1h: int
    read: int


@dataclass(frozen=True)
class Model:
    """`thinking` lists the accepted types; `cache_minimum` is the shortest prefix it caches, in tokens."""

    id: str
    name: str
    created: datetime
    prices: Prices
    cache_minimum: int
    thinking: frozenset[str] = ADAPTIVE_ONLY
    forced_tool_choice: bool = False
    max_input: int = 1_000_000
    max_output: int = 128_000
    lifecycle: Lifecycle = "active"
    retires: datetime | None = None
    long_prices: Prices | None = None
    """What the whole request costs when its prompt is longer than LONG_PROMPT."""

    @property
    def line(self) -> str:
        return self.id.split("-")[1]

    def prices_for(self, prompt_tokens: int) -> Prices:
        return self.long_prices if self.long_prices and prompt_tokens > LONG_PROMPT else self.prices


LONG_PROMPT = 100_000
FABLE = Prices(10_000, 50_000, 12_500, 20_000, 250)
OPUS = Prices(5_000, 25_000, 6_250, 10_000, 500)
SONNET = Prices(3_000, 15_000, 3_750, 6_000, 300)


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


NEWEST_FABLE = Prices(8_000, 40_000, 10_000, 16_000, 200)
OLDER: dict[str, Any] = {"thinking": ALL_THINKING, "forced_tool_choice": True}
SMALL: dict[str, Any] = {**OLDER, "max_input": 200_000, "max_output": 64_000}

_MODELS = (
    Model("claude-fable-5-2", "Claude Fable 5.2", _day(2026, 11, 9), NEWEST_FABLE, 512),
    Model("claude-mythos-5-2", "Claude Mythos 5.2", _day(2026, 11, 9), NEWEST_FABLE, 512),
    Model(
        "claude-opus-5-5",
        "Claude Opus 5.5",
        _day(2026, 10, 21),
        Prices(4_000, 20_000, 5_000, 8_000, 200),
        512,
    ),
    Model(
        "claude-sonnet-5-5",
        "Claude Sonnet 5.5",
        _day(2026, 9, 9),
        Prices(2_000, 10_000, 2_500, 4_000, 100),
        512,
        thinking=frozenset({"adaptive", "between_tools"}),
    ),
    Model(
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        _day(2026, 9, 23),
        Prices(100, 500, 125, 200, 10),
        4096,
        **OLDER,
        long_prices=Prices(500, 2_500, 625, 1_000, 50),
    ),
    Model("claude-fable-5-1", "Claude Fable 5.1", _day(2026, 8, 1), FABLE, 512),
    Model("claude-mythos-5-1", "Claude Mythos 5.1", _day(2026, 8, 1), FABLE, 512),
    Model(
        "claude-sonnet-5",
        "Claude Sonnet 5",
        _day(2026, 5, 1),
        Prices(2_000, 10_000, 2_500, 4_000, 200),
        1024,
        **OLDER,
    ),
    Model("claude-opus-5", "Claude Opus 5", _day(2026, 5, 1), OPUS, 512, **OLDER),
    Model("claude-opus-4-8", "Claude Opus 4.8", _day(2026, 4, 1), OPUS, 1024, **OLDER),
    Model("claude-opus-4-7", "Claude Opus 4.7", _day(2026, 3, 1), OPUS, 2048, **OLDER),
    Model("claude-opus-4-6", "Claude Opus 4.6", _day(2026, 2, 1), OPUS, 4096, **OLDER),
    Model("claude-sonnet-4-6", "Claude Sonnet 4.6", _day(2026, 2, 1), SONNET, 1024, **OLDER),
    Model(
        "claude-haiku-4-5",
        "Claude Haiku 4.5",
        _day(2025, 10, 1),
        Prices(1_000, 5_000, 1_250, 2_000, 100),
        4096,
        **SMALL,
    ),
    Model(
        "claude-sonnet-4-5",
        "Claude Sonnet 4.5",
        _day(2025, 9, 29),
        SONNET,
        1024,
        **SMALL,
        lifecycle="deprecated",
        retires=_day(2026, 11, 30),
    ),
    *(
        Model(model_id, name, _day(2025, 5, 14), prices, 1024, lifecycle="retired", retires=_day(2026, 6, 15))
        for model_id, name, prices in (
            ("claude-opus-4-0", "Claude Opus 4", OPUS),
            ("claude-sonnet-4-0", "Claude Sonnet 4", SONNET),
        )
    ),
)

ALIASES = {"claude-haiku-4-5-20251001": "claude-haiku-4-5", "claude-sonnet-4-5-20250929": "claude-sonnet-4-5"}
MODELS: Mapping[str, Model] = {model.id: model for model in _MODELS}


def find_model(model_id: str) -> Model | None:
    """The available model of that name, or None (also for a retired one)."""
    model = MODELS.get(ALIASES.get(model_id, model_id))
    return model if model and model.lifecycle != "retired" else None


def describe(model: Model) -> dict[str, Any]:
    """The model as `GET /v1/models/{id}` returns it."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "line": model.line,
        "created_at": _iso(model.created),
        "lifecycle": model.lifecycle,
        "deprecated_at": None if model.lifecycle == "active" else _iso(model.created),
        "retires_at": _iso(model.retires) if model.retires else None,
        "max_input_tokens": model.max_input,
        "max_tokens": model.max_output,
        "capabilities": _capabilities(model),
        "allowed_fallback_models": [],
    }


def _capabilities(model: Model) -> dict[str, Any]:
    thinking = {
        kind: _can(kind in model.thinking) for kind in ("adaptive", "between_tools", "disabled", "enabled")
    }
    efforts = {level: _can(True) for level in ("low", "medium", "high", "xhigh", "max")}
    return {
        "batch": _can(False),
        "citations": _can(False),
        "code_execution": _can(False),
        "compaction": {"supported": True, "summarize": _can(True)},
        "context_management": _can(False),
        "effort": {"supported": True, **efforts},
        "image_input": _can(True),
        "pdf_input": _can(False),
        "server_tools": {"supported": False, "code_execution": _can(False), "web_search": _can(False)},
        "structured_outputs": _can(False),
        "thinking": {"supported": True, "types": thinking},
    }


def _can(supported: bool) -> dict[str, Any]:
    return {"supported": supported}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
