"""A long thread: ten messages that answer each other, by References (RFC 5322 section 3.6.4)."""

from __future__ import annotations

from datetime import timedelta

from mailsec.demo.example import Example, Maker
from mailsec.demo.world import ALICE, BOB, CAROL, World

__all__ = ["THREAD"]

# Who answers which message, and what they say.
_TURNS = (
    (ALICE, None, "Where shall we meet this year?"),
    (BOB, 0, "By the sea."),
    (CAROL, 0, "In the mountains."),
    (ALICE, 1, "The sea is fine. North or south?"),
    (BOB, 3, "South. It is warmer."),
    (CAROL, 3, "North. It is quieter."),
    (BOB, 5, "Quieter it is."),
    (ALICE, 6, "Then the north it is. Who books?"),
    (CAROL, 7, "I do."),
    (BOB, 8, "Thank you!"),
)


def _maker(place: int) -> Maker:
    async def make(world: World) -> bytes:
        author, parent, words = _TURNS[place]
        chain: list[int] = []
        while parent is not None:
            chain.insert(0, parent)
            parent = _TURNS[parent][1]
        fields = [("In-Reply-To", _identifier(world, chain[-1]))] if chain else []
        if chain:
            fields.append(("References", " ".join(_identifier(world, one) for one in chain)))
        draft = world.draft(
            f"{'Re: ' if chain else ''}Our meeting",
            f"{words}\n",
            author,
            message_id=_identifier(world, place),
            date=world.at - timedelta(days=2) + timedelta(minutes=37 * place),
            fields=tuple(fields),
        )
        return await world.seal(draft, author.rpartition("@")[2].strip(">"))

    return make


def _identifier(world: World, place: int) -> str:
    domain = _TURNS[place][0].rpartition("@")[2].strip(">")
    return f"<thread-{place}.{world.at:%Y%m%d%H%M%S}@{domain}>"


THREAD = [
    Example(
        f"thread-{place + 1:02}",
        f"message {place + 1} of a thread, signed by its author's domain",
        "authenticated",
        11,
        _maker(place),
    )
    for place in range(len(_TURNS))
]
