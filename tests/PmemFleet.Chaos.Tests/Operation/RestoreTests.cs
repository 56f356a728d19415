using System.Security.Cryptography;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Kills;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Operation;

[Collection(ChaosSuite.Name)]
public sealed class RestoreTests(ChaosServer server)
{
    private const string Host = "kept";
    private static readonly string[] Modes = ["raw", "sector", "fsdax", "devdax"];

    /// <summary>docs/operations.md, "Backup" and "Restore", as it is written there: the fleet is backed up, destroyed, and made again.</summary>
    [Fact]
    public async Task Fleet_BackedUpDestroyedAndRestored_IsTheSame()
    {
        var scripts = new BackupScripts(server);
        var backup = Directory.CreateTempSubdirectory("pmemfleet-backup-").FullName;
        var media = Directory.CreateTempSubdirectory("pmemfleet-restored-").FullName;
        var written = new Dictionary<string, byte[]>();
        JsonArray spaces;
        string former;
        await using (var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 1, LeaseSeconds = 5 }))
        {
            former = fleet.Database;
            await fleet.CreateHostAsync(Host, dimms: 1);
            foreach (var mode in Modes)
            {
                var made = await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Host}/namespaces", new JsonObject { ["mode"] = mode, ["size"] = "64M" }, $"make-{mode}"));
                if (mode is "raw" or "sector")
                {
                    var name = (string)made.Body!["name"]!;
                    written[name] = RandomNumberGenerator.GetBytes(64 << 10);
                    await ChaosFleet.MustAsync(fleet.Client.PutAsync($"/v1/hosts/{Host}/namespaces/{name}/data?offset=8192", written[name], "*"));
                }
            }

            // a backup beside a worker at work would be of two moments
            if (File.Exists(Path.Combine(server.Postgres.BinFolder, "pg_dump")))
            {
                var refused = await scripts.BackupAsync(fleet.Database, fleet.Media, backup, patienceSeconds: 0);
                Assert.True(refused.Code == 1 && refused.Text.Contains("hold a lease", StringComparison.Ordinal), refused.Text);
                Assert.Empty(Directory.EnumerateFileSystemEntries(backup));
            }

            fleet.Workers[0].Terminate();
            await fleet.Workers[0].ExitAsync();

            spaces = await NamespacesAsync(fleet);

            // asked while no worker is there: it is in the backup as that
            var pending = await fleet.Http.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/{Host}/namespaces")
            {
                Content = new StringContent("""{"mode":"fsdax","size":"32M"}""", System.Text.Encoding.UTF8, "application/json"),
                Headers = { { "Prefer", "respond-async" } },
            });
            Assert.Equal(System.Net.HttpStatusCode.Accepted, pending.StatusCode);
            fleet.Replicas[0].Kill();
            await fleet.Replicas[0].ExitAsync();
            var done = await scripts.BackupAsync(fleet.Database, fleet.Media, backup, patienceSeconds: 60);
            Assert.True(done.Code == 0, done.Text);
        }

        var restored = await scripts.RestoreAsync(backup, former + "_restored", media, former);
        Assert.True(restored.Code == 0, restored.Text);
        await using (var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 1, Restored = (former + "_restored", media) }))
        {
            await fleet.QuietAsync();
            await fleet.HostReadyAsync(Host);
            await FleetVerdict.DemandAgreementAsync(fleet, Host);
            await FleetVerdict.DemandEventsAsync(fleet);
            var now = Essence(await NamespacesAsync(fleet)).ToList();
            Assert.Subset(now.ToHashSet(), Essence(spaces).ToHashSet());
            Assert.EndsWith(" fsdax", Assert.Single(now.Except(Essence(spaces))), StringComparison.Ordinal);
            foreach (var (name, bytes) in written)
            {
                var read = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"/v1/hosts/{Host}/namespaces/{name}/data?offset=8192&length={bytes.Length}"));
                Assert.Equal(bytes, read.Bytes);
            }
        }

        Directory.Delete(backup, recursive: true);
    }

    private static async Task<JsonArray> NamespacesAsync(ChaosFleet fleet) => [.. (await fleet.Client.ListAsync($"/v1/hosts/{Host}/namespaces")).Select(item => item.DeepClone())];

    /// <summary>What a restore must not change; a boot gives the devices new numbers, perhaps.</summary>
    private static IEnumerable<string> Essence(JsonArray spaces) => spaces.Select(space => $"{space!["id"]} {space["uuid"]} {space["size"]} {space["mode"]}").Order(StringComparer.Ordinal);
}
