"""The database itself refuses to change an event (and, on PostgreSQL, to delete one)."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER event_is_final BEFORE UPDATE ON ledger_event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
"""
POSTGRESQL = """
CREATE FUNCTION event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events are append-only'; END $$;
CREATE TRIGGER event_is_final BEFORE UPDATE OR DELETE ON ledger_event
FOR EACH ROW EXECUTE FUNCTION event_is_final();
"""


def protect(apps, schema_editor):
    schema_editor.execute(SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL)


def unprotect(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER event_is_final")
    else:
        schema_editor.execute("DROP TRIGGER event_is_final ON ledger_event")
        schema_editor.execute("DROP FUNCTION event_is_final()")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(protect, unprotect)]
