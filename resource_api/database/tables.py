"""The tables that this version uses. `migrations/` creates and changes them in a database."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, Uuid

metadata = MetaData()

contacts = Table(
    "contacts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", String(255), nullable=False),
    Column("name", String(200), nullable=False),
    Column("email", String(254)),
    Column("phone", String(50)),
    Column("note", Text),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("contacts_by_owner", "issuer", "subject", "id"),
)
