from django.apps import AppConfig
from django.core.checks import register


class MediaShimConfig(AppConfig):
    name = "media_shim"
    verbose_name = "Media"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The checks read the settings, which the registry must be ready for.
        from media_shim import checks, surroundings

        register(checks.check_settings)
        register(checks.check_deployment, deploy=True)
        register(surroundings.check_project)
