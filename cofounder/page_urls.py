"""The addresses of the founder's pages."""

from django.urls import URLPattern, URLResolver, include, path

from cofounder.pages import home
from cofounder.pages.builds import change_request, controls, file_changes, page, preview, screenshots
from cofounder.pages.money import change
from cofounder.pages.projects import brief, index, interview, new, secrets
from cofounder.pages.questions import answer_link
from cofounder.pages.questions.index import answer, questions
from cofounder.pages.settings import account, delete_account, notifications, sign_in_link

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("enter/<str:token>", sign_in_link.enter, name="enter"),
    path("projects", index.projects, name="projects"),
    path("projects/new", new.new_project, name="new-project"),
    path("interviews", interview.begin, name="begin-interview"),
    path("interviews/<uuid:interview_id>", interview.interview, name="interview"),
    path("interviews/<uuid:interview_id>/answer", interview.answer, name="interview-answer"),
    path("interviews/<uuid:interview_id>/enough", interview.enough, name="interview-enough"),
    path("interviews/<uuid:interview_id>/retry", interview.retry, name="interview-retry"),
    path("interviews/<uuid:interview_id>/typed", interview.keep_typed, name="interview-typed"),
    path("interviews/<uuid:interview_id>/write", interview.write_instead, name="interview-write"),
    path("projects/<uuid:project_id>/start", index.start, name="start-build"),
    path("projects/<uuid:project_id>/brief", brief.brief, name="brief"),
    path("projects/<uuid:project_id>/brief/edit", brief.edit, name="edit-brief"),
    path("projects/<uuid:project_id>/brief/build", brief.build, name="build-brief"),
    path("projects/<uuid:project_id>/keys", secrets.keys, name="keys"),
    path("projects/<uuid:project_id>/keys/remove", secrets.remove_key, name="remove-key"),
    path("projects/<uuid:project_id>/links", preview.share_links, name="share-links"),
    path("projects/<uuid:project_id>/links/new", preview.share, name="share"),
    path("projects/<uuid:project_id>/links/<uuid:link_id>/revoke", preview.unshare, name="unshare"),
    path("preview/<uuid:project_id>", preview.open_app, name="preview"),
    path("preview/<uuid:project_id>/progress", preview.progress, name="preview-progress"),
    path("builds/<uuid:job_id>", page.build, name="build"),
    path("builds/<uuid:job_id>/feed", page.build_feed, name="build-feed"),
    path("builds/<uuid:job_id>/messages", controls.write, name="write"),
    path("builds/<uuid:job_id>/changes", file_changes.changes, name="changes"),
    path("builds/<uuid:job_id>/change", change_request.ask_for_change, name="ask-for-change"),
    path("builds/<uuid:job_id>/images/<path:name>", screenshots.image, name="image"),
    path("builds/<uuid:job_id>/app", preview.status, name="app-status"),
    path("builds/<uuid:job_id>/<slug:verb>", controls.act, name="act"),
    path("questions", questions, name="questions"),
    path("questions/<uuid:escalation_id>/answer", answer, name="answer"),
    path("money/today", change.today, name="money-today"),
    path("money/top-up", change.top_up, name="money-top-up"),
    path("answer/<str:token>", answer_link.answer_link, name="answer-link"),
    path("settings", account.account, name="settings"),
    path("settings/delete", delete_account.delete, name="delete-account"),
    path("settings/notifications", notifications.notifications, name="notifications"),
    path("settings/notifications/mails", notifications.mails, name="notifications-mails"),
    path("settings/notifications/webhook", notifications.webhook, name="notifications-webhook"),
    path("settings/notifications/webhook/<slug:verb>", notifications.act, name="notifications-act"),
    path("settings/nights", account.set_nights, name="set-nights"),
    path("settings/tokens", account.make_token, name="make-token"),
    path("settings/tokens/revoke", account.revoke_tokens, name="revoke-tokens"),
    path("settings/tokens/<str:digest>/revoke", account.revoke_token, name="revoke-token"),
]
