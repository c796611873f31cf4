"""State machines: each is one declared table, written in the app that owns the rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

registry: dict[str, "StateMachine"] = {}


@dataclass(frozen=True)
class StateMachine:
    """The states of one kind of row, the first of them being where it begins, and the moves between them."""

    name: str
    states: type[TextChoices]
    moves: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        registry[self.name] = self

    @property
    def initial(self) -> str:
        return str(self.states.values[0])

    def allows(self, source: str, target: str) -> bool:
        return target in self.moves.get(source, ())

    def as_mermaid(self) -> str:
        """The picture of the table, in the notation that code forges draw."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for source in self.states.values:
            targets = self.moves.get(source, ())
            lines += [f"    {source} --> {target}" for target in targets]
            if not targets:
                lines.append(f"    {source} --> [*]")
        return "\n".join(lines)
