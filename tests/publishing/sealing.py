"""Sealed editions at no cost, for tests that are not about what stands in a PDF."""

import os
from unittest.mock import patch

from dispatch import pdf, seal
from dispatch.models import Edition
from letters.models import Letter
from tests.factories import make_edition

SIZE = 400_000  # bytes, as a PDF with 4,000 names has


def make_sealed_edition(letter: Letter) -> Edition:
    """All steps of an edition, but typesetting and sealing themselves."""
    document = pdf.Document(b"%PDF-" + os.urandom(SIZE), 60)
    with (
        patch.object(pdf, "render", lambda edition, language: document),
        patch.object(seal, "seal", lambda data, *, reference: seal.Sealed(data, "")),
    ):
        return make_edition(letter, sealed=True, for_real=True)
