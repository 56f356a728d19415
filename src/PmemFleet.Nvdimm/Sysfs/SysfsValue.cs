namespace PmemFleet.Nvdimm.Sysfs;

/// <summary>One attribute of a device directory.</summary>
/// <param name="Text">What a read gives, without its newline; null where the read fails with ENXIO because it does not apply now.</param>
/// <param name="Permissions">Octal permissions, such as <c>0644</c> in base 8.</param>
public readonly record struct SysfsValue(string? Text, int Permissions)
{
    internal const int ReadOnly = 0x124;
    internal const int ReadWrite = 0x1a4;
    internal const int RootReadOnly = 0x100;
}
