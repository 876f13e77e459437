"""Addresses of the API of projects and jobs; those that reach the agent are in `agents.urls`."""

from django.urls import path

from jobs import api, api_secrets

urlpatterns = [
    path("projects", api.ProjectsView.as_view()),
    path("projects/<uuid:project_id>/secrets", api_secrets.SecretsView.as_view()),
    path("projects/<uuid:project_id>/secrets/<str:name>", api_secrets.SecretView.as_view()),
    path("jobs", api.JobsView.as_view()),
    path("jobs/<uuid:job_id>", api.JobView.as_view()),
    path("jobs/<uuid:job_id>/events", api.EventsView.as_view()),
    path("jobs/<uuid:job_id>/phases", api.PhasesView.as_view()),
    path("jobs/<uuid:job_id>/checks", api.ChecksView.as_view()),
]
