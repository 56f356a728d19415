namespace PmemFleet.Chaos.Tests.Crashes;

public sealed class CrashTriggerTests
{
    /// <summary>However the Api writes: row by row, in bulk, within a WITH, with quoted names, over lines.</summary>
    [Theory]
    [InlineData("INSERT INTO tasks (id) VALUES ($1)")]
    [InlineData("INSERT INTO namespaces (id, name)\nSELECT * FROM unnest($1, $2)")]
    [InlineData("insert  into\n  \"operations\" (id) values ($1)")]
    [InlineData("UPDATE hosts AS h SET version = v.version FROM unnest($1, $2) AS v(id, version) WHERE h.id = v.id")]
    [InlineData("UPDATE ONLY public.\"dimm_media\" SET x = 1")]
    [InlineData("WITH due AS (SELECT id FROM tasks FOR UPDATE OF t), given AS (\n UPDATE tasks t SET x = 1 FROM due) SELECT id FROM given")]
    [InlineData("WITH gone AS (DELETE FROM personalities WHERE id = ANY($1)) INSERT INTO event_counter VALUES (1)")]
    [InlineData("COPY \"label_chunks\" (\"id\") FROM STDIN (FORMAT BINARY)")]
    public void Changes_AWriteOfTheFleetsRows_IsSeen(string statement) => Assert.True(CrashTrigger.Changes(statement));

    [Theory]
    [InlineData("COMMIT")]
    [InlineData("SELECT * FROM hosts WHERE name = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED")]
    [InlineData("SELECT * FROM hosts FOR UPDATE")]
    [InlineData("SELECT l.worker_id FROM worker_leases l FOR UPDATE OF l")]
    [InlineData("UPDATE worker_leases l SET expires_at = now() + $1")]
    [InlineData("INSERT INTO worker_leases (worker_id) VALUES ($1) ON CONFLICT (worker_id) DO UPDATE SET instance_id = EXCLUDED.instance_id")]
    [InlineData("INSERT INTO \"events\" (seq) SELECT 1")]
    [InlineData("UPDATE public.event_counter SET last = last + 1")]
    public void Changes_LeasesLocksAndNumbers_AreNot(string statement) => Assert.False(CrashTrigger.Changes(statement));
}
