from django.apps import AppConfig


class SignatoriesConfig(AppConfig):
    name = "signatories"

    def ready(self) -> None:
        from mailing.signals import came_back, got_through
        from signatories.services import reach

        came_back.connect(reach.came_back)
        got_through.connect(reach.got_through)
