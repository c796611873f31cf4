from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"

    def ready(self) -> None:
        from anymail.signals import tracking

        from dispatch import hooks

        tracking.connect(hooks.hear)
