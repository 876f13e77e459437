"""A module has its tests where its name says: those of `agents/loop.py` are `tests/agents/test_loop.py`."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = REPOSITORY / "tests"
APPS = ("agents", "cofounder", "escalations", "jobs")

# Nothing but declarations that Django or the queue reads: every test with a database or a page needs them.
DECLARE = """
agents/apps agents/urls cofounder/apps cofounder/asgi cofounder/api_urls cofounder/page_urls
cofounder/settings cofounder/urls escalations/apps escalations/urls jobs/apps jobs/urls
jobs/sockets/metrics jobs/sockets/routing agents/models/files agents/models/money
agents/models/interviews agents/models/notifications agents/models/plans agents/models/sessions
escalations/models
jobs/models jobs/api/refusals cofounder/models
"""

# Tested by another file. Its tests import the module, or hold the word given here: an address,
# a tool or a metric of the module, or the test that reaches it.
COVERED = """
agents/actions/brief                     cofounder/pages/projects/test_brief /brief
agents/actions/export                    agents/actions/test_account
agents/actions/quiet_hours               cofounder/pages/settings/test_account /settings/nights
agents/actions/share_links               cofounder/pages/builds/test_preview
agents/actions/suspension                agents/admin/test_money suspended="on"
agents/admin/actions                     agents/admin/test_jobs test_each_action_does_what_the_api_does
agents/admin/columns                     agents/admin/test_jobs test_the_lists_show_state_phase
agents/admin/forms                       agents/admin/test_money test_an_impossible_change_is_refused
agents/admin/logs                        agents/admin/test_jobs test_the_log_is_read_newest_first
agents/admin/plans                       agents/admin/test_money /admin/agents/plantier/
agents/admin/sessions                    agents/admin/test_jobs /admin/agents/agentsession/
agents/api/account                       agents/actions/test_account /api/account/export
agents/api/files                         agents/snapshots/test_diff /changes
agents/api/money                         agents/actions/test_money /api/budget/today
agents/api/projects                      agents/api/test_builds /api/projects/
agents/api/serializers                   cofounder/test_openapi test_an_answer_is_one_that_is_described
agents/budget/allowance                  agents/budget/test_ledger
agents/budget/amounts                    cofounder/pages/test_figures
agents/budget/reconciliation             agents/worker/test_sweep
agents/budget/reports                    agents/api/test_builds test_spend_sums_settled_calls
agents/budget/subscriptions              agents/actions/test_money test_who_has_no_subscription
agents/budget/validation                 agents/admin/test_money test_a_plan_that_could_not_work
agents/builds/build                      journeys/test_build test_a_brief_becomes_an_app_that_answers
agents/builds/measured                   journeys/test_many_processes cofounder_iteration_seconds
agents/builds/rescue                     agents/builds/test_finished_app
agents/builds/shutdown                   journeys/test_build asked_to_stop_hands_its_build_over
agents/checkpoint/apply_effects          agents/builds/test_transactions
agents/checkpoint/expected               agents/checkpoint/test_fast_path test_a_step_is_two_statements
agents/checkpoint/statements             agents/checkpoint/test_fast_path test_a_step_is_two_statements
agents/errors                            agents/tools/test_toolbox
agents/failures/categories               agents/failures/test_failure
agents/failures/command_line             agents/failures/test_failure test_only_the_same_thing_working_proves
agents/failures/signatures               agents/failures/test_failure
agents/failures/test_output              agents/failures/test_failure
agents/interview/topics                  agents/interview/test_rules
agents/interview/values                  agents/interview/test_rules
agents/llm/metering                      agents/llm/test_client its_usage_is_the_bill
agents/llm/retry                         agents/llm/test_client
agents/llm/streamed                    agents/llm/test_acceptable
agents/management/builds                 agents/management/test_commands agent_status
agents/management/commands/agent_status  agents/management/test_commands agent_status
agents/management/commands/cancel_job    agents/management/test_commands cancel_job
agents/management/commands/pause_agent   agents/management/test_commands pause_agent
agents/management/commands/wake_agent    agents/management/test_commands wake_agent
agents/management/commands/run_worker    journeys/test_many_processes run_worker
agents/management/questions              agents/management/test_commands plain_english_problem
agents/metrics                           journeys/test_many_processes cofounder_iteration_seconds
agents/preview/declaration               agents/preview/test_launch
agents/preview/steps                     agents/preview/test_visits
agents/sandbox/layout                    agents/sandbox/test_workspace
agents/sandbox/process_groups            agents/snapshots/test_save
agents/sandbox/seen                      agents/tools/test_files "file_not_read"
agents/session/claim                     agents/session/test_state
agents/session/inbox                     agents/checkpoint/test_fast_path test_an_answer_is_delivered
agents/session/locks                     agents/actions/test_money test_two_top_ups_at_once_both_count
agents/session/rest                      agents/test_waking
agents/session/status                    agents/api/test_builds /status
agents/snapshots/code_zip                agents/snapshots/test_save
agents/snapshots/history                 agents/snapshots/test_diff
agents/snapshots/transfer                agents/snapshots/test_s3 test_a_slow_storage_holds_up_nobody_else
agents/stops                             agents/test_loop
agents/tasks                             agents/test_database
agents/tool_effects                      agents/tools/test_toolbox
agents/tools/app_address                 agents/tools/test_take_screenshot test_only_the_apps_own_pages
agents/tools/ask_founder                 agents/tools/test_toolbox "ask_founder"
agents/tools/document                    agents/tools/test_toolbox "document"
agents/tools/edit_file                   agents/tools/test_files "edit_file"
agents/tools/glob                        agents/tools/test_files
agents/tools/grep                        agents/tools/test_files "grep"
agents/tools/narrate                     agents/tools/test_toolbox "narrate"
agents/tools/paths                       agents/tools/test_files test_what_cannot_be_read_is_told_by_its_kind
agents/tools/pdf                         agents/tools/test_read_file "menu.pdf"
agents/tools/pdf_pages                   agents/tools/test_read_file "torn.pdf"
agents/tools/pictures                    agents/tools/test_read_file
agents/tools/plan                        agents/tools/test_toolbox "plan"
agents/tools/tool                        agents/tools/test_toolbox test_a_definition_is_complete_and_closed
agents/tools/use_app                     agents/preview/test_journeys "use_app"
agents/tools/write_file                  agents/tools/test_files "write_file"
agents/turns                             agents/test_loop
agents/usage                             agents/budget/test_prices
agents/worker/reaper                     agents/management/test_reap_sandboxes

