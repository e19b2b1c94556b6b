from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION search_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_change (source, key, noted_at)
  VALUES (TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[1], clock_timestamp());
  RETURN NULL;
END
$$;

-- Of which kind, and in which column the id of the object is; of one of its parts also how its name begins, and in which
-- column the rest of it is.
CREATE FUNCTION search_forget() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone jsonb := to_jsonb(OLD);
BEGIN
  DELETE FROM search_place
  WHERE object_id = (gone ->> TG_ARGV[1])::uuid AND kind = TG_ARGV[0]
    AND (TG_NARGS = 2 OR part = TG_ARGV[2] || (gone ->> TG_ARGV[3]));
  RETURN NULL;
END
$$;

-- What stands nowhere any more goes at once, with its vectors.
CREATE FUNCTION search_forget_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH lonely AS (
    DELETE FROM search_indexedtext AS text USING (SELECT DISTINCT text_id FROM gone) AS left_behind
    WHERE text.id = left_behind.text_id AND NOT EXISTS (SELECT FROM search_place AS place WHERE place.text_id = text.id)
    RETURNING text.id
  )
  DELETE FROM search_embedding AS embedding USING lonely WHERE embedding.text_id = lonely.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER search_note AFTER INSERT OR UPDATE ON telemetry_generationcontent
  FOR EACH ROW EXECUTE FUNCTION search_note_change('call', 'generation_id');
CREATE TRIGGER search_forget AFTER DELETE ON telemetry_generationcontent
  FOR EACH ROW EXECUTE FUNCTION search_forget('call', 'generation_id');

CREATE TRIGGER search_note AFTER INSERT OR UPDATE OF text ON inference_message
  FOR EACH ROW EXECUTE FUNCTION search_note_change('message', 'id');
CREATE TRIGGER search_forget AFTER DELETE ON inference_message
  FOR EACH ROW EXECUTE FUNCTION search_forget('conversation', 'conversation_id', 'message ', 'id');

CREATE TRIGGER search_note AFTER INSERT ON inference_conversation
  FOR EACH ROW EXECUTE FUNCTION search_note_change('conversation', 'id');
CREATE TRIGGER search_note_update AFTER UPDATE ON inference_conversation
  FOR EACH ROW WHEN (OLD.title <> NEW.title OR OLD.visibility <> NEW.visibility)
  EXECUTE FUNCTION search_note_change('conversation', 'id');
CREATE TRIGGER search_forget AFTER DELETE ON inference_conversation
  FOR EACH ROW EXECUTE FUNCTION search_forget('conversation', 'id');

CREATE TRIGGER search_note AFTER INSERT ON prompts_prompt
  FOR EACH ROW EXECUTE FUNCTION search_note_change('prompt', 'id');
CREATE TRIGGER search_note_update AFTER UPDATE ON prompts_prompt
  FOR EACH ROW
  WHEN (OLD.name <> NEW.name OR OLD.description <> NEW.description OR OLD.visibility <> NEW.visibility)
  EXECUTE FUNCTION search_note_change('prompt', 'id');
CREATE TRIGGER search_forget AFTER DELETE ON prompts_prompt
  FOR EACH ROW EXECUTE FUNCTION search_forget('prompt', 'id');

CREATE TRIGGER search_note AFTER INSERT ON prompts_promptversion
  FOR EACH ROW EXECUTE FUNCTION search_note_change('version', 'id');
CREATE TRIGGER search_forget AFTER DELETE ON prompts_promptversion
  FOR EACH ROW EXECUTE FUNCTION search_forget('prompt', 'prompt_id', 'version ', 'number');

CREATE TRIGGER search_forget AFTER DELETE ON search_place
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION search_forget_texts();

INSERT INTO search_change (source, key, noted_at)
  SELECT 'conversation', id::text, clock_timestamp() FROM inference_conversation;
INSERT INTO search_change (source, key, noted_at)
  SELECT 'message', id::text, clock_timestamp() FROM inference_message;
INSERT INTO search_change (source, key, noted_at)
  SELECT 'prompt', id::text, clock_timestamp() FROM prompts_prompt;
INSERT INTO search_change (source, key, noted_at)
  SELECT 'version', id::text, clock_timestamp() FROM prompts_promptversion;
INSERT INTO search_change (source, key, noted_at)
  SELECT 'call', generation_id::text, clock_timestamp() FROM telemetry_generationcontent;
"""
NO_FUNCTIONS = """
DROP FUNCTION search_note_change() CASCADE;
DROP FUNCTION search_forget() CASCADE;
DROP FUNCTION search_forget_texts() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        ("inference", "0007_limits_by_id"),
        ("prompts", "0004_example_sets"),
        ("telemetry", "0017_score"),
    ]

    operations = [migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS)]
