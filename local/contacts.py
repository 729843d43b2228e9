"""How the invented customers can be reached: addresses and numbers that are reserved and can reach nobody.

Domains are those of RFC 2606. Numbers are those that regulators keep free for fiction: NANPA's 555-0100 to 0199 in any
area, Ofcom's drama numbers, Arcep's 06 39 98, the Bundesnetzagentur's numbers for media productions. A customer of a
country that keeps none has one of NANPA's.
"""

import random
import unicodedata
from dataclasses import dataclass

DOMAINS = ("example.com", "example.org", "example.net")
AREAS = (
    *range(201, 204),
    *range(205, 211),
    *range(212, 220),
    224,
    225,
    228,
    229,
    231,
    234,
    239,
    240,
    248,
    *range(251, 255),
)
BLOCKS = {
    "GB": ("+447700900", "+442079460", "+441214960"),
    "DE": ("+493023125", "+496990009", "+494066969", "+492214710", "+498999998"),
}
"""Blocks of a thousand numbers each."""
FRENCH_BLOCK = "+3363998"
"""A block of ten thousand numbers."""


@dataclass(frozen=True)
class Contact:
    """Ways to reach a customer, empty where there is none; opt-ins and opt-outs are of email, sms, push, whatsapp."""

    email: str = ""
    phone: str = ""
    opted_in: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Kinds of push tokens: fcm or apns for an app, chrome for a browser."""


def draw_contact(draw: random.Random, number: int, name: str, country: str, *, newsletter: bool) -> Contact:
    """Return the contact data of customer `number`: who reads the newsletter has asked for it and has an address."""
    has_email, has_phone = newsletter or draw.random() < 0.85, draw.random() < 0.7  # noqa: PLR2004 - the shape of the sample
    opted_in, opted_out = [], []
    if newsletter:
        opted_in.append("email")
    chances = {"email": 0.0 if newsletter else 0.12, "sms": 0.09, "push": 0.07}
    opted_out += [channel for channel, chance in chances.items() if draw.random() < chance]
    if draw.random() < 0.4:  # noqa: PLR2004 - as above
        opted_in.append("whatsapp")
    app, browser = draw.random(), draw.random()
    devices = ["fcm"] * (app < 0.25) + ["apns"] * (app > 0.85) + ["chrome"] * (browser < 0.2)  # noqa: PLR2004 - as above
    return Contact(
        email=_email(name, number, draw) if has_email else "",
        phone=_phone(country, number) if has_phone else "",
        opted_in=tuple(opted_in),
        opted_out=tuple(opted_out),
        devices=tuple(devices),
    )


def _email(name: str, number: int, draw: random.Random) -> str:
    letters = unicodedata.normalize("NFKD", name.lower().replace("ł", "l")).encode("ascii", "ignore").decode()
    return f"{letters.replace(' ', '.')}{number}@{draw.choice(DOMAINS)}"


def _phone(country: str, number: int) -> str:
    """Return a number of E.164 that no other customer of the file has."""
    if country == "FR":
        return f"{FRENCH_BLOCK}{number:04}"
    if country in BLOCKS:
        blocks = BLOCKS[country]
        return f"{blocks[number % len(blocks)]}{number // len(blocks) % 1000:03}"
    return f"+1{AREAS[number % len(AREAS)]}55501{number // len(AREAS) % 100:02}"
