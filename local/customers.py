"""The customers of an invented shop, for the demo: `python -m local.customers` writes local/data/customers.csv anew.

The seed is fixed, so the file is always the same. Names are drawn from common given and family names of eight
countries; nobody is meant. Orders follow a long-tailed distribution, spending follows orders, the tier follows
spending, and whoever ordered lately is likelier to read the newsletter. How they can be reached is in contacts.py.
"""

import csv
import io
import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from local.contacts import Contact, draw_contact

FILE = Path(__file__).resolve().parent / "data" / "customers.csv"
COLUMNS = (
    *("customer_id", "name", "country", "tier", "orders", "lifetime_value", "last_order", "newsletter"),
    *("email", "phone", "opted_in", "opted_out", "devices"),
)
SEED = 20251
COUNT = 3000
TODAY = date(2025, 11, 1)
"""The day the shop's data was exported: the data file does not grow old with the calendar."""

COUNTRIES = {"DE": 24, "US": 22, "GB": 14, "FR": 12, "IN": 10, "ES": 8, "PL": 6, "BR": 4}
GIVEN = {
    "DE": "Anna Lukas Lena Jonas Marie Felix Sophie Paul Hannah Maximilian Laura Tobias Katharina Stefan Claudia",
    "US": "James Mary Michael Jennifer David Linda Ashley Christopher Jessica Daniel Sarah Tyler Emily Brandon Megan",
    "GB": "Oliver Amelia Harry Isla George Ava Jack Emily Thomas Poppy Charlie Sophie Alfie Grace Callum Freya",
    "FR": "Camille Louis Chloé Hugo Manon Lucas Léa Antoine Inès Mathieu Émilie Nicolas Juliette Pierre Aurélie Thomas",
    "IN": "Aarav Priya Rahul Ananya Vikram Neha Arjun Divya Rohan Kavya Sanjay Meera Aditya Pooja Karthik Shreya",
    "ES": "Lucía Hugo María Martín Paula Pablo Carmen Javier Laura Alejandro Sofía Diego Marta Carlos Elena Álvaro",
    "PL": "Zofia Jakub Julia Kacper Maja Filip Zuzanna Piotr Katarzyna Tomasz Agnieszka Paweł Małgorzata Michał Ewa",
    "BR": "Miguel Helena Arthur Alice Gabriel Laura Davi Beatriz João Mariana Rafael Camila Lucas Letícia Thiago",
}
FAMILY = {
    "DE": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Richter Klein Wolf Schröder",
    "US": "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Wilson Anderson Taylor Thomas",
    "GB": "Smith Jones Taylor Brown Williams Wilson Evans Thomas Roberts Walker Wright Thompson Hughes Edwards Green",
    "FR": "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefèvre Michel Garcia",
    "IN": "Sharma Patel Singh Kumar Reddy Gupta Iyer Nair Mehta Joshi Rao Das Verma Shah Chopra Banerjee",
    "ES": "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz",
    "PL": "Nowak Kowalska Wiśniewski Wójcik Kowalczyk Kamińska Lewandowski Zielińska Szymański Woźniak Dąbrowska Mazur",
    "BR": "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho",
}
TIERS = ((2500, "Platinum"), (1000, "Gold"), (300, "Silver"), (0, "Bronze"))
"""The least lifetime value of each tier, from the top."""


@dataclass(frozen=True)
class Customer:
    """One row of the file."""

    customer_id: str
    name: str
    country: str
    tier: str
    orders: int
    lifetime_value: float
    last_order: date
    newsletter: bool
    contact: Contact


def generate() -> str:
    """Return the text of the file."""
    draw, contacts = random.Random(SEED), random.Random(SEED + 1)  # noqa: S311 - sample data, not secrets
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(number, draw, contacts) for number in range(1, COUNT + 1))
    return text.getvalue()


def _row(number: int, draw: random.Random, contacts: random.Random) -> tuple[object, ...]:
    country = draw.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
    name = f"{draw.choice(GIVEN[country].split())} {draw.choice(FAMILY[country].split())}"
    orders = min(120, int(draw.paretovariate(0.95)))
    value = math.fsum(draw.lognormvariate(4.1, 0.7) for _ in range(orders))
    tier = next(name for least, name in TIERS if value >= least)
    # Who orders often ordered lately; nobody ordered more than four years ago.
    days = min(1460, int(draw.expovariate(1 / (60 + 500 / orders))))
    newsletter = draw.random() < (0.55 if days < 120 else 0.3)  # noqa: PLR2004 - the shape of the sample
    last_order = TODAY - timedelta(days=days)
    contact = draw_contact(contacts, number, name, country, newsletter=newsletter)
    return (
        *(f"C{number:05}", name, country, tier, orders, f"{value:.2f}", last_order, "yes" if newsletter else "no"),
        *(contact.email, contact.phone),
        *(" ".join(several) for several in (contact.opted_in, contact.opted_out, contact.devices)),
    )


def read(path: Path = FILE) -> list[Customer]:
    """Return the customers of the file, in its order."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Customer(
                row["customer_id"],
                row["name"],
                row["country"],
                row["tier"],
                int(row["orders"]),
                float(row["lifetime_value"]),
                date.fromisoformat(row["last_order"]),
                row["newsletter"] == "yes",
                Contact(
                    row["email"],
                    row["phone"],
                    tuple(row["opted_in"].split()),
                    tuple(row["opted_out"].split()),
                    tuple(row["devices"].split()),
                ),
            )
            for row in csv.DictReader(file)
        ]


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(generate(), encoding="utf-8")
