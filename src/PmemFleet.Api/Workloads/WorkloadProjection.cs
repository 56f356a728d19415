using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Api.Workloads;

/// <summary>The only way from a workload's rows to the wire.</summary>
public static class WorkloadProjection
{
    public static async Task<ListPage<WorkloadDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, string? host, string? state, CancellationToken cancellationToken)
    {
        var after = query.AfterId();
        var rows = await Rows(db)
            .Where(row => after == null || row.Id > after)
            .Where(row => host == null || row.HostName == host)
            .Where(row => state == null || row.Operation.State == state)
            .OrderBy(row => row.Id).Take(query.Limit + 1).ToListAsync(cancellationToken);
        return query.ToPage([.. rows.Select(ToDto)], workload => workload.Id.ToString("N"), http);
    }

    public static async Task<Tagged<WorkloadDto>?> FindAsync(FleetDbContext db, Guid id, CancellationToken cancellationToken) =>
        await Rows(db).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } found
            ? new Tagged<WorkloadDto>(ToDto(found), Etag.Of(found.Id, found.Operation.Version))
            : null;

    /// <summary>The workload of an operation that ends now.</summary>
    public static Tagged<WorkloadDto> Of(WorkloadRow row, OperationRow operation, DateTimeOffset endedAt)
    {
        var dto = ToDto(Columns(row, operation)) with { State = OperationRow.Succeeded, Progress = 1, EndedAt = endedAt };
        return new Tagged<WorkloadDto>(dto, Etag.Of(row.Id, operation.Version + 1));
    }

    private static IQueryable<WorkloadColumns> Rows(FleetDbContext db) =>
        from row in db.Set<WorkloadRow>().AsNoTracking()
        join operation in db.Operations.AsNoTracking() on row.OperationId equals operation.Id
        select new WorkloadColumns
        {
            Id = row.Id,
            Name = row.Name,
            HostName = row.HostName,
            Spec = row.Spec,
            Figures = row.Figures,
            ResultSha256 = row.ResultSha256,
            EndedByPowerCut = row.EndedByPowerCut,
            CreatedAt = row.CreatedAt,
            Operation = operation,
        };

    private static WorkloadColumns Columns(WorkloadRow row, OperationRow operation) => new()
    {
        Id = row.Id,
        Name = row.Name,
        HostName = row.HostName,
        Spec = row.Spec,
        Figures = row.Figures,
        ResultSha256 = row.ResultSha256,
        EndedByPowerCut = row.EndedByPowerCut,
        CreatedAt = row.CreatedAt,
        Operation = operation,
    };

    private static WorkloadDto ToDto(WorkloadColumns row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Host = row.HostName,
        Operation = row.Operation.Id,
        State = row.Operation.State,
        Progress = row.Operation.Progress,
        Spec = JsonSerializer.Deserialize(row.Spec, FleetJsonContext.Default.CreateWorkloadRequest)!,
        Figures = row.Figures is null ? null : JsonSerializer.Deserialize(row.Figures, FleetJsonContext.Default.WorkloadFiguresDto),
        EndedByPowerCut = row.EndedByPowerCut,
        ResultSha256 = row.ResultSha256,
        Refusal = OperationProjection.RefusalOf(row.Operation),
        CreatedAt = row.CreatedAt,
        EndedAt = row.Operation.EndedAt,
    };

    /// <summary>All but the result, which can be large.</summary>
    private sealed class WorkloadColumns
    {
        public required Guid Id { get; init; }

        public required string? Name { get; init; }

        public required string? HostName { get; init; }

        public required string Spec { get; init; }

        public required string? Figures { get; init; }

        public required string? ResultSha256 { get; init; }

        public required bool EndedByPowerCut { get; init; }

        public required DateTimeOffset CreatedAt { get; init; }

        public required OperationRow Operation { get; init; }
    }
}
