from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CofounderConfig(AppConfig):
    name = "cofounder"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cofounder.accounts import signals  # noqa: F401  # connects its receivers


class CockpitConfig(admin_apps.AdminConfig):
    default = False  # of this module: it is named in full
    default_site = "cofounder.accounts.admin_door.Site"