cofounder/accounts/sign_in_links         cofounder/pages/settings/test_sign_in_link
cofounder/admin/users                    agents/admin/test_jobs users_passwords
cofounder/config/file_storage            agents/snapshots/test_s3
cofounder/config/local_sockets           cofounder/install/test_embedded
cofounder/config/model_prices            agents/budget/test_prices MODEL_PRICES
cofounder/http/cache                     cofounder/test_limits test_without_redis_nobody_is_refused
cofounder/http/request_id                cofounder/operations/test_probes X-Request-ID
cofounder/http/websocket_login           cofounder/test_access test_a_socket_tells_its_owner_alone
cofounder/http/websocket_origin          cofounder/config/test_security
cofounder/management/follow              journeys/test_command_build "build"
cofounder/operations/doctor/examination  cofounder/management/test_doctor
cofounder/operations/doctor/finding      cofounder/management/test_doctor "doctor"
cofounder/operations/doctor/providers    cofounder/management/test_doctor
cofounder/operations/doctor/services     cofounder/management/test_doctor
cofounder/operations/doctor/settings     cofounder/management/test_doctor
cofounder/operations/drill/__main__      chaos/test_drill "drill"
cofounder/operations/drill/parts         cofounder/management/test_drill
cofounder/operations/metrics             cofounder/operations/test_probes cofounder_spend_today_dollars
cofounder/operations/retention           cofounder/management/test_prune "prune"
cofounder/pages/builds/controls          cofounder/pages/builds/test_page /messages
cofounder/pages/builds/feed              cofounder/pages/builds/test_feed_templates
cofounder/pages/builds/state             cofounder/pages/builds/test_page
cofounder/pages/error_pages              cofounder/test_limits 429
cofounder/pages/limits                   cofounder/test_limits test_page_and_api_count_together
cofounder/pages/markup                   cofounder/pages/test_figures
cofounder/pages/money/today              cofounder/pages/money/test_change /money/today
cofounder/pages/ownership                cofounder/test_access test_what_is_someone_else_s_is_not_there
cofounder/pages/projects/brief_form      cofounder/pages/projects/test_new /projects/new
cofounder/pages/projects/written         cofounder/pages/projects/test_interview /write
cofounder/pages/questions/open           cofounder/pages/questions/test_index /questions
cofounder/pages/replies                  cofounder/pages/questions/test_index HTMX
cofounder/pages/secret_fields            cofounder/pages/projects/test_secrets "provide_credentials"
cofounder/templatetags/admin_figures     cofounder/admin/test_figures test_builds_that_wait_for_the_operator
cofounder/templatetags/credentials       cofounder/pages/projects/test_secrets "provide_credentials"
cofounder/templatetags/figures           cofounder/pages/builds/test_file_changes
cofounder/templatetags/interview         cofounder/pages/projects/test_interview /interviews
cofounder/templatetags/in_language       cofounder/pages/projects/test_brief US$
cofounder/templatetags/notifications     cofounder/pages/settings/test_notifications /settings

