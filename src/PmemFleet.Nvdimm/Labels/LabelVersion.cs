namespace PmemFleet.Nvdimm.Labels;

/// <summary>The two label formats of UEFI's persistent memory specification that Linux writes (spec 10 section 1).</summary>
public enum LabelVersion
{
    /// <summary>128-byte labels without a checksum.</summary>
    V11,

    /// <summary>256-byte labels with type guid, abstraction guid and checksum.</summary>
    V12,
}
