using PmemFleet.Api.Hosts;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Fleets;

/// <summary>One host of a document, its count resolved.</summary>
/// <param name="Name">Its name.</param>
/// <param name="At">Where it stands in the document, without the first slash and with a last one.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Source">The rest.</param>
public sealed record HostOfDocument(string Name, string At, IReadOnlyDictionary<string, string>? Labels, FleetHost Source);

/// <summary>Resolves the counts of a document, and refuses what is no fleet before anything is looked at.</summary>
public static class FleetExpansion
{
    public const string ApiVersion = "pmemfleet/v1";
    public const int MostHosts = 20_000;
    public const int MostDimms = 300_000;
    public const int MostNamespaces = 1_000_000;

    /// <summary>The hosts in the document's order.</summary>
    public static (IReadOnlyList<HostOfDocument> Hosts, RefusalDto? Refusal) Expand(FleetDocument document)
    {
        if (document.ApiVersion is not (null or ApiVersion))
        {
            return ([], Refusals.Invalid("fleet-version", "apiVersion", $"There is no form '{document.ApiVersion}' of a fleet document.", ApiVersion));
        }

        if (CheckCounts(document) is { } refusal)
        {
            return ([], refusal);
        }

        var hosts = new List<HostOfDocument>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (host, index) in document.Hosts!.Select((host, index) => (host, index)))
        {
            var pointer = $"hosts/{index}/";
            for (var i = 0; i < (host.Count ?? 1); i++)
            {
                var number = (host.First ?? 1) + i;
                var name = FleetNames.Fill(host.Name!, number);
                if (!HostNames.IsName(name))
                {
                    return ([], Refusals.Invalid("host-name", $"{pointer}name", $"'{name}' is no host's name: 1 to 63 lower-case letters, digits, '-' and '.', with a letter or digit at both ends."));
                }

                if (!names.TryAdd(name, pointer))
                {
                    return ([], Refusals.Invalid("host-twice", $"{pointer}name", $"The host '{name}' stands in the document twice."));
                }

                var labels = host.Labels?.ToDictionary(label => label.Key, label => FleetNames.Fill(label.Value, number));
                hosts.Add(new HostOfDocument(name, pointer, labels, host));
            }
        }

        return (hosts, null);
    }

    private static RefusalDto? CheckCounts(FleetDocument document)
    {
        // each is bounded before it is multiplied, so that no sum overflows
        long hosts = 0, dimms = 0, namespaces = 0;
        foreach (var (host, index) in document.Hosts!.Select((host, index) => (host, index)))
        {
            var at = $"hosts/{index}/";
            if (Count(host.Count, MostHosts, $"{at}count") is { } badHosts)
            {
                return badHosts;
            }

            if (host.First is < 0 or > 1_000_000)
            {
                return Refusals.Invalid("fleet-first", $"{at}first", "The first number is 0 to 1000000.", "0", "1000000").With("first", host.First.Value);
            }

            if (host.Count is > 1 && !FleetNames.HasNumber(host.Name!))
            {
                return Refusals.Invalid("fleet-name-number", $"{at}name", "With a count the name holds {n}.", $"{host.Name}-{{n}}");
            }

            long ownDimms = 0, ownNamespaces = 0;
            foreach (var (dimm, number) in (host.Dimms ?? []).Select((dimm, number) => (dimm, number)))
            {
                if (Count(dimm.Count, CreateHost.MostDimms, $"{at}dimms/{number}/count") is { } badDimms)
                {
                    return badDimms;
                }

                ownDimms += dimm.Count ?? 1;
                if (dimm.Count is > 1 && dimm.SerialNumber is not null)
                {
                    return Refusals.Invalid("fleet-serial-count", $"{at}dimms/{number}/serialNumber", "DIMMs with a count get serial numbers of their own.");
                }
            }

            if (ownDimms > CreateHost.MostDimms)
            {
                return Refusals.Invalid("dimm-count", $"{at}dimms", $"A host has at most {CreateHost.MostDimms} DIMMs.", $"{CreateHost.MostDimms}").With("dimms", ownDimms);
            }

            foreach (var (space, number) in (host.Namespaces ?? []).Select((space, number) => (space, number)))
            {
                if (Count(space.Count, MostNamespaces, $"{at}namespaces/{number}/count") is { } badNamespaces)
                {
                    return badNamespaces;
                }

                ownNamespaces += space.Count ?? 1;
                if ((space.Count is > 1 || space.Region == HostOfFleet.EachRegion || host.Count is > 1) && (space.Uuid ?? space.PersonalityUuid) is not null)
                {
                    return Refusals.Invalid("fleet-uuid-count", $"{at}namespaces/{number}/uuid", "A uuid is that of one namespace; it stands with a count.");
                }
            }

            hosts += host.Count ?? 1;
            dimms += (host.Count ?? 1) * ownDimms;
            namespaces += (host.Count ?? 1) * ownNamespaces;
        }

        return Total("hosts", hosts, MostHosts) ?? Total("dimms", dimms, MostDimms) ?? Total("namespaces", namespaces, MostNamespaces);
    }

    private static RefusalDto? Count(int? count, int most, string pointer) => count is < 1 || count > most
        ? Refusals.Invalid("fleet-count", pointer, $"A count is 1 to {most}.", "1", $"{most}").With("count", count!.Value)
        : null;

    private static RefusalDto? Total(string what, long count, int most) => count <= most
        ? null
        : Refusals.Invalid("fleet-size", "hosts", $"A document has at most {most} {what}; apply several.", $"{most}").With(what, count);
}