escalations/credentials                  cofounder/pages/projects/test_secrets "provide_credentials"
escalations/serializers                  escalations/test_api test_an_escalation_is_shown_with
jobs/admin_base                          agents/admin/test_jobs /admin/jobs/job/
jobs/api/ownership                       cofounder/test_access test_what_is_someone_else_s_is_not_there
jobs/api/parsers                         jobs/api/test_projects \\\\ud800
jobs/api/serializers                     cofounder/test_openapi test_an_answer_is_one_that_is_described
jobs/api/throttles                       cofounder/test_limits
jobs/api/views                           jobs/api/test_jobs /api/jobs/
jobs/errors                              jobs/api/test_errors
jobs/fields                              cofounder/management/test_rotate_keys rotate_keys
jobs/project_secrets                     jobs/api/test_secrets
jobs/sockets/hub                         jobs/sockets/test_consumer
"""
ROWS = [row.split(maxsplit=2) for row in COVERED.splitlines() if row]


def modules() -> list[str]:
    found = (file.relative_to(REPOSITORY) for app in APPS for file in (REPOSITORY / app).rglob("*.py"))
    ours = (file for file in found if file.name != "__init__.py" and "migrations" not in file.parts)
    return sorted(str(file.with_suffix("")) for file in ours)


def own_test(module: str) -> Path:
    """A command is tested beside the folder `commands`, which Django asks for."""
    folder, _, name = module.replace("/commands/", "/").rpartition("/")
    return TESTS / folder / f"test_{name}.py"


def is_imported(module: str, source: str) -> bool:
    package, _, name = module.replace("/", ".").rpartition(".")
    return bool(
        re.search(rf"\b{re.escape(package)}\.{name}\b", source)
        or re.search(rf"from {re.escape(package)} import \(?[^()]*?\b{name}\b", source)
    )


def listed() -> list[str]:
    return [*DECLARE.split(), *(row[0] for row in ROWS)]


def test_each_module_has_its_test_file_or_is_listed() -> None:
    without = [module for module in modules() if not own_test(module).exists()]

    assert set(without) - set(listed()) == set()


def test_whatever_is_listed_exists_and_has_no_test_file_of_its_own() -> None:
    assert set(listed()) - set(modules()) == set()
    assert [module for module in listed() if own_test(module).exists()] == []


def test_nothing_is_listed_twice() -> None:
    assert len(listed()) == len(set(listed()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_file_that_is_named_tests_it(row: list[str]) -> None:
    module, file, *word = row
    source = (TESTS / f"{file}.py").read_text()

    assert word[0] in source if word else is_imported(module, source)


@pytest.mark.parametrize(
    "line", ["import jobs.clock", "from jobs import clock", "from jobs.clock import now"]
)
def test_an_import_is_found(line: str) -> None:
    assert is_imported("jobs/clock", line)
    assert not is_imported("jobs/queue", line)
