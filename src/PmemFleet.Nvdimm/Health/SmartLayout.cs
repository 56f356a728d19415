namespace PmemFleet.Nvdimm.Health;

/// <summary>Offsets of the SMART payload (spec 60 section 10), little-endian.</summary>
internal static class SmartLayout
{
    public const int Status = 0;
    public const int Flags = 4;
    public const int Health = 12;
    public const int Spares = 13;
    public const int LifeUsed = 14;
    public const int AlarmFlags = 15;
    public const int MediaTemperature = 16;
    public const int ControllerTemperature = 18;
    public const int ShutdownCount = 20;
    public const int AitStatus = 24;
    public const int PmicTemperature = 25;
    public const int ShutdownState = 35;
    public const int VendorSize = 36;
    public const int Vendor = 40;
}
