from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def holding(self, *roles: str) -> "models.QuerySet[User]":
        """Active members of staff who hold one of `roles`; administrators hold them all."""
        held = models.Q(roles__role__in=(*roles, "administrator"))
        return self.filter(models.Q(is_superuser=True) | held, is_active=True).distinct().order_by("name", "email")

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A member of staff. The e-mail is the login, kept in lower case."""

    email = models.EmailField(_("E-mail"), unique=True)
    name = models.CharField(_("Name"), max_length=150, blank=True)
    language = models.CharField(_("Language"), max_length=10, default="en")
    is_active = models.BooleanField(_("Active"), default=True)
    is_staff = models.BooleanField(_("May open the admin"), default=False)
    date_joined = models.DateTimeField(_("Added"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("member of staff")
        verbose_name_plural = _("members of staff")
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower_case")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def has_role(self, *roles: str) -> bool:
        """Whether an active member of staff holds one of `roles`; an administrator holds them all."""
        if not self.is_active:
            return False
        held = {role.role for role in self.roles.all()}
        return self.is_superuser or Role.Name.ADMINISTRATOR in held or not held.isdisjoint(roles)


class Role(models.Model):
    """What a member of staff may do. A translator is one of a language."""

    class Name(models.TextChoices):
        CAMPAIGNER = "campaigner", _("Campaigner")
        REVIEWER = "reviewer", _("Reviewer")
        TRANSLATOR = "translator", _("Translator")
        SENDER = "sender", _("Sender")
        ADMINISTRATOR = "administrator", _("Administrator")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(pgettext_lazy("staff", "Role"), max_length=20, choices=Name)
    language = models.CharField(_("Language"), max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user", "role", "language"), name="role_held_once"),
            models.CheckConstraint(
                condition=models.Q(role="translator") ^ models.Q(language=""), name="role_language_is_the_translators"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.language}".strip()
