using System.Net;
using System.Text;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Workers that may lie, with hosts of their own, and what the database has of these.</summary>
internal static class WorkerWithHost
{
    /// <summary>A worker of a pool of its own with one host that is up.</summary>
    public static async Task<(ScriptedWorker Worker, HostDto Host)> ReadyAsync(this ApiFixture api, string role, int dimms = 1)
    {
        var pool = $"{role}-{Guid.NewGuid():N}"[..24];
        var worker = await ScriptedWorker.JoinAsync(api, pool, pool: pool);
        return (worker, await api.AddAsync(worker, pool, dimms));
    }

    public static async Task<HostDto> AddAsync(this ApiFixture api, ScriptedWorker worker, string pool, int dimms = 1)
    {
        // it may answer only when the boot has ended, which is this worker's to do
        var host = api.Admin.PostAsync<HostDto>(
            "/v1/hosts", $$"""{"name":"h-{{Guid.NewGuid():N}}","mediaPool":"{{pool}}","labels":{"pool":"{{pool}}"},"dimms":[{{string.Join(',', Enumerable.Repeat("""{"capacity":"64M"}""", dimms))}}],"regions":[{"dimms":["nmem0"]}]}""", HttpStatusCode.Created);
        var boot = worker.ReceiveAsync("boot");
        if (await Task.WhenAny(boot, host) == host)
        {
            // refused: there will be no boot
            return await host;
        }

        await worker.SyncAsync(results: [ScriptedWorker.Done(await boot)]);
        return await host;
    }

    public static async Task<Guid> DimmAsync(this ApiFixture api, HostDto host) => (await api.Admin.GetAsync<ListPage<DimmDto>>($"/v1/hosts/{host.Name}/dimms")).Items[0].Id;

    /// <summary>A write that is not waited for.</summary>
    public static async Task<HttpResponseMessage> BeginAsync(this ApiFixture api, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        if (method != HttpMethod.Post)
        {
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        }

        return await api.Admin.SendAsync(request);
    }

    /// <summary>Everything the database has of a host, as text.</summary>
    public static async Task<string> RowsOfAsync(this ApiFixture api, HostDto host)
    {
        await using var connection = await api.ConnectAsync();
        var text = new StringBuilder();
        foreach (var (table, column) in new[]
        {
            ("hosts", "id"), ("tasks", "host_id"), ("operations", "host_id"), ("dimms", "host_id"), ("dimm_media", "host_id"),
            ("media_errors", "host_id"), ("regions", "host_id"), ("namespaces", "host_id"),
        })
        {
            await using var command = new NpgsqlCommand($"SELECT string_agg(row_to_json(t)::text, E'\\n' ORDER BY row_to_json(t)::text) FROM {table} t WHERE {column} = $1", connection);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = host.Id });
            text.AppendLine(table).AppendLine(await command.ExecuteScalarAsync() as string);
        }

        return text.ToString();
    }
}
