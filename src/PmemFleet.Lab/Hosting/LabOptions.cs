namespace PmemFleet.Lab.Hosting;

/// <summary>What a user may say of a lab.</summary>
internal sealed record LabOptions
{
    /// <summary>Where the lab keeps its data; null for a temporary folder that is removed.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Port of the Api on 127.0.0.1; 0 for a free one.</summary>
    public int Port { get; init; }

    /// <summary>Told what takes time.</summary>
    public Action<string> Report { get; init; } = _ => { };

    /// <summary>Told each line of the worker's log.</summary>
    public Action<string>? WorkerLog { get; init; }

    /// <summary>Log lines of the Api below this level are dropped.</summary>
    public LogLevel ApiLog { get; init; } = LogLevel.Warning;

    /// <summary><c>PMEMFLEET__DATABASE__CONNECTIONSTRING</c>: a database of the user's, instead of a private PostgreSQL.</summary>
    public string? ConnectionString { get; init; } = Environment.GetEnvironmentVariable("PMEMFLEET__DATABASE__CONNECTIONSTRING");

    /// <summary><c>PMEMFLEET__POSTGRES__BIN</c>.</summary>
    public string? PostgresBin { get; init; } = Environment.GetEnvironmentVariable("PMEMFLEET__POSTGRES__BIN");
}
