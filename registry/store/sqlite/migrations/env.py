"""How the migration tool reaches the database."""

from alembic import context
from sqlalchemy import URL, create_engine, pool

engine = create_engine(
    URL.create("sqlite", database=str(context.config.attributes["database"])), poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
