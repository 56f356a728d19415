namespace PmemFleet.Api.Operations;

/// <summary>What the resources ask of workers.</summary>
public static class OperationKinds
{
    public const string CreateNamespace = "create-namespace";
    public const string ReconfigureNamespace = "reconfigure-namespace";
    public const string DestroyNamespace = "destroy-namespace";
    public const string EnableNamespace = "enable-namespace";
    public const string DisableNamespace = "disable-namespace";
    public const string CheckNamespace = "check-namespace";
    public const string CreateRegion = "create-region";
    public const string EnableRegion = "enable-region";
    public const string DisableRegion = "disable-region";
    public const string DeleteRegion = "delete-region";
    public const string ImportImage = "import-image";
    public const string UnplugDimm = "unplug-dimm";
    public const string EnableDaxDevice = "enable-dax-device";
    public const string DisableDaxDevice = "disable-dax-device";
    public const string InjectErrors = "inject-errors";
    public const string UninjectErrors = "uninject-errors";
    public const string ClearErrors = "clear-errors";
    public const string Scrub = "scrub";
    public const string Campaign = "campaign";
    public const string InjectSmart = "inject-smart";
    public const string DimmSecurity = "dimm-security";
    public const string DimmFirmware = "dimm-firmware";
    public const string Power = "power";
    public const string Evacuate = "evacuate";
    public const string ApplyFleet = "apply-fleet";
    public const string RunWorkload = "run-workload";
    public const string DeleteHost = "delete-host";
}
