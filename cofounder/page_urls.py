"""The addresses of the founder's pages."""

from django.urls import URLPattern, URLResolver, include, path

from cofounder.pages import (
    account,
    ask_change,
    build,
    controls,
    enter,
    home,
    images,
    keys,
    new_project,
    preview,
    projects,
    questions,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("accounts/", include("allauth.account.urls")),
    path("enter/<str:token>", enter.enter, name="enter"),
    path("projects", projects.projects, name="projects"),
    path("projects/new", new_project.new_project, name="new-project"),
    path("projects/<uuid:project_id>/start", projects.start, name="start-build"),
    path("projects/<uuid:project_id>/keys", keys.keys, name="keys"),
    path("projects/<uuid:project_id>/keys/remove", keys.remove_key, name="remove-key"),
    path("projects/<uuid:project_id>/links", preview.share_links, name="share-links"),
    path("projects/<uuid:project_id>/links/new", preview.share, name="share"),
    path("projects/<uuid:project_id>/links/<uuid:link_id>/revoke", preview.unshare, name="unshare"),
    path("preview/<uuid:project_id>", preview.open_app, name="preview"),
    path("preview/<uuid:project_id>/progress", preview.progress, name="preview-progress"),
    path("builds/<uuid:job_id>", build.build, name="build"),
    path("builds/<uuid:job_id>/feed", build.build_feed, name="build-feed"),
    path("builds/<uuid:job_id>/messages", controls.write, name="write"),
    path("builds/<uuid:job_id>/change", ask_change.ask_for_change, name="ask-for-change"),
    path("builds/<uuid:job_id>/images/<path:name>", images.image, name="image"),
    path("builds/<uuid:job_id>/app", preview.status, name="app-status"),
    path("builds/<uuid:job_id>/<slug:verb>", controls.act, name="act"),
    path("questions", questions.questions, name="questions"),
    path("questions/<uuid:escalation_id>/answer", questions.answer, name="answer"),
    path("settings", account.account, name="settings"),
]
