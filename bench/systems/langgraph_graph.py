"""LangGraph: a StateGraph with the Postgres saver, every checkpoint written before the next superstep.

`default` is the usual channel with a reducer and one node each for model and tool; `delta` is the same with
the beta's DeltaChannel; `delta_one` has one node, and so one durable point per iteration.
"""

import sys
from collections.abc import Sequence
from operator import add
from typing import Annotated, Any, TypedDict
from uuid import uuid4

from langgraph.channels import DeltaChannel
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph

from bench import work
from bench.meter import Meter

Messages = list[dict[str, Any]]


def append_all(messages: Messages, writes: Sequence[Messages]) -> Messages:
    return [*messages, *(message for write in writes for message in write)]


class State(TypedDict):
    messages: Annotated[Messages, add]


class DeltaState(TypedDict):
    messages: Annotated[Messages, DeltaChannel(append_all)]


class Nodes:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._iteration = 0

    def model(self, state: Any) -> dict[str, Messages]:
        self._meter.tick()
        content = work.answer(self._iteration)
        return {"messages": [{"role": "assistant", "content": content}]}

    def tool(self, state: Any) -> dict[str, Messages]:
        text = work.output(self._iteration)
        block = {"type": "tool_result", "tool_use_id": f"toolu_{self._iteration:020}", "content": text}
        self._iteration += 1
        return {"messages": [{"role": "user", "content": [block]}]}

    def both(self, state: Any) -> dict[str, Messages]:
        return {"messages": self.model(state)["messages"] + self.tool(state)["messages"]}

    def next(self, state: Any) -> str:
        return END if self._iteration == work.ITERATIONS else "model"


def build(variant: str, nodes: Nodes, saver: PostgresSaver) -> Any:
    graph = StateGraph(State if variant == "default" else DeltaState)
    graph.add_edge(START, "model")
    if variant == "delta_one":
        graph.add_node("model", nodes.both)
        graph.add_conditional_edges("model", nodes.next)
    else:
        graph.add_node("model", nodes.model)
        graph.add_node("tool", nodes.tool)
        graph.add_edge("model", "tool")
        graph.add_conditional_edges("tool", nodes.next)
    return graph.compile(checkpointer=saver)


def main() -> None:
    conninfo, variant = sys.argv[1:]
    with PostgresSaver.from_conn_string(conninfo) as saver:
        saver.setup()
        meter = Meter(conninfo)
        nodes = Nodes(meter)
        config = {"configurable": {"thread_id": str(uuid4())}, "recursion_limit": 2 * work.ITERATIONS + 10}
        start = {"messages": [{"role": "user", "content": "Begin."}]}
        build(variant, nodes, saver).invoke(start, config, durability="sync")
        meter.tick()
    meter.report()


if __name__ == "__main__":
    main()
