"""Addresses of the API of projects and jobs; those that reach the agent are in `agents.urls`."""

from django.urls import path

from jobs.api import secrets, views

urlpatterns = [
    path("projects", views.ProjectsView.as_view()),
    path("projects/<uuid:project_id>/secrets", secrets.SecretsView.as_view()),
    path("projects/<uuid:project_id>/secrets/<str:name>", secrets.SecretView.as_view()),
    path("jobs", views.JobsView.as_view()),
    path("jobs/<uuid:job_id>", views.JobView.as_view()),
    path("jobs/<uuid:job_id>/events", views.EventsView.as_view()),
    path("jobs/<uuid:job_id>/phases", views.PhasesView.as_view()),
    path("jobs/<uuid:job_id>/checks", views.ChecksView.as_view()),
]
