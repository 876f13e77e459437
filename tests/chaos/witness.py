"""Who wrote to which session under which epoch, in commit order; recorded by the database itself.

Every writer locks the session's row, so the numbers of its entries are in commit order. A worker is
identified by the name of its connections.
"""

from collections import defaultdict
from typing import Any

from django.db import connection

INSTALL = """
CREATE TABLE witness_session (
    number bigserial, session uuid, before int, after int, who text, tx bigint, at timestamptz
);
CREATE TABLE witness_row (session uuid, name text, who text, tx bigint);
CREATE FUNCTION witness_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness_session (session, before, after, who, tx, at) VALUES (
        NEW.job_id, OLD.epoch, NEW.epoch, current_setting('application_name'), txid_current(),
        clock_timestamp());
    RETURN NULL;
END $$;
CREATE FUNCTION witness_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness_row SELECT
        (to_jsonb(NEW) ->> TG_ARGV[0])::uuid, TG_TABLE_NAME, current_setting('application_name'),
        txid_current();
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER UPDATE OF epoch, state, last_position, last_heard_at ON agents_agentsession
    FOR EACH ROW EXECUTE FUNCTION witness_session();
CREATE TRIGGER witness AFTER INSERT ON agents_agentmessage
    FOR EACH ROW EXECUTE FUNCTION witness_row('session_id');
CREATE TRIGGER witness AFTER INSERT ON jobs_jobevent
    FOR EACH ROW EXECUTE FUNCTION witness_row('job_id');
"""


def install() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSTALL)


def writes(session: Any) -> list[tuple[int, int, str, Any]]:
    """`(epoch before, epoch after, who, when)` of every write to the session."""
    return _rows(
        "SELECT before, after, who, at FROM witness_session WHERE session = %s ORDER BY number", session
    )


def claims(session: Any) -> list[tuple[str, Any]]:
    """Who took the session over, and when."""
    return [(who, at) for before, after, who, at in writes(session) if after != before]


def ownership_problems(session: Any) -> list[str]:
    """What contradicts having a single owner at any time; should be empty."""
    problems, owner, epoch = [], defaultdict(set), 0
    for before, after, who, _ in writes(session):
        if before != epoch or after - before not in (0, 1):
            problems.append(f"{who} wrote under epoch {before} -> {after} when it was {epoch}")
        epoch = after
        owner[after].add(who)
    problems += [
        f"epoch {epoch} had the owners {sorted(who)}" for epoch, who in owner.items() if len(who) > 1
    ]
    unfenced = _rows(
        "SELECT r.name, r.who, count(*) FROM witness_row r WHERE r.session = %s AND r.who LIKE 'worker-%%' "
        "AND NOT EXISTS (SELECT 1 FROM witness_session s WHERE s.session = r.session AND s.tx = r.tx) "
        "GROUP BY 1, 2",
        session,
    )
    return problems + [f"{who} wrote {count} rows of {name} without a fence" for name, who, count in unfenced]


def _rows(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()
