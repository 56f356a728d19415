using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Worker.DataPlane;

/// <summary>Simulated processes, their mappings and accesses.</summary>
internal static class ProcessEndpoints
{
    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapPost("/processes", (HttpContext http, Guid hostId, CreateProcessRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Create(held, request)));
        host.MapGet("/processes", (HttpContext http, Guid hostId, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyListPageProcessDto, ProcessSession.List));
        host.MapGet("/processes/{pid:int}", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Get(held, pid)));
        host.MapDelete("/processes/{pid:int}", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, held => ProcessSession.Exit(held, pid)));
        host.MapPost("/processes/{pid:int}/fork", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Fork(held, pid)));
        host.MapGet("/processes/{pid:int}/page-tables", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyPageTablesDto, held => ProcessSession.PageTables(held, pid)));
        host.MapGet("/processes/{pid:int}/smaps", SmapsAsync);
        host.MapPost("/processes/{pid:int}/mappings", (HttpContext http, Guid hostId, int pid, CreateMappingRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, held => MappingSession.Create(held, pid, request)));
        host.MapGet("/processes/{pid:int}/mappings", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyListPageMappingDto, held => MappingSession.List(held, pid)));
        host.MapGet("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, held => MappingSession.Get(held, pid, id)));
        host.MapDelete("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, held => MappingSession.Unmap(held, pid, id)));
        host.MapPatch("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, ProtectMappingRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, held => MappingSession.Protect(held, pid, id, request)));
        host.MapPost("/processes/{pid:int}/accesses", (HttpContext http, Guid hostId, int pid, CreateAccessRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAccessDto, held => AccessSession.Run(held, pid, request)));
    }

    private static Task<IResult> SmapsAsync(HttpContext http, Guid hostId, int pid, DataPlaneGate gate)
    {
        if (gate.Find(http, hostId, out var refusal) is not { } held)
        {
            return Task.FromResult(DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Answer<Acknowledged>(null, refusal), []));
        }

        return Task.FromResult(ProcessSession.Smaps(held, pid) is { } text
            ? Results.Text(text)
            : DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, Hosts.Refusals.NotFound($"process {pid}"), []));
    }
}
