using System.Text;
using System.Text.Json;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Operations;

/// <summary>The only way from an operation's row to the wire.</summary>
public static class OperationProjection
{
    public static OperationDto ToDto(OperationRow row) => new()
    {
        Id = row.Id,
        Kind = row.Kind,
        Host = row.HostName,
        Subject = row.Subject,
        State = row.State,
        Progress = row.Progress,
        ResourceLocation = row.ResourceLocation,
        Result = row.Result is null ? null : JsonElement.Parse(row.Result),
        Refusal = RefusalOf(row),
        CreatedAt = row.CreatedAt,
        EndedAt = row.EndedAt,
    };

    public static RefusalDto? RefusalOf(OperationRow row) =>
        row.Refusal is null ? null : JsonSerializer.Deserialize(row.Refusal, FleetJsonContext.Default.RefusalDto);
}

/// <summary>The answer to a request whose operation stands so: as if the request had done it itself, or 202.</summary>
public static class OperationAnswer
{
    public static WriteAnswer Of(OperationRow row) => row.State switch
    {
        OperationRow.Succeeded when row.Result is null && row.SuccessStatus != StatusCodes.Status204NoContent =>
            // there is no resource to show: it is the operation, under its own tag
            new WriteAnswer(StatusCodes.Status200OK, FleetJson.ToUtf8(OperationProjection.ToDto(row)), row.ResourceLocation, row.ResultEtag ?? Etag.Of(row.Id, row.Version)),
        OperationRow.Succeeded => new WriteAnswer(
            row.SuccessStatus,
            row.SuccessStatus == StatusCodes.Status204NoContent ? null : Encoding.UTF8.GetBytes(row.Result!),
            row.SuccessStatus == StatusCodes.Status201Created ? row.ResourceLocation : null,
            row.ResultEtag),
        OperationRow.Failed or OperationRow.Cancelled => WriteAnswer.Of(FleetProblem.Of(
            OperationProjection.RefusalOf(row) ?? new RefusalDto { Errno = "ECANCELED", Code = "cancelled", Message = "The operation was cancelled." })),
        _ => new WriteAnswer(
            StatusCodes.Status202Accepted,
            FleetJson.ToUtf8(OperationProjection.ToDto(row)),
            $"/v1/operations/{row.Id}",
            Etag.Of(row.Id, row.Version)),
    };
}
