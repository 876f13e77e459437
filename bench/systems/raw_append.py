"""The lower bound: psycopg alone, one prepared statement for each of an iteration's two durable points."""

import json
import os
import sys
from uuid import uuid4

import psycopg

from bench import work
from bench.meter import Meter

SCHEMA = """
CREATE TABLE IF NOT EXISTS raw_session (
    id uuid PRIMARY KEY, epoch int, position int DEFAULT 0, seq bigint DEFAULT 0, spent bigint DEFAULT 0);
CREATE TABLE IF NOT EXISTS raw_message (
    session uuid, position int, role text, content text, PRIMARY KEY (session, position));
CREATE TABLE IF NOT EXISTS raw_event (
    session uuid, seq bigint, type text, payload jsonb, PRIMARY KEY (session, seq));
CREATE TABLE IF NOT EXISTS raw_spend (id bigserial PRIMARY KEY, session uuid, cost bigint);
"""
POINT_ONE = """
WITH head AS (
    UPDATE raw_session SET position = position + 1, seq = seq + 2, spent = spent + 100
    WHERE id = %(id)s AND epoch = 1 RETURNING id, position, seq),
message AS (
    INSERT INTO raw_message SELECT id, position, 'assistant', %(content)s FROM head),
spend AS (INSERT INTO raw_spend (session, cost) SELECT id, 100 FROM head),
events AS (
    INSERT INTO raw_event SELECT id, seq - 1, 'tool.called', %(called)s::jsonb FROM head
    UNION ALL SELECT id, seq, 'budget', %(budget)s::jsonb FROM head)
SELECT position FROM head
"""
POINT_TWO = """
WITH head AS (
    UPDATE raw_session SET position = position + 1, seq = seq + 1
    WHERE id = %(id)s AND epoch = 1 RETURNING id, position, seq),
message AS (INSERT INTO raw_message SELECT id, position, 'user', %(content)s FROM head),
events AS (INSERT INTO raw_event SELECT id, seq, 'tool.finished', %(finished)s::jsonb FROM head)
SELECT position FROM head
"""


def main() -> None:
    conninfo = sys.argv[1]
    session = uuid4()
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=0) as connection:
        connection.execute(SCHEMA, prepare=False)
        connection.execute("INSERT INTO raw_session (id, epoch) VALUES (%s, 1)", [session])
        meter = Meter(conninfo)
        for iteration in range(work.ITERATIONS):
            meter.tick()
            content = work.answer(iteration)
            call = content[-1]
            label = {"call_id": call["id"], "tool": call["name"], "label": f"Read {call['input']['path']}"}
            parameters = {"content": content, "called": label, "budget": {"budget_pct": 1, "spent": 100}}
            _execute(connection, POINT_ONE, session, parameters)
            text = work.output(iteration)
            answered = [{"type": "tool_result", "tool_use_id": call["id"], "content": text}]
            _execute(
                connection, POINT_TWO, session, {"content": answered, "finished": {**label, "excerpt": text}}
            )
        meter.tick()
    meter.report()


def _execute(connection: psycopg.Connection, sql: str, session: object, values: dict[str, object]) -> None:
    parameters = {name: json.dumps(value) for name, value in values.items()}
    row = connection.execute(sql, {"id": session, **parameters}).fetchone()
    assert row is not None, f"session {session} was lost by process {os.getpid()}"


if __name__ == "__main__":
    main()
