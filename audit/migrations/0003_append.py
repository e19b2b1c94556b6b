"""The one way by which an entry gets into the log: lock, head of the chain, hash and rows in a single statement.

What is hashed is described in ``audit.chain``; ``audit.services`` is what calls the function.
"""

from django.db import migrations

# The lock is "audit" in ASCII. Each statement of the function sees what was committed before it, so the head is read
# when the lock is ours. A body comes without its time, whose key is the last in canonical order.
APPEND = """
CREATE FUNCTION audit_append(bodies text[], salts text[], contents text[])
RETURNS TABLE (sequence bigint, previous_hash text, hash text, body text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  head_sequence bigint;
  head_hash text;
BEGIN
  PERFORM pg_advisory_xact_lock(x'6175646974'::bigint);
  SELECT event.sequence, event.hash INTO head_sequence, head_hash
    FROM audit_auditevent AS event ORDER BY event.sequence DESC LIMIT 1;
  sequence := coalesce(head_sequence, 0);
  hash := coalesce(head_hash, repeat('0', 64));
  FOR place IN 1 .. cardinality(bodies) LOOP
    sequence := sequence + 1;
    previous_hash := hash;
    body := left(bodies[place], -1) || ',"timestamp":"'
      || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';
    hash := encode(sha256(convert_to(
      format(E'aistrale-audit-1\\n%s\\n%s\\n%s', sequence, previous_hash, body), 'UTF8')), 'hex');
    INSERT INTO audit_auditevent (sequence, previous_hash, hash, body)
      VALUES (audit_append.sequence, audit_append.previous_hash, audit_append.hash, audit_append.body);
    IF contents[place] IS NOT NULL THEN
      INSERT INTO audit_auditdetails (event_id, salt, content)
        VALUES (audit_append.sequence, salts[place], contents[place]);
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_verification")]
    operations = [
        migrations.RunSQL(APPEND, "DROP FUNCTION audit_append(text[], text[], text[])"),
    ]
