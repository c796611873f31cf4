"""How long a campaign keeps the contacts of those who signed its letters."""

from datetime import date

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import access_campaign, staff, staff_page
from campaign.letter_history import history_of_campaign
from letters import services
from letters.models import Campaign


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        fields = ("contacts_until",)
        widgets = {"contacts_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        error_messages = {"contacts_until": {"invalid": gettext_lazy("Enter a day such as 2020-08-31.")}}

    def clean_contacts_until(self) -> date | None:
        day: date | None = self.cleaned_data["contacts_until"]
        if day and day < timezone.now().date():
            raise ValidationError(_("This day is over. Choose today or a later one."))
        return day


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """The day after which contacts are deleted."""
    found = get_object_or_404(Campaign, pk=pk)
    form = CampaignForm(request.POST if request.method == "POST" else None, instance=found)
    if form.is_valid():
        services.keep_contacts(found, until=form.cleaned_data["contacts_until"], by=staff(request))
        messages.success(request, _("Saved."))
        return redirect("desk:campaign", pk=pk)
    context = {"campaign": found, "form": form, "letters": found.letters.all(), "history": history_of_campaign(found)}
    return render(request, "desk/campaign.html", context, status=422 if form.is_bound else 200)
