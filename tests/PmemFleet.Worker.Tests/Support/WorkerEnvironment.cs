namespace PmemFleet.Worker.Tests.Support;

/// <summary>A worker's variables.</summary>
internal static class WorkerEnvironment
{
    public static Dictionary<string, string> Of(ScriptedFleetApi api, string name, Uri url, string data) => new()
    {
        ["PMEMFLEET__WORKER__NAME"] = name,
        ["PMEMFLEET__WORKER__APIURL"] = api.Url.ToString(),
        ["PMEMFLEET__WORKER__JOINTOKEN"] = ScriptedFleetApi.JoinToken,
        ["PMEMFLEET__WORKER__DATADIRECTORY"] = data,
        ["PMEMFLEET__WORKER__URLS"] = url.ToString().TrimEnd('/'),
    };
}
