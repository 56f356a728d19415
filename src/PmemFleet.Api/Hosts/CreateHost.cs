using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Hosts;

/// <summary>A host with its DIMMs and regions in one transaction.</summary>
public static class CreateHost
{
    public const int MostDimms = 64;
    public const string DefaultPool = "default";
    private static readonly IReadOnlyList<string> Profiles = ["linux-6.1", "linux-4.10"];

    public static Task<WriteOutcome> ExecuteAsync(FleetWriteContext context, CreateHostRequest request)
    {
        var (host, refusal) = Begin(context, request);
        if (host is null)
        {
            return Task.FromResult<WriteOutcome>(refusal!);
        }

        foreach (var (dimm, index) in (request.Dimms ?? []).Select((dimm, index) => (dimm, index)))
        {
            if (DimmCommands.Add(host, dimm, $"dimms/{index}/") is { } refused)
            {
                return Task.FromResult<WriteOutcome>(refused);
            }
        }

        foreach (var (region, index) in (request.Regions ?? []).Select((region, index) => (region, index)))
        {
            if (RegionCommands.Add(host, region, $"regions/{index}/").Refusal is { } refused)
            {
                return Task.FromResult<WriteOutcome>(refused);
            }
        }

        // what its namespaces come up as is found by the boot, on the first worker that gets it
        host.Save();
        var dto = HostProjection.ToDto(host.Rows, null);
        host.Event("host.created", host.Name, dto);
        context.Changes.WakeAfterCommit(WakeUps.Placement);
        return Task.FromResult<WriteOutcome>(new WriteOutcome.Created(dto, $"/v1/hosts/{host.Name}", Etag.Of(host.Host.Id, host.Host.Version)));
    }

    /// <summary>A host without devices, not saved yet.</summary>
    public static (HostAggregate? Host, RefusalDto? Refusal) Begin(FleetWriteContext context, CreateHostRequest request)
    {
        var platform = request.Platform ?? new PlatformDto();
        if (Check(request, platform) is { } refusal)
        {
            return (null, refusal);
        }

        var row = new HostRow
        {
            Id = context.NewId(),
            Name = request.Name!,
            Labels = new Dictionary<string, string>(request.Labels ?? new Dictionary<string, string>()),
            Provider = request.Provider ?? Providers.Nfit,
            SupportsPud = platform.SupportsPud,
            PageTableLevels = platform.PageTableLevels,
            Profile = platform.Profile,
            DeviceDax = platform.DeviceDax,
            MediaPool = request.MediaPool ?? DefaultPool,
            CreatedAt = context.Now,
        };
        context.Changes.Add(row);
        return (HostAggregate.Made(context, row), null);
    }

    /// <param name="platform">What is asked for.</param>
    /// <param name="prefix">Of the JSON pointer, with its last slash.</param>
    public static RefusalDto? CheckPlatform(PlatformDto platform, string prefix) =>
        platform.PageTableLevels is not (4 or 5) ? Refusals.Invalid("page-table-levels", $"{prefix}pageTableLevels", "Page tables have 4 or 5 levels.", "4", "5").With("pageTableLevels", platform.PageTableLevels)
        : !Profiles.Contains(platform.Profile) ? Refusals.Invalid("profile-unknown", $"{prefix}profile", $"There is no profile '{platform.Profile}'.", Profiles)
        : null;

    private static RefusalDto? Check(CreateHostRequest request, PlatformDto platform) =>
        !HostNames.IsName(request.Name!) ? Refusals.Invalid("host-name", "name", "A host's name is 1 to 63 lower-case letters, digits, '-' and '.', with a letter or digit at both ends.")
        : request.Provider is not (null or Providers.Nfit or Providers.E820) ? Refusals.Invalid("provider-unknown", "provider", $"There is no provider '{request.Provider}'.", Providers.Nfit, Providers.E820)
        : CheckPlatform(platform, "platform/") is { } bad ? bad
        : request.MediaPool is { } pool && !HostNames.IsName(pool) ? Refusals.Invalid("media-pool", "mediaPool", "A media pool is named as a host is.")
        : request.Dimms is { Count: > MostDimms } ? Refusals.Invalid("dimm-count", "dimms", $"A host has at most {MostDimms} DIMMs.", $"{MostDimms}").With("dimms", request.Dimms.Count)
        : HostNames.CheckLabels(request.Labels);
}
