"""The two durable points of a step as one SQL statement each, written by hand.

Each takes effect entirely or not at all. It updates rows in the order DailyBudget, Job, ledger, AgentSession,
and its conditions see their newest versions. If a row is not as the parameters say, the later parts of the
statement match nothing, and the last line divides by the number of updated sessions, which is zero: the error
makes the server undo everything the statement has written.
"""

from typing import Any

import psycopg
from django.db import DataError, connection
from psycopg.rows import dict_row

SAVE_TURN = """
WITH day AS (
    UPDATE agents_dailybudget
    SET spent_microdollars = spent_microdollars + %(cost)s,
        reserved_microdollars = GREATEST(0, reserved_microdollars
            - (SELECT reserved_microdollars FROM agents_spendentry WHERE id = %(entry)s))
    WHERE user_id = %(user)s AND day = %(day)s
    RETURNING spent_microdollars AS spent, allowance_microdollars AS allowance
), job AS (
    UPDATE jobs_job SET last_seq = last_seq + %(events)s + 1
    FROM day
    WHERE jobs_job.id = %(job)s
    RETURNING last_seq, spent, allowance
), entry AS (
    UPDATE agents_spendentry
    SET status = 'settled', settled_at = %(now)s, cost_microdollars = %(cost)s,
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s,
        cache_write_5m_tokens = %(cache_write_5m_tokens)s, cache_write_1h_tokens = %(cache_write_1h_tokens)s,
        cache_read_tokens = %(cache_read_tokens)s
    FROM job
    WHERE agents_spendentry.id = %(entry)s AND status = 'reserved'
    RETURNING job.*
), session AS (
    UPDATE agents_agentsession
    SET last_position = last_position + 1, iteration = iteration + 1, context_tokens = %(context_tokens)s,
        cost_microdollars = cost_microdollars + %(cost)s, last_heard_at = %(now)s
    FROM entry
    WHERE job_id = %(job)s AND epoch = %(epoch)s AND last_position = %(position)s
    RETURNING job_id, last_position, entry.*
), message AS (
    INSERT INTO agents_agentmessage (session_id, position, role, content, stop_reason, created_at)
    SELECT job_id, last_position, 'assistant', %(content)s, %(stop_reason)s, %(now)s FROM session
), logged AS (
    INSERT INTO jobs_jobevent (job_id, seq, type, payload, created_at)
    SELECT job_id, last_seq - 1 - %(events)s + number, fact ->> 0, fact -> 1, %(now)s
    FROM session, jsonb_array_elements(%(facts)s::jsonb) WITH ORDINALITY AS facts(fact, number)
    UNION ALL
    SELECT job_id, last_seq, 'agent.budget_updated', jsonb_build_object(
        'budget_pct', CASE WHEN allowance <= 0 THEN 100 ELSE LEAST(100, 100 * spent / allowance) END,
        'spent_microdollars', spent, 'allowance_microdollars', allowance), %(now)s
    FROM session
)
SELECT last_seq, spent, allowance, 1 / (SELECT count(*) FROM session) AS moved FROM job
"""
"""Point one: writes the turn's row, the settled call, the session and the events (last: the day's spend)."""

SAVE_RESULTS = """
WITH period AS (
    SELECT COALESCE(monthly_budget_override_microdollars, monthly_budget_microdollars)
        + (SELECT COALESCE(SUM(amount_microdollars), 0) FROM agents_budgetchange
           WHERE user_id = %(user)s AND day >= %(period_start)s AND kind IN ('top_up', 'override'))
        - (SELECT COALESCE(SUM(spent_microdollars + reserved_microdollars), 0) FROM agents_dailybudget
           WHERE user_id = %(user)s AND day >= %(period_start)s AND day < %(day)s) AS remaining
    FROM agents_subscription JOIN agents_plantier ON slug = tier_id
    WHERE user_id = %(user)s AND renews_on = %(renews_on)s
), day AS (
    UPDATE agents_dailybudget SET reserved_microdollars = reserved_microdollars + %(amount)s
    FROM period
    WHERE user_id = %(user)s AND day = %(day)s
        AND allowance_microdollars = %(allowance)s AND remaining >= %(remaining)s
        AND spent_microdollars < %(wind_down_at)s
        AND spent_microdollars + reserved_microdollars + %(amount)s <= %(ceiling)s
        AND NOT EXISTS (SELECT FROM escalations_agentescalation
                        WHERE job_id = %(job)s AND status = 'resolved' AND delivered_at IS NULL)
        AND NOT EXISTS (SELECT FROM jobs_foundermessage WHERE job_id = %(job)s AND delivered_at IS NULL)
    RETURNING day
), job AS (
    UPDATE jobs_job SET last_seq = last_seq + %(events)s
    FROM day
    WHERE jobs_job.id = %(job)s
    RETURNING last_seq
), session AS (
    UPDATE agents_agentsession
    SET last_position = last_position + 1, context_tokens = %(context_tokens)s,
        tool_calls = tool_calls + %(calls)s, last_heard_at = %(now)s
    FROM job
    WHERE job_id = %(job)s AND epoch = %(epoch)s AND last_position = %(position)s
    RETURNING job_id, user_id, model, current_phase, last_position, pause_requested, last_seq
), message AS (
    INSERT INTO agents_agentmessage (session_id, position, role, content, stop_reason, created_at)
    SELECT job_id, last_position, 'user', %(content)s, '', %(now)s FROM session
), entry AS (
    INSERT INTO agents_spendentry (id, user_id, session_id, phase, day, model, status, reserved_microdollars,
        max_tokens, input_tokens, output_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
        cache_read_tokens, cost_microdollars, price_version, is_retry, created_at)
    SELECT %(entry)s, user_id, job_id, current_phase, %(day)s, model, 'reserved', %(amount)s,
        %(max_tokens)s, 0, 0, 0, 0, 0, 0, %(price_version)s, %(is_retry)s, %(now)s
    FROM session
), logged AS (
    INSERT INTO jobs_jobevent (job_id, seq, type, payload, created_at)
    SELECT job_id, last_seq - %(events)s + number, fact ->> 0, fact -> 1, %(now)s
    FROM session, jsonb_array_elements(%(facts)s::jsonb) WITH ORDINALITY AS facts(fact, number)
)
SELECT last_seq, (SELECT pause_requested FROM session), 1 / (SELECT count(*) FROM session) AS moved FROM job
"""
"""Point two, for results only: writes their row, the session, the events and the next call's reservation.

Only if the day and the period still have the expected room, and no message or answer waits for delivery."""


def one_row(statement: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Execute a statement (prepared on the server if the settings allow it) and return its row.

    None when its conditions failed and nothing was written. A transaction of the caller is then aborted.
    """
    connection.ensure_connection()
    try:
        with (
            connection.wrap_database_errors,
            psycopg.Cursor(connection.connection, row_factory=dict_row) as cursor,
        ):
            return cursor.execute(statement, parameters).fetchone()
    except DataError as error:
        if isinstance(error.__cause__, psycopg.errors.DivisionByZero):
            return None
        raise
