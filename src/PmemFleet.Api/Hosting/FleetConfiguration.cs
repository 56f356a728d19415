using Microsoft.Extensions.Configuration.Memory;
using Npgsql;

namespace PmemFleet.Api.Hosting;

/// <summary>
/// Configuration from <c>PMEMFLEET__…</c>: <c>…_FILE</c> reads a secret from a file, an unknown key is refused with the list of known ones, and
/// the effective values are logged with secrets masked.
/// </summary>
public static partial class FleetConfiguration
{
    public const string Section = "PMEMFLEET";

    /// <summary>Each key the Api reads, and whether its value is a secret.</summary>
    public static readonly IReadOnlyDictionary<string, bool> Known = new SortedDictionary<string, bool>(StringComparer.OrdinalIgnoreCase)
    {
        ["DATABASE:CONNECTIONSTRING"] = true,
        ["DATABASE:HOST"] = false,
        ["DATABASE:PORT"] = false,
        ["DATABASE:NAME"] = false,
        ["DATABASE:USER"] = false,
        ["DATABASE:PASSWORD"] = true,
        ["AUTH:BOOTSTRAPADMINKEY"] = true,
        ["AUTH:METRICSKEY"] = true,
        ["AUTH:OIDC:AUTHORITY"] = false,
        ["AUTH:OIDC:AUDIENCE"] = false,
        ["WORKERS:JOINTOKEN"] = true,
        ["WORKERS:LEASESECONDS"] = false,
        ["WORKERS:FAILOVERSECONDS"] = false,
        ["API:URLS"] = false,
        ["API:DRAINSECONDS"] = false,
        ["API:KNOWNPROXIES"] = false,
        ["API:MAXJSONBYTES"] = false,
        ["API:REQUESTSPERSECOND"] = false,
        ["API:REQUESTBURST"] = false,
        ["API:FAILEDLOGINSPERMINUTE"] = false,
        ["API:TLS:CERTIFICATE"] = false,
        ["API:TLS:KEY"] = true,
        ["API:TLS:KEYPASSWORD"] = true,
        ["RETENTION:EVENTHOURS"] = false,
        ["RETENTION:OPERATIONHOURS"] = false,
    };

    /// <summary>Sections of the other programs, which may share the environment.</summary>
    private static readonly string[] Foreign = ["WORKER:", "POSTGRES:", "LAB:"];

    /// <summary>Replaces <c>KEY_FILE</c> by the file's text and refuses what nobody reads.</summary>
    /// <exception cref="InvalidOperationException">A key is unknown, or a file cannot be read.</exception>
    public static void AddFleetSecretsAndCheck(this IConfigurationManager configuration)
    {
        var read = new Dictionary<string, string?>();
        var unknown = new List<string>();
        foreach (var (key, value) in Leaves(configuration))
        {
            if (Foreign.Any(prefix => key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) || Known.ContainsKey(key))
            {
                continue;
            }

            if (key.EndsWith("_FILE", StringComparison.OrdinalIgnoreCase) && Known.ContainsKey(key[..^5]))
            {
                read[$"{Section}:{key[..^5]}"] = File.ReadAllText(value!).Trim();
            }
            else
            {
                unknown.Add(ToEnvironment(key));
            }
        }

        if (unknown.Count > 0)
        {
            throw new InvalidOperationException(
                $"unknown configuration: {string.Join(", ", unknown)}. Known: {string.Join(", ", Known.Keys.Select(ToEnvironment))}; each also as …_FILE.");
        }

        configuration.Add(new MemoryConfigurationSource { InitialData = read });
    }

    public static string ToConnectionString(this DatabaseOptions options)
    {
        var builder = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        if (options.Host is not null)
        {
            (builder.Host, builder.Port, builder.Database) = (options.Host, options.Port, options.Name);
            builder.Username = options.User ?? builder.Username;
            builder.Password = options.Password ?? builder.Password;
        }

        return builder.Host is null
            ? throw new InvalidOperationException("no database: set PMEMFLEET__DATABASE__CONNECTIONSTRING or PMEMFLEET__DATABASE__HOST")
            : builder.ConnectionString;
    }

    public static void LogEffective(IConfiguration configuration, ILogger logger)
    {
        foreach (var (key, value) in Leaves(configuration))
        {
            if (Known.TryGetValue(key, out var secret))
            {
                var name = ToEnvironment(key);
                LogSetting(logger, name, secret ? "***" : value);
            }
        }
    }

    private static IEnumerable<(string Key, string? Value)> Leaves(IConfiguration configuration) =>
        from pair in configuration.GetSection(Section).AsEnumerable(makePathsRelative: true)
        where pair.Value is not null
        orderby pair.Key
        select (pair.Key, pair.Value);

    private static string ToEnvironment(string key) => $"{Section}__{key.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant()}";

    [LoggerMessage(EventId = 1010, Level = LogLevel.Information, Message = "{Key} = {Value}")]
    private static partial void LogSetting(ILogger logger, string key, string? value);
}
