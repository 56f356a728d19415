using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Workloads;

/// <summary>A workload has ended: its result is kept as the bytes it is, held against the digest the worker gave.</summary>
public sealed class WorkloadCompletion(TimeProvider time) : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [OperationKinds.RunWorkload];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var operations = tasks.Select(task => task.Operation.Id).ToArray();
        var rows = await db.Set<WorkloadRow>().AsTracking().Where(row => operations.Contains(row.OperationId)).ToDictionaryAsync(row => row.OperationId, cancellationToken);
        foreach (var task in tasks)
        {
            if (task.Given is not [StepWorkload ended] || !rows.TryGetValue(task.Operation.Id, out var row))
            {
                continue;
            }

            var bytes = JsonSerializer.SerializeToUtf8Bytes(ended.Outcome, FleetJsonContext.Default.WorkloadResultDto);
            if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != ended.Sha256)
            {
                task.Fail(new RefusalDto { Errno = "EIO", Code = "result-damaged", Message = "The result is not what the worker's digest says." });
                continue;
            }

            row.Result = Encoding.UTF8.GetString(bytes);
            row.Figures = JsonSerializer.Serialize(ended.Outcome.Figures, FleetJsonContext.Default.WorkloadFiguresDto);
            row.ResultSha256 = ended.Sha256;
            row.EndedByPowerCut = ended.Outcome.EndedByPowerCut;
            var shown = WorkloadProjection.Of(row, task.Operation, time.GetUtcNow());
            task.Succeed(shown.Value, shown.Etag);
        }

        await db.SaveChangesAsync(cancellationToken);
    }
}
