"""The URLs of the API for builds."""

from django.urls import path

from agents import account_api, api, files_api

urlpatterns = [
    path("projects/<uuid:project_id>", api.ProjectView.as_view()),
    path("generation/start", api.StartView.as_view()),
    path("jobs/<uuid:job_id>/status", api.StatusView.as_view()),
    path("jobs/<uuid:job_id>/wake", api.WakeView.as_view()),
    path("jobs/<uuid:job_id>/pause", api.PauseView.as_view()),
    path("jobs/<uuid:job_id>/resume", api.ResumeView.as_view()),
    path("jobs/<uuid:job_id>/cancel", api.CancelView.as_view()),
    path("jobs/<uuid:job_id>/messages", api.MessagesView.as_view()),
    path("jobs/<uuid:job_id>/transcript", api.TranscriptView.as_view()),
    path("jobs/<uuid:job_id>/documents", api.DocumentsView.as_view()),
    path("jobs/<uuid:job_id>/spend", api.SpendView.as_view()),
    path("jobs/<uuid:job_id>/snapshots", files_api.SnapshotsView.as_view()),
    path("jobs/<uuid:job_id>/changes", files_api.ChangesView.as_view()),
    path("jobs/<uuid:job_id>/restore", files_api.RestoreView.as_view()),
    path("jobs/<uuid:job_id>/code.zip", files_api.CodeView.as_view()),
    path("account/delete", account_api.DeleteView.as_view()),
    path("account/export", account_api.ExportView.as_view()),
    path("budget", api.BudgetView.as_view()),
    path("budget/today", api.TodayView.as_view()),
]
