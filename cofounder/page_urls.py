"""The addresses of the founder's pages."""

from django.urls import URLPattern, URLResolver, include, path

from cofounder.pages import (
    account,
    build,
    controls,
    enter,
    home,
    images,
    new_project,
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
    path("builds/<uuid:job_id>", build.build, name="build"),
    path("builds/<uuid:job_id>/feed", build.build_feed, name="build-feed"),
    path("builds/<uuid:job_id>/messages", controls.write, name="write"),
    path("builds/<uuid:job_id>/images/<path:name>", images.image, name="image"),
    path("builds/<uuid:job_id>/<slug:verb>", controls.act, name="act"),
    path("questions", questions.questions, name="questions"),
    path("questions/<uuid:escalation_id>/answer", questions.answer, name="answer"),
    path("settings", account.account, name="settings"),
]
