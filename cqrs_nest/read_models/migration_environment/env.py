"""What Alembic runs for each of its commands; `Migrations` hands it the connection and the rest."""

from alembic import context

options = context.config.attributes["context_options"]
connection = context.config.attributes.get("connection")
context.configure(connection=connection, **options)
with context.begin_transaction():
    context.run_migrations()
