using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace PmemFleet.Api.OpenApi;

/// <summary>Title, bearer scheme, tags in the order of the tour.</summary>
public sealed class DocumentDescription : IOpenApiDocumentTransformer
{
    public const string Bearer = "bearer";

    private const string About = """
        A virtual persistent-memory fleet that behaves as Linux libnvdimm and device-dax do, down to the bytes on the media and the errno of a refused mmap.

        Press **Authorize** and paste a key (`pmf_…`). Every request below is filled in with an example that works as it stands, in the order of the tags.

        * Sizes go out as integers of bytes; they come in as integers or as text with ndctl's suffixes (`"4G"`, `"16MiB"`, `"0x1000"`).
        * Every refusal is `application/problem+json` with a stable `code`, Linux's `errno`, the numbers that were compared and, where there are any, the nearest legal values in `allowed`.
        * `?dryRun=true` on every write makes all checks, answers what it would answer, with `Dry-Run: true`, and changes nothing; what a worker does, it rehearses.
        * A change that needs a worker is waited for as `Prefer: wait=N` says (5 s by default); after that the answer is `202` with the operation's address.
        * `Idempotency-Key` makes a POST safe to repeat; `If-Match` makes a write conditional, and PUT and DELETE require it (`*` for any).
        """;

    private static readonly (string Name, string Description)[] Tags =
    [
        ("Hosts", "Virtual servers: one libnvdimm bus each."),
        ("Dimms", "NVDIMMs, their label storage areas and images."),
        ("Regions", "Physical ranges over one DIMM or an interleave set."),
        ("Namespaces", "Allocations of a region in mode raw, sector, fsdax or devdax."),
        ("Dax", "What a devdax namespace gives: dax regions and mappable devices."),
        ("Processes", "Simulated processes, their mappings of dax devices, their faults and page tables."),
        ("MediaErrors", "Poison: injected, found, cleared."),
        ("Scrubs", "Address range scrubs."),
        ("Ndctl", "The same state as ndctl, daxctl and /proc/iomem print it."),
        ("Operations", "Changes that wait for a worker."),
        ("Events", "What changed, in one gap-free sequence."),
        ("Workers", "Processes that hold hosts' media."),
        ("Access", "API keys."),
    ];

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "PmemFleet",
            Version = OpenApiSetup.DocumentName,
            Description = About,
            License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "pmf_…",
                Description = "An API key. `dotnet run --project src/PmemFleet.Lab` prints a ready one.",
            },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
        var used = document.Paths.Values.SelectMany(path => path.Operations?.Values.SelectMany(operation => operation.Tags ?? (IEnumerable<OpenApiTagReference>)[]) ?? [])
            .Select(tag => tag.Name).ToHashSet();
        var known = Tags.Where(tag => used.Contains(tag.Name)).Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description });
        var others = used.Except(Tags.Select(tag => tag.Name)).Order(StringComparer.Ordinal).Select(name => new OpenApiTag { Name = name });
        var paths = document.Paths.OrderBy(path => path.Key, StringComparer.Ordinal).ToArray();
        document.Paths.Clear();
        foreach (var (path, item) in paths)
        {
            document.Paths.Add(path, item);
        }

        document.Tags = new HashSet<OpenApiTag>([.. known, .. others]);
        return Task.CompletedTask;
    }
}
