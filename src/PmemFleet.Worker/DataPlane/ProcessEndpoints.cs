using PmemFleet.Contracts;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Worker.DataPlane;

/// <summary>Simulated processes, their mappings and accesses.</summary>
internal static class ProcessEndpoints
{
    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapGet("/processes", (HttpContext http, Guid hostId, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyListPageProcessDto, ProcessSession.List));
        host.MapGet("/processes/{pid:int}", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Get(held, pid)));
        host.MapGet("/processes/{pid:int}/page-tables", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyPageTablesDto, held => ProcessSession.PageTables(held, pid)));
        host.MapGet("/processes/{pid:int}/smaps", SmapsAsync);
        host.MapGet("/processes/{pid:int}/smaps-entries", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplySmapsDto, held => SystemCallSession.Smaps(held, pid)));
        host.MapGet("/processes/{pid:int}/mappings", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyListPageMappingDto, held => MappingSession.List(held, pid)));
        host.MapGet("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, held => MappingSession.Get(held, pid, id)));
        MapWrites(host);
    }

    /// <summary>What changes something; as a dry run too.</summary>
    public static void MapWrites(RouteGroupBuilder host)
    {
        host.MapPost("/processes", (HttpContext http, Guid hostId, CreateProcessRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Create(held, request), request));
        host.MapDelete("/processes/{pid:int}", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, ConditionalWrites.IfMatches(
                http, held => ProcessSession.Get(held, pid), held => ProcessSession.Exit(held, pid))));
        host.MapPost("/processes/{pid:int}/fork", (HttpContext http, Guid hostId, int pid, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyProcessDto, held => ProcessSession.Fork(held, pid)));
        host.MapPost("/processes/{pid:int}/system-calls", (HttpContext http, Guid hostId, int pid, CreateSystemCallRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplySystemCallDto, held => SystemCallSession.Run(held, pid, request), request));
        host.MapPost("/processes/{pid:int}/mappings", (HttpContext http, Guid hostId, int pid, CreateMappingRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, held => MappingSession.Create(held, pid, request), request));
        host.MapDelete("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, ConditionalWrites.IfMatches(
                http, held => MappingSession.Get(held, pid, id), held => MappingSession.Unmap(held, pid, id))));
        host.MapPatch("/processes/{pid:int}/mappings/{id:int}", (HttpContext http, Guid hostId, int pid, int id, ProtectMappingRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingDto, ConditionalWrites.IfMatches(
                http, held => MappingSession.Get(held, pid, id), held => MappingSession.Protect(held, pid, id, request)), request));
        host.MapPost("/processes/{pid:int}/accesses", (HttpContext http, Guid hostId, int pid, CreateAccessRequest request, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyAccessDto, held => AccessSession.Run(held, pid, request), request));
    }

    private static async Task<IResult> SmapsAsync(HttpContext http, Guid hostId, int pid, DataPlaneGate gate)
    {
        var (text, refusal) = await gate.HoldAsync(http, hostId, held => ProcessSession.Smaps(held, pid) is { } smaps
            ? Results.Text(smaps)
            : DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, ProcessSession.Missing(pid), []));
        return text ?? DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, refusal!, []);
    }
}
