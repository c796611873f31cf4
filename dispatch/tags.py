"""What PDF/UA-1 asks of a letter's tags, and WeasyPrint leaves undone.

The lines above and below the text of each page are artefacts (ISO 14289-1, 7.8), a list that is numbered says so (7.6),
and the place of a picture is measured as a page is: in points, from below (ISO 32000-1, 14.8.5.4.3).
"""

from typing import Any

POINTS_IN_A_PIXEL = 0.75


def complete(document: Any, pdf: Any) -> None:
    """A `finisher` of WeasyPrint's: `pdf` is what will be written, all of it objects of pydyf's."""
    root = _at(pdf, pdf.catalog["StructTreeRoot"])
    (top,) = root["K"]
    mapped = _at(pdf, root["ParentTree"])["Nums"][1::2]
    for page, elements in zip(pdf.page_references, mapped, strict=False):  # what is mapped after the pages are links
        _take_out_margins(pdf, _at(pdf, page), elements, top)
    for element in pdf.objects:
        if isinstance(element, dict) and element.get("S") == "/Figure":
            _place(pdf, element)
        elif isinstance(element, dict) and element.get("S") == "/Lbl":
            numbered = _at(pdf, _at(pdf, element["P"])["P"])
            numbered["A"] = _dictionary({"O": "/List", "ListNumbering": "/Decimal"})


def _take_out_margins(pdf: Any, page: Any, elements: list[Any], top: bytes) -> None:
    """What stands in the margins of a page hangs on the tree, but not in it."""
    in_tree = set(_at(pdf, top)["K"])
    margins = {place for place, element in enumerate(elements) if _outermost(pdf, element, top) not in in_tree}
    for place in margins:
        elements[place] = b"null"
    drawn = _at(pdf, page["Contents"]).stream
    for place, item in enumerate(drawn):
        if isinstance(item, dict) and item.get("MCID") in margins:
            drawn[place - 1 : place + 1] = ["/Artifact", _dictionary({"Type": "/Pagination"})]


def _outermost(pdf: Any, element: bytes, top: bytes) -> bytes:
    while (above := _at(pdf, element)["P"]) != top:
        element = above
    return element


def _place(pdf: Any, figure: Any) -> None:
    height = _at(pdf, figure["Pg"])["MediaBox"][3]
    left, above, right, below = (side * POINTS_IN_A_PIXEL for side in figure["A"]["BBox"])
    figure["A"]["BBox"][:] = [left, height - below, right, height - above]


def _at(pdf: Any, reference: bytes) -> Any:
    number, _generation, _r = reference.split()
    return pdf.objects[int(number)]


def _dictionary(values: dict[str, str]) -> Any:
    import pydyf  # type: ignore[import-untyped]

    return pydyf.Dictionary(values)
