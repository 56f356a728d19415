using PmemFleet.Contracts;

namespace PmemFleet.Worker;

/// <summary>What a worker is told by its environment: <c>PMEMFLEET__WORKER__…</c>, or <c>…_FILE</c> naming a file that holds the value.</summary>
internal sealed record WorkerOptions
{
    public const string Section = "PMEMFLEET__WORKER__";

    public required string Name { get; init; }

    public required Uri ApiUrl { get; init; }

    public required Uri AdvertisedUrl { get; init; }

    public required string JoinToken { get; init; }

    public required string DataDirectory { get; init; }

    public required string MediaPool { get; init; }

    public required string Urls { get; init; }

    /// <summary>An empty data folder is the pool's from now on, although the fleet knows hosts whose media were elsewhere.</summary>
    public bool NewPool { get; init; }

    /// <summary>Bytes of the media's file system that are kept free.</summary>
    public long ReserveBytes { get; init; } = 256L << 20;

    /// <summary>The options, with their defaults: documentation, and the test of the compose file, read it too.</summary>
    public static IReadOnlyDictionary<string, string?> Known { get; } = new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["NAME"] = Environment.MachineName.ToLowerInvariant(),
        ["APIURL"] = "http://127.0.0.1:8080",
        ["ADVERTISEDURL"] = null,
        ["JOINTOKEN"] = null,
        ["DATADIRECTORY"] = "/var/lib/pmemfleet",
        ["MEDIAPOOL"] = "default",
        ["URLS"] = "http://127.0.0.1:8081",
        ["NEWPOOL"] = "false",
        ["RESERVE"] = "256M",
    };

    /// <summary>Reads the options.</summary>
    /// <exception cref="InvalidOperationException">A key is unknown, a value is missing or malformed; the message names it.</exception>
    public static WorkerOptions Read(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var key in environment.Keys.Where(key => key.StartsWith(Section, StringComparison.Ordinal)))
        {
            var name = key[Section.Length..];
            if (!Known.ContainsKey(name.EndsWith("_FILE", StringComparison.Ordinal) ? name[..^5] : name))
            {
                throw new InvalidOperationException($"{key} is not an option of the worker; known are {string.Join(", ", Known.Keys.Select(known => Section + known))}, each also with _FILE");
            }
        }

        var urls = Value(environment, "URLS")!;
        return new WorkerOptions
        {
            Name = Value(environment, "NAME")!,
            ApiUrl = Url(environment, "APIURL", null),
            AdvertisedUrl = Url(environment, "ADVERTISEDURL", urls.Split(';')[0]),
            JoinToken = Value(environment, "JOINTOKEN") ?? throw new InvalidOperationException($"{Section}JOINTOKEN or {Section}JOINTOKEN_FILE is missing"),
            DataDirectory = Value(environment, "DATADIRECTORY")!,
            MediaPool = Value(environment, "MEDIAPOOL")!,
            Urls = urls,
            NewPool = bool.TryParse(Value(environment, "NEWPOOL"), out var isNew) ? isNew : throw new InvalidOperationException($"{Section}NEWPOOL is neither true nor false"),
            ReserveBytes = ByteSize.TryParse(Value(environment, "RESERVE"), null, out var reserve) && reserve.Value >= 0
                ? reserve.Value
                : throw new InvalidOperationException($"{Section}RESERVE is not a size such as 256M"),
        };
    }

    private static string? Value(IReadOnlyDictionary<string, string> environment, string name) =>
        environment.TryGetValue($"{Section}{name}_FILE", out var path) ? File.ReadAllText(path).Trim()
        : environment.GetValueOrDefault(Section + name) ?? Known[name];

    private static Uri Url(IReadOnlyDictionary<string, string> environment, string name, string? fallback) =>
        Uri.TryCreate(Value(environment, name) ?? fallback, UriKind.Absolute, out var url) && url.Scheme is ("http" or "https")
            ? url
            : throw new InvalidOperationException($"{Section}{name} is not an http(s) URL");

    public override string ToString() =>
        $"name={Name} api={ApiUrl} advertised={AdvertisedUrl} data={DataDirectory} pool={MediaPool} urls={Urls} newPool={NewPool} reserve={ReserveBytes} joinToken=***";
}
