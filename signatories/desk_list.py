"""The order in which a letter lists its signatories."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import access_campaign, staff, staff_page
from letters.models import Letter
from signatories import services
from signatories.desk.rows import own_name
from signatories.models import Signature
from signatories.queries import given_order

A_PAGE = 200


class OrderForm(forms.ModelForm):
    class Meta:
        model = Letter
        fields = ("signatory_order", "ignores_articles")
        widgets = {"signatory_order": forms.RadioSelect}


class PlaceForm(forms.Form):
    """Where one organisation stands, and whether before all others."""

    is_lead = forms.BooleanField(required=False)
    position = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        error_messages={
            "invalid": gettext_lazy("Enter a whole number."),
            "min_value": gettext_lazy("Enter 1 or more."),
            "max_value": gettext_lazy("Enter 100,000 or less."),
        },
        widget=forms.NumberInput(attrs={"min": 1, "inputmode": "numeric"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def order(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the rule."""
    letter = get_object_or_404(Letter, slug=slug)
    form = OrderForm(request.POST or None, instance=letter)
    if form.is_valid():
        chosen = form.cleaned_data
        services.choose_order(
            letter, order=chosen["signatory_order"], ignores_articles=chosen["ignores_articles"], by=staff(request)
        )
        messages.success(request, _("The signatories are listed in the order that you chose."))
        return redirect("desk:order", slug=slug)
    return _page(request, letter, form, [], status=422 if form.is_bound else 200)


@require_http_methods(["POST"])
@staff_page(access_campaign)
def places(request: HttpRequest, slug: str) -> HttpResponse:
    """Say who leads, and who stands where."""
    letter = get_object_or_404(Letter, slug=slug)
    keys = [int(key) for key in request.POST.getlist("listed") if key.isascii() and key.isdigit() and len(key) < 19]
    typed = {key: PlaceForm(request.POST, prefix=str(key)) for key in keys[:A_PAGE]}
    if any(form.errors for form in typed.values()):
        return _page(request, letter, OrderForm(instance=letter), typed, status=422)
    stated = {key: form.cleaned_data for key, form in typed.items()}
    services.place(
        letter,
        places={key: found["position"] for key, found in stated.items()},
        leads=[key for key, found in stated.items() if found["is_lead"]],
        by=staff(request),
    )
    messages.success(request, _("The places are saved."))
    return redirect(request.get_full_path().replace("/places/", "/order/"))


def _page(request: HttpRequest, letter: Letter, form: OrderForm, typed: Any, *, status: int) -> HttpResponse:
    """The rule, and a page of the signatories; what was typed stays."""
    listed = letter.signatures.approved().of_organisations()
    if letter.signatory_order != Letter.Order.NAME:
        listed = given_order(listed, letter)
    page = Paginator(listed, A_PAGE).get_page(request.GET.get("page"))
    rows = [(signature, own_name(signature), _place(signature, typed)) for signature in page]
    context = {"letter": letter, "form": form, "page": page, "rows": rows}
    return render(request, "desk/order.html", context, status=status)


def _place(signature: Signature, typed: dict[int, PlaceForm]) -> PlaceForm:
    stands = {"is_lead": signature.is_lead, "position": signature.position}
    return (typed and typed.get(signature.pk)) or PlaceForm(initial=stands, prefix=str(signature.pk))
