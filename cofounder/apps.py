from django.apps import AppConfig


class CofounderConfig(AppConfig):
    name = "cofounder"
    default_auto_field = "django.db.models.BigAutoField"
