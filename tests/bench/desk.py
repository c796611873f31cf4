"""What the desk costs a reviewer when ten thousand signatures wait."""

import statistics
import time

from tests.bench.site import show

WAITING = 10_000
ROUNDS = 5
WORDS = ("Alpha", "Beta", "Gamma", "Delta", "Omega", "Sigma", "Watch", "Rights", "Digital", "Freedom", "Press")


def measure_desk() -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.factories import make_user

    pk = add_waiting()
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(make_user("reviewer"))
    pages = {
        "the queue": "/desk/",
        "  its last page": "/desk/?page=100000",
        "  a name in another script": "/desk/?q=Омега+Прэс",
        "  with doubts, of one country": "/desk/?doubts=yes&country=BY",
        "a signature": f"/desk/signatures/{pk}/",
        "the numbers": "/desk/numbers/",
    }
    for what, address in pages.items():
        assert browser.get(address).status_code == 200
        took = []
        for _ in range(ROUNDS):
            with CaptureQueriesContext(connection) as queries:
                began = time.perf_counter()
                browser.get(address)
                took.append(time.perf_counter() - began)
        wanted = " (wanted: under 20 and 300 ms)" if what == "the queue" else ""
        show(f"{what}, {WAITING} wait", f"{len(queries)} queries, {statistics.median(took) * 1000:.0f} ms{wanted}")


def add_waiting() -> int:
    """As they are when their signers have confirmed them; the key of one of them."""
    from django.utils import timezone

    from signatories.folding import fold_name
    from signatories.lookalikes import name_keys
    from signatories.models import NameKey, Signature
    from tests.factories import make_letter, make_signature

    letter = make_letter(slug="desk", published=False)
    first = make_signature(letter, status="pending")
    columns = {field.attname: getattr(first, field.attname) for field in Signature._meta.concrete_fields}
    del columns["id"], columns["name"]
    names = [f"{WORDS[n % 11]} {WORDS[n // 11 % 10]} {n}" for n in range(WAITING - 1)]
    spelt = [{"name_en": name, "folded_name": fold_name(name), "mailbox": f"{n}"} for n, name in enumerate(names)]
    now = timezone.now()
    Signature.objects.bulk_create(
        [Signature(**{**columns, "confirmed_at": now, **names}) for names in spelt], batch_size=500
    )
    rows = letter.signatures.values_list("pk", "name_en")
    keys = (NameKey(signature_id=pk, kind=kind, key=key) for pk, name in rows for kind, key in name_keys(name))
    NameKey.objects.bulk_create(keys, batch_size=1000)
    return first.pk
