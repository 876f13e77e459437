from django.apps import AppConfig


class CofounderConfig(AppConfig):
    name = "cofounder"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cofounder.accounts import signals  # noqa: F401  # connects its receivers
