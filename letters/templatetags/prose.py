"""Text that people wrote, as HTML."""

from itertools import count, groupby
from typing import Any

import nh3
from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from letters.models import Block

register = template.Library()

# Paragraphs, emphasis and links: a letter has no more.
markdown = MarkdownIt("zero", {"html": False}).enable(["emphasis", "link", "autolink", "escape", "newline"])


@register.filter
def prose(text: str) -> SafeString:
    """Markdown as HTML, cleaned of everything else."""
    html = nh3.clean(
        markdown.render(text),
        tags={"p", "em", "strong", "a", "br"},
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto"},
    )
    return mark_safe(html.strip())  # noqa: S308 - cleaned above


@register.filter
def passages(blocks: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Kind and blocks of each run of paragraphs or demands; demands are numbered through the whole letter."""
    numbers = count(1)
    numbered = [{**block, "number": next(numbers)} if block["kind"] == Block.Kind.DEMAND else block for block in blocks]
    return [(kind, list(run)) for kind, run in groupby(numbered, key=lambda block: block["kind"])]
