using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Health;

/// <summary>Health injection, security and firmware of a DIMM: the state is the worker's.</summary>
public static class HealthCommands
{
    private const double ColdestCelsius = -273;
    private const double HottestCelsius = 2047;
    private const int LongestVersion = 32;

    private static readonly IReadOnlyList<string> ClearErrnos = ["none", "ENXIO", "EIO"];

    public static WriteOutcome Inject(HostAggregate host, string dimm, InjectSmartRequest request) => Change(
        host,
        dimm,
        OperationKinds.InjectSmart,
        "dimm.smart-injected",
        row => Refuse(host, request) is { } refusal ? (null, refusal) : (new InjectSmartStep { DimmId = row.Id, Request = request }, null));

    public static WriteOutcome Secure(HostAggregate host, string dimm, DimmSecurityRequest request) => Change(
        host,
        dimm,
        OperationKinds.DimmSecurity,
        "dimm.security-changed",
        row => string.IsNullOrWhiteSpace(request.Command)
            ? (null, Refusals.Invalid("security-command", "command", "A security command is missing."))
            : (new SecurityStep { DimmId = row.Id, Command = request.Command, IsActive = Regions(host, row).Any() }, null));

    public static WriteOutcome Update(HostAggregate host, string dimm, DimmFirmwareRequest request) => Change(
        host,
        dimm,
        OperationKinds.DimmFirmware,
        "dimm.firmware-changed",
        row => request.Version is { Length: 0 or > LongestVersion }
            ? (null, Refusals.Invalid("firmware-version", "version", $"A version has 1 to {LongestVersion} characters."))
            : (new FirmwareStep
            {
                DimmId = row.Id,
                Request = request,
                IsActive = Regions(host, row).Any(region => region.Namespaces.Any(device => device.State == NamespaceState.Enabled)),
            }, null));

    private static IEnumerable<Region> Regions(HostAggregate host, DimmRow row) =>
        host.Bus.Regions.Where(region => region.Enabled && region.Mappings.Any(mapping => mapping.Dimm.Name == row.Name));

    private static WriteOutcome Change(
        HostAggregate host, string dimm, string kind, string type, Func<DimmRow, (TaskStep? Step, RefusalDto? Refusal)> toStep)
    {
        if (host.FindDimm(dimm) is not { } row)
        {
            return WriteOutcome.NotFound("dimm", dimm);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        var (step, refusal) = toStep(row);
        if (step is null)
        {
            return refusal!;
        }

        host.Event(type, dimm);
        return host.Enqueue(kind, dimm, [step], $"/v1/hosts/{host.Name}/dimms/{dimm}/health");
    }

    private static RefusalDto? Refuse(HostAggregate host, InjectSmartRequest request)
    {
        if (host.Host.Provider != Providers.Nfit)
        {
            return new RefusalDto { Errno = "EOPNOTSUPP", Code = "no-smart-injection", Message = "The bus has no commands to inject health." };
        }

        foreach (var (name, celsius) in ((string, double?)[])[("mediaTemperature", request.MediaTemperature), ("mediaTemperatureThreshold", request.MediaTemperatureThreshold), ("controllerTemperatureThreshold", request.ControllerTemperatureThreshold)])
        {
            if (celsius is not (null or (>= ColdestCelsius and <= HottestCelsius)))
            {
                return Refusals.Invalid("temperature-out-of-range", name, "A temperature is -273 to 2047 degrees Celsius.");
            }
        }

        foreach (var (name, percent) in ((string, int?)[])[("spares", request.Spares), ("sparesThreshold", request.SparesThreshold)])
        {
            if (percent is not (null or (>= 0 and <= 100)))
            {
                return Refusals.Invalid("spares-out-of-range", name, "Spares are 0 to 100 percent.", "0", "100").With("percent", percent.Value);
            }
        }

        return request.ClearErrorErrno is { } errno && !ClearErrnos.Contains(errno)
            ? Refusals.Invalid("clear-error-errno", "clearErrorErrno", $"'{errno}' is not what a clear-error command fails with.", ClearErrnos)
            : null;
    }
}
