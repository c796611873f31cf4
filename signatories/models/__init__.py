"""Organisations across letters, their signatures, and what staff and signers add to these."""

from signatories.models.guard import SpentProof
from signatories.models.invitation import Invitation
from signatories.models.organisation import Alias, MandatedSigner, Organisation
from signatories.models.review import Correction, Evidence, Handover, NameKey, Note, Question
from signatories.models.signature import Signature, SignatureQuerySet
from signatories.models.transfer import Import

__all__ = [
    "Alias",
    "Correction",
    "Evidence",
    "Handover",
    "Import",
    "Invitation",
    "MandatedSigner",
    "NameKey",
    "Note",
    "Organisation",
    "Question",
    "Signature",
    "SignatureQuerySet",
    "SpentProof",
]
